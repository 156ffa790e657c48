"""The running process: pages, channels and loops round one core. `panah run` is this with everything in it.

Start: settings, key file, database (one writer), migrations, scripts, what a dead process left behind; then the
ports, then the loops. Stop: streams end, ports close, what is queued is written, the stop is marked clean.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from bot import control, locking
from bot.app import Core, build_core, settle_memory
from bot.beats import begin
from bot.bus import Bus
from bot.content import load_screener
from bot.core.channels import Channel
from bot.core.clock import SteadyClock
from bot.core.ids import system_ids
from bot.core.promise import due_row
from bot.due import plan
from bot.errors import CommandError
from bot.faults import arm_from, clock_from
from bot.handlers.pace import Pace
from bot.handlers.webchat import WebChannel
from bot.languages import languages_of, sayable
from bot.live import Live
from bot.processes import Process
from bot.publishing import ensure_published
from bot.purging import ChatPurge
from bot.retention import keep_of
from bot.sender import Sender, recover
from bot.settings import Settings
from bot.store import migrate, moving
from bot.store.crypto import KeyFileError, Keyring, create_key_file, load_keyring
from bot.store.database import Store, Tx
from bot.store.opening import open_store
from bot.store.turnstile import one_at_a_time
from bot.telemetry import Log
from bot.versions import VersionCache

#: How long open requests may take to end after a stop was asked for.
GRACE_S = 5


#: What a process does: takes what people send (pages, webhooks), polls for it, runs what waits and falls due, says
#: what is in the outbox, is the desk's. `panah run` does all of it; a role of `panah serve` does some.
ALL_DUTIES = frozenset({"web", "polls", "turns", "sends", "desk"})


class LoopEndedError(Exception):
    """A loop of the service ended by itself; what was under way is taken up by the next start."""


@dataclass(slots=True)
class Service:
    """One process's parts, in the order they were made."""

    settings: Settings
    core: Core
    log: Log
    loops: list[Coroutine[Any, Any, None]] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    process: Process = field(default_factory=lambda: Process("run", system_ids()))
    duties: frozenset[str] = ALL_DUTIES
    live: Live | None = None  #: what this process shares with others; None while it is alone

    def add_channel(self, channel: Channel) -> None:
        """Send through a channel from now on."""
        core = self.core
        pace = getattr(channel, "pace", None)
        if self.live is not None and isinstance(pace, Pace):
            pace.share(self.live, getattr(channel, "account", channel.name))
        sender = Sender(
            channel,
            store=core.store,
            keyring=core.keyring,
            bus=core.bus,
            clock=core.clock,
            log=self.log,
            beats=core.beats,
            process=self.process.leases,
        )
        self.channels.append(channel)
        if "sends" in self.duties:
            core.beats.beat(f"sender:{channel.name}")
            self.loops.append(sender.run())
            if getattr(channel, "takes_back", False):
                self._take_back(channel)

    def _take_back(self, channel: Channel) -> None:
        """Let what was said through a channel be deleted from people's phones in time."""
        core = self.core
        purge = ChatPurge(
            channel,
            store=core.store,
            keyring=core.keyring,
            clock=core.clock,
            log=self.log,
            beats=core.beats,
            after_h=self.settings.purge_hours,
        )
        core.beats.beat(f"purge:{channel.name}")
        self.loops.append(purge.run())


def open_core(settings: Settings, log: Log, bus: Bus) -> Core:
    """Open the installation: keys, database, scripts. Refuses when another process writes there.

    Raises:
        StoreBusyError, StoreUnwritableError, KeyFileError, FromTheFutureError, CommandError: it cannot start.
    """
    arm_from(settings.fault)
    languages = languages_of(settings)
    had_database = settings.database.exists()
    store = open_store(settings.where)
    try:
        clock = SteadyClock(clock_from(settings.fault))
        with one_at_a_time(settings.where):
            if store.is_shared:
                had_database = _is_used(store)
            keyring = load_keyring(_key_file(settings, had_database=had_database))
            store.audit_key = keyring.audit_key
            migrate.upgrade(store.connection)
            moving.require_whole(store)
            if store.is_shared:
                _require_same_key(store, keyring)
            ensure_published(store, settings.flows_dir, now_ms=int(clock.now().timestamp() * 1000))
        screener = load_screener()
        versions = VersionCache(store, clock, languages)
        offered = sayable(versions.current(), languages)
        if offered != languages:  # whoever was served yesterday is served today; `doctor` names what is missing
            log.error("language_not_offered", count=len(languages) - len(offered))
            versions = VersionCache(store, clock, offered)
        core = build_core(
            store=store,
            keyring=keyring,
            bus=bus,
            clock=clock,
            ids=system_ids,
            screener=screener,
            versions=versions,
            lines=versions.lines,
            log=log,
            keep=keep_of(settings),
        )
    except BaseException:
        store.close()
        raise
    settle_memory()
    return core


def _key_file(settings: Settings, *, had_database: bool) -> Path:
    path = settings.key_path
    if not path.exists():
        if had_database:
            raise KeyFileError(f"the key file {path} is missing; put its escrow copy back, or nothing can be read")
        create_key_file(path)
    return path


def _is_used(store: Store) -> bool:
    """True for a shared database in which something is sealed already."""
    if migrate.current(store.connection) is None:
        return False
    sql = "SELECT EXISTS (SELECT 1 FROM contacts) OR EXISTS (SELECT 1 FROM meta WHERE key = 'key_id')"
    return bool(store.read_now(lambda db: db.exec_driver_sql(sql).scalar()))


def _require_same_key(store: Store, keyring: Keyring) -> None:
    """See that every process of a shared database has the same key file: what one seals the others must open."""
    keep = "INSERT INTO meta (key, value) VALUES ('key_id', ?) ON CONFLICT (key) DO NOTHING"
    store.write_now(lambda tx: tx.raw.execute(keep, (keyring.key_id,)))
    found = store.read_now(lambda db: db.exec_driver_sql("SELECT value FROM meta WHERE key = 'key_id'").scalar())
    if found != keyring.key_id and not keyring.has_retired:  # a change of the key that was not finished has both
        raise KeyFileError("this key file belongs to another database; copy the one of the first process here")


def pick_up_beside(service: "Service") -> None:
    """Begin beside other processes: their leases and what they have under way are theirs."""
    core = service.core
    now_ms = int(core.clock.now().timestamp() * 1000)
    if core.store.write_now(lambda tx: service.process.begin(tx, now_ms)):
        core.log.warning("unclean_stop")
        core.worker.be_careful()
    core.store.write_now(lambda tx: mark_stop(tx, "running"))
    if "turns" in service.duties:
        row = due_row("retention", "all", "1", due_at=now_ms + 60_000, now_ms=now_ms)
        core.store.write_now(lambda tx: plan(tx, row))
    service.loops.append(_keep_living(service))


async def _keep_living(service: "Service") -> None:
    """Renew this process's row for ever."""
    core = service.core
    while True:
        now_ms = int(core.clock.now().timestamp() * 1000)
        try:
            await core.store.write(lambda tx, now_ms=now_ms: service.process.renew(tx, now_ms))  # type: ignore[misc]
        except Exception as error:  # noqa: BLE001 - the loop must outlive a server that is away
            core.log.error("process_row_failed", error=type(error).__name__)
        await asyncio.sleep(10.0)


def pick_up(core: Core) -> None:
    """Take over after the last stop: careful when it was not clean; what a dead sender had leased may go out again."""
    found = core.store.read_now(lambda db: db.exec_driver_sql("SELECT value FROM meta WHERE key = 'stop'").scalar())
    if found == "running":
        core.log.warning("unclean_stop")
        core.worker.be_careful()
    core.store.write_now(lambda tx: mark_stop(tx, "running"))
    core.store.write_now(recover)
    core.store.write_now(forget_leases)
    core.store.write_now(begin)
    now_ms = int(core.clock.now().timestamp() * 1000)
    core.store.write_now(lambda tx: plan(tx, due_row("retention", "all", "1", due_at=now_ms + 60_000, now_ms=now_ms)))


def forget_leases(tx: Tx) -> None:
    """Take what a dead process held: we are the only one that writes here, so its leases would only make us wait."""
    tx.raw.execute("DELETE FROM leases")


def mark_stop(tx: Any, value: str) -> None:
    """Note whether the process is running or was stopped cleanly."""
    sql = "INSERT INTO meta (key, value) VALUES ('stop', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    tx.raw.execute(sql, (value,))


def bind(host: str, port: int) -> socket.socket:
    """Take a port before anything else is started.

    Raises:
        CommandError: it is taken or may not be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise CommandError(
            f"cannot listen on {host}:{port} ({error.strerror}); set PANAH_WEB_PORT or PANAH_CONSOLE_PORT to a free port"
        ) from error
    return listener


def server(app: ASGIApp) -> uvicorn.Server:
    """Make a server without access log (URLs stay out of logs) and without its own signal handling."""
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,  # its own handler would print tracebacks
        log_level="warning",
        server_header=False,
        date_header=False,
        lifespan="off",
        http="httptools",
        ws="none",
        timeout_graceful_shutdown=GRACE_S,
    )
    made = uvicorn.Server(config)
    made.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    return made


async def serve_until_stopped(
    service: Service, apps: Sequence[tuple[ASGIApp, socket.socket]], verbs: control.ControlVerbs | None
) -> None:
    """Run until a signal asks to stop; a loop that ends in any way takes the process with it, loudly, to be restarted.

    Raises:
        LoopEndedError: nobody asked to stop.
    """
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, service.stopping.set)
    servers = [server(app) for app, _ in apps]
    door = await control.serve(service.settings.socket, verbs, service.log) if verbs is not None else None
    tasks = [asyncio.create_task(made.serve(sockets=[taken])) for made, (_, taken) in zip(servers, apps, strict=True)]
    mine = core_loops(service.core, turns="turns" in service.duties)
    loops = (*service.loops, *mine, locking.follow(service.settings, locked=False))
    tasks += [asyncio.create_task(made, name=getattr(made, "__qualname__", "loop")) for made in loops]
    stop = asyncio.create_task(service.stopping.wait())
    done, _ = await asyncio.wait([*tasks, stop], return_when=asyncio.FIRST_COMPLETED)
    was_asked = service.stopping.is_set()
    service.stopping.set()
    service.core.bus.publish("cases")  # open streams look up, and end
    for made in servers:
        made.should_exit = True
    if door is not None:
        door.close()
    if servers:
        await asyncio.wait(tasks[: len(servers)], timeout=GRACE_S + 1)
    for task in tasks[len(servers) :]:
        task.cancel()
    await asyncio.gather(*tasks, stop, return_exceptions=True)
    for channel in service.channels:
        await channel.close()
    ended = [task for task in tasks if task in done and not (was_asked and _is_quiet(task))]
    for task in ended:
        service.log.error("loop_ended", code=task.get_name(), error=_how(task))
    if ended:
        raise LoopEndedError from (None if ended[0].cancelled() else ended[0].exception())


def _is_quiet(task: asyncio.Task[Any]) -> bool:
    return task.cancelled() or task.exception() is None


def _how(task: asyncio.Task[Any]) -> str:
    if task.cancelled():
        return "cancelled"
    return type(task.exception()).__name__ if task.exception() else "returned"


def core_loops(core: Core, *, turns: bool = True) -> list[Coroutine[Any, Any, None]]:
    """Give the loops that every writing process runs; `turns`: also those that run what waits and falls due."""
    pulse = core.worker.kick if turns else _no_pulse
    loops = [core.beats.run(core.store, core.log, pulse=pulse)]
    if turns:
        for name in ("worker", "waiting", "timers"):
            core.beats.beat(name)
        loops = [core.waiting.run(), core.timers.run(), *loops]
    return loops


def _no_pulse() -> None:
    """Nothing runs turns here that would have to prove itself."""


def close(core: Core, *, is_clean: bool) -> None:
    """Write what is queued, mark a stop that was asked for as clean, let go of the database."""
    if is_clean:
        core.store.write_now(lambda tx: mark_stop(tx, "clean"))
    core.store.close()


def close_service(service: Service, *, is_clean: bool) -> None:
    """Do so for one of perhaps several processes: the service is stopped when the last one is."""
    core = service.core
    if core.store.is_shared and is_clean:
        now_ms = int(core.clock.now().timestamp() * 1000)
        is_clean = core.store.write_now(lambda tx: service.process.end(tx, now_ms))
    close(core, is_clean=is_clean)


def open_service(
    settings: Settings, log: Log, bus: Bus, *, role: str = "run", duties: frozenset[str] = ALL_DUTIES
) -> Service:
    """Open everything that needs no port."""
    core = open_core(settings, log, bus)
    service = Service(settings, core, log, process=Process(role, core.ids()), duties=duties)
    if core.store.is_shared:
        pick_up_beside(service)
    else:
        pick_up(core)
    service.add_channel(WebChannel(core.store, core.keyring, core.bus))
    return service
