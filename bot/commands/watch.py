"""`panah serve --role watch`: the alert loop's own process, wired by hand. Imports little, and nothing of the bot.

One watch at a time: a lock file in the data directory decides. The child of `panah run` outlives a parent that was
killed, alerts that it is gone, and hands over to the child of the next one.
"""

import asyncio
import signal
import sys
from typing import TextIO, cast

from bot.commands.watch_lock import WatchLock
from bot.commands.watch_log import AsideStream
from bot.commands.watch_settings import command_words, duty_numbers
from bot.errors import CommandError
from bot.faults import arm_from, clock_from
from bot.settings import Settings, ways_configured
from bot.telemetry import Log, configure, guard_loop, guard_process
from escalation.watch import Duties, Watch
from escalation.watch_file import WatchFile
from escalation.watch_heart import FileHeart
from escalation.watch_model import Level, Person, Policy
from escalation.watch_policy import PolicyError, load_policy
from escalation.watch_ways import CommandWay, SmsWay, StaffBotWay, Way

_HANDOVER_EVERY_S = 1.0


def run_watch(settings: Settings, *, with_parent: bool) -> None:
    """Alert until stopped.

    Raises:
        CommandError: there is no way out and no outside watcher, or the data directory cannot be used.
    """
    if not ways_configured(settings) and not settings.heartbeat_url:
        raise CommandError(
            "no way out for alerts: set PANAH_STAFFBOT_TOKEN, PANAH_ALERT_COMMAND or SMS with PANAH_ALERT_PHONES"
        )
    arm_from(settings.fault)
    log = configure(cast("TextIO", AsideStream()))
    guard_process(log)
    asyncio.run(_run(settings, log, with_parent=with_parent))


def read_policy(settings: Settings, log: Log) -> Policy:
    """Give the policy; a wrong one is told of, and the packaged one serves meanwhile: silence is worse."""
    try:
        return load_policy(settings.alert_policy)
    except PolicyError as error:
        log.error("alert_policy_wrong", count=len(error.issues))
        return load_policy()


def ways_of(settings: Settings) -> dict[str, Way]:
    """Make the ways that are configured.

    Raises:
        CommandError: the command is none.
    """
    wanted = ways_configured(settings)
    ways: dict[str, Way] = {}
    if "staffbot" in wanted:
        ways["staffbot"] = StaffBotWay(token=settings.staffbot_token, api=settings.staffbot_api)
    if "sms" in wanted:
        ways["sms"] = SmsWay(
            account=settings.twilio_account,
            token=settings.twilio_token,
            number=settings.twilio_number,
            api=settings.twilio_api,
        )
    if "command" in wanted:
        ways["command"] = CommandWay(command_words(settings))
    return ways


def duty_of(settings: Settings, policy: Policy) -> list[Person]:
    """Give the house's own addresses: its numbers and its program, and the numbers that the policy names.

    Raises:
        CommandError: a number has not the form +98….
    """
    people = [
        Person(key=f"duty:{at}", duty=True, addresses={"sms": number})
        for at, number in enumerate(duty_numbers(settings), 1)
    ]
    if settings.alert_command:
        people.append(Person(key="duty:command", duty=True, addresses={"command": "duty"}))
    phones = {who.phone for level in _levels(policy) for who in level.people if who.phone}
    return [*people, *(Person(key=f"phone:{phone}", addresses={"sms": phone}) for phone in sorted(phones))]


def _levels(policy: Policy) -> list[Level]:
    return [level for tier in policy.tiers.values() for level in tier.levels]


async def _run(settings: Settings, log: Log, *, with_parent: bool) -> None:
    guard_loop(log)
    stopping, orphaned = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    parent = asyncio.create_task(_follow_parent(orphaned)) if with_parent else None
    beat = settings.var / "watch.beat"
    lock = WatchLock(settings.var / "watch.lock", beat)
    if not await _unless(stopping, lock.take()):
        return
    clock = clock_from(settings.fault)
    policy = read_policy(settings, log)
    file = WatchFile(settings.var / "watch.db", log, int(clock.now().timestamp() * 1000))
    watch = Watch(
        Duties(
            database=settings.where,
            file=file,
            ways=ways_of(settings),
            policy=policy,
            duty=duty_of(settings, policy),
            heart=FileHeart(beat, url=settings.heartbeat_url, clock=clock, log=log),
            clock=clock,
            log=log,
        )
    )
    log.info("watch_started")
    end = asyncio.create_task(_outlive(watch, orphaned, lock, log))
    running = asyncio.create_task(watch.run())
    await _unless(stopping, asyncio.wait([end, running], return_when=asyncio.FIRST_COMPLETED))
    for task in (end, running, parent):
        if task is not None:
            task.cancel()
    await asyncio.gather(end, running, return_exceptions=True)
    file.close()
    lock.release()


async def _unless(stopping: asyncio.Event, work: object) -> bool:
    """Wait for work or the wish to stop; False when it was the latter."""
    task = asyncio.ensure_future(work)  # type: ignore[call-overload]
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait([task, stop], return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if task.done():
        task.result()
        return True
    task.cancel()
    return False


async def _follow_parent(orphaned: asyncio.Event) -> None:
    """Read standard input to its end, which comes when the parent ends, even by kill -9."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    while await reader.read(1024):
        pass
    orphaned.set()


async def _outlive(watch: Watch, orphaned: asyncio.Event, lock: WatchLock, log: Log) -> None:
    """Once the parent is gone: alert that, until the next one's child asks for the lock or a person has stopped it."""
    await orphaned.wait()
    if watch.stopped:
        return
    log.error("parent_gone")
    watch.parent_gone()
    while True:
        await asyncio.sleep(_HANDOVER_EVERY_S)
        if lock.is_wanted() or watch.stopped:
            log.info("watch_handed_over")
            return
