"""What each step of a plan does to the world. One small function a step; the dict at the end names them all."""

from collections.abc import Callable
from functools import partial

from bot import publishing
from bot.core.messages import MediaInput, Press, PressInput, TextInput
from bot.engine.model import Bundle
from bot.proof.simulation import steps_staff
from bot.proof.simulation.citizens import DANGER, HANDLERS, ORDINARY, PEOPLE, WORRY
from bot.proof.simulation.plan import Step
from bot.proof.simulation.provider import KEPT_S, Failure
from bot.proof.simulation.world import World
from bot.publishing import Act

#: Every crash point of the code that this simulation passes (W3 is the moment of E3 and E4).
POINTS: tuple[str, ...] = (
    "W1", "W2", "W4", "E1", "E2", "E3", "E4", "E5", "E6", "O1", "O2", "O3", "O4", "C1", "C2", "C3", "P1", "P2", "P3",
    "F1", "F2", "W3",
)  # fmt: skip
#: Those of the alert process.
WATCH_POINTS: tuple[str, ...] = ("A1", "A2", "A3")
_FAILURES: tuple[Failure, ...] = ("5xx", "lost", "429", "5xx", "lost", "403")
_DAY_S = 86_400.0


def _say(world: World, step: Step) -> None:
    world.writes(step.a, TextInput(ORDINARY[step.b % len(ORDINARY)]))


def _cry(world: World, step: Step) -> None:
    world.writes(step.a, TextInput(DANGER[step.b % len(DANGER)]))


def _worry(world: World, step: Step) -> None:
    world.writes(step.a, TextInput(WORRY[step.b % len(WORRY)]))


def _press(world: World, step: Step) -> None:
    """Press a button of the last message with buttons, sometimes one of an old message."""
    channel, chat = PEOPLE[world.favourite(step.a)]
    buttons = world.provider.buttons[chat]
    if step.c % 5 == 0:
        buttons = [data for sent in world.provider.ledger if sent.chat == chat for _, data in sent.buttons]
    press = Press.decode(buttons[step.b % len(buttons)]) if buttons and channel == "telegram" else None
    world.writes(step.a, PressInput(press) if press else TextInput(str(step.b % 5)))


def _sticker(world: World, step: Step) -> None:
    world.writes(step.a, MediaInput("voice" if step.b % 2 else "sticker"))


def _handler(world: World, step: Step) -> None:
    names = ("exit", "opt_out", "human", "erase", "hide", "exit", "human")
    world.writes(step.a, TextInput(HANDLERS[names[step.b % len(names)]]))


def _burst(world: World, step: Step) -> None:
    """Several people and messages in one commit."""
    made = [world.writes(step.a + at, TextInput(ORDINARY[(step.b + at) % len(ORDINARY)]), now=False) for at in range(3)]
    made.append(world.writes(6, TextInput(DANGER[step.c % len(DANGER)]), now=False))
    world.offer(made)


def _later(world: World, step: Step) -> None:
    """She sends, and the network holds it back."""
    texts = (*ORDINARY, *DANGER)
    world.writes(step.a, TextInput(texts[step.b % len(texts)]), now=False)


def _deliver(world: World, step: Step) -> None:
    """What was held back arrives, in any order."""
    waiting = world.provider.waiting
    some = [waiting[(step.a + at * step.b) % len(waiting)] for at in range(min(3, len(waiting)))] if waiting else []
    world.offer(list({update.number: update for update in some}.values()))


def _redeliver(world: World, step: Step) -> None:
    """A provider offers again what it was already told yes for."""
    now = world.clock.monotonic()
    known = [update for update in world.provider.updates if update.heard is not None and now - update.made_s < KEPT_S]
    if known:
        world.offer([known[-1 - step.a % min(len(known), 6)]])


def _failures(world: World, step: Step) -> None:
    world.provider.failures.extend([_FAILURES[step.a % len(_FAILURES)]] * (1 + step.b % 4))


def _cut(world: World, step: Step) -> None:
    world.provider.cut_until = world.clock.monotonic() + 10.0 + step.a % 600


def _tick(world: World, step: Step) -> None:
    world.pass_time(0.2 + step.a % 30)


def _pump(world: World, _step: Step) -> None:
    world.clock.advance(0.5)
    world.pump()


def _send(world: World, _step: Step) -> None:
    world.house.send()
    world.note_full_disk()


def _minutes(world: World, step: Step) -> None:
    world.pass_time(60.0 + step.a % 1200)


def _hours(world: World, step: Step) -> None:
    world.pass_time(3600.0 * (1 + step.a % 30))


def _jump(world: World, step: Step) -> None:
    """The wall clock goes wrong by up to a day, or right again."""
    by_s = -world.wrong_by_s if world.wrong_by_s else (_DAY_S, -_DAY_S, 3600.0, -3600.0)[step.a % 4]
    world.wrong_by_s += by_s
    world.clock.jump(by_s)


def _crash(world: World, step: Step) -> None:
    """Die at a point that is passed soon; what is rarely done is done at once."""
    point = POINTS[step.a % len(POINTS)]
    world.house.faults.arm(point, 1 + (step.b % 2 if point[0] in "WEO" else 0))
    if point[0] == "P" and step.c % 4 == 0:
        _publish(world, step)


def _kill(world: World, _step: Step) -> None:
    world.house.kill()
    world.note_full_disk()


def _stop(world: World, _step: Step) -> None:
    world.house.stop_cleanly()


def _disk(world: World, _step: Step) -> None:
    if world.house.disk_is_full:
        world.house.free_disk()
    else:
        world.house.fill_disk()


def _poison(world: World, step: Step) -> None:
    """The next turns fail as a bug would make them."""
    world.house.faults.poison = 1 + step.a % 4


def _watch_kill(world: World, step: Step) -> None:
    """The alert process dies; its supervisor has it back within seconds."""
    world.alarm.kill(step.a % 12)


def _watch_crash(world: World, step: Step) -> None:
    world.alarm.arm(WATCH_POINTS[step.a % len(WATCH_POINTS)])


def _deaf(world: World, step: Step) -> None:
    """A way out of alerts fails for a while, or all of them; often somebody cries just then."""
    ways = ("staffbot", "command", "staffbot command", "staffbot command")[step.a % 4].split()
    world.alarm.deaf_until.update(dict.fromkeys(ways, world.clock.monotonic() + step.b % 200))
    if step.c % 2:
        _cry(world, step)


def _publish(world: World, step: Step) -> None:
    """Propose a version and have a second person publish it; mostly a small one that is refused, for its price."""
    is_real = step.b % 16 == 0 or world.house.faults.armed[:1] == "P"
    bundle = world.template.bundles[world.template.versions[step.a % 2]] if is_real else Bundle()
    now_ms = world.house.now_ms()
    world.commands += 1
    request = f"r{world.commands}"
    author, reviewer = Act(by="author", now_ms=now_ms), Act(by="reviewer", now_ms=now_ms)
    bus = world.house.bus
    try:
        if world.house.write(lambda tx: publishing.propose(tx, request, {}, bundle, author)) is not None:
            decide = partial(publishing.publish, bus=bus) if is_real else publishing.refuse
            world.house.write(lambda tx: decide(tx, request, reviewer))
    except Exception as error:  # noqa: BLE001 - refused, or a full disk: the old version stays
        world.met[f"failed:{type(error).__name__}"] += 1
    world.note_full_disk()


def _rollback(world: World, step: Step) -> None:
    act = Act(by="reviewer", now_ms=world.house.now_ms(), note="back")
    bus, version = world.house.bus, world.template.versions[step.a % 2]
    try:
        world.house.write(lambda tx: publishing.rollback(tx, version, act, bus=bus))
    except Exception as error:  # noqa: BLE001 - a full disk
        world.met[f"failed:{type(error).__name__}"] += 1
    world.note_full_disk()


STEPS: dict[str, Callable[[World, Step], None]] = {
    "say": _say,
    "cry": _cry,
    "worry": _worry,
    "press": _press,
    "sticker": _sticker,
    "handler": _handler,
    "burst": _burst,
    "later": _later,
    "deliver": _deliver,
    "redeliver": _redeliver,
    "failures": _failures,
    "cut": _cut,
    "tick": _tick,
    "pump": _pump,
    "send": _send,
    "minutes": _minutes,
    "hours": _hours,
    "jump": _jump,
    "crash": _crash,
    "kill": _kill,
    "stop": _stop,
    "disk": _disk,
    "poison": _poison,
    "watch_kill": _watch_kill,
    "watch_crash": _watch_crash,
    "deaf": _deaf,
    "publish": _publish,
    "rollback": _rollback,
    **steps_staff.STEPS,
}
