"""What staff do in a simulation: take, write, close, forget, come too late, show an old token."""

from collections.abc import Callable
from typing import Any

from bot.proof.simulation.citizens import STAFF_TEXTS
from bot.proof.simulation.plan import Step
from bot.proof.simulation.template import STAFF
from bot.proof.simulation.world import World
from escalation import acts, relay, shifts
from escalation.case import OUTCOMES

_PEOPLE = tuple(actor.staff_id for actor in STAFF)


def _who_and_case(world: World, step: Step) -> tuple[str, dict[str, Any]] | None:
    """Give somebody and a case: mostly an open one, and mostly its holder."""
    cases = world.open_cases()
    if not cases:
        return None
    openly = [case for case in cases if case["state"] != "closed"] or cases
    case = openly[step.b % len(openly)] if step.c % 4 else cases[step.b % len(cases)]
    who = case["holder"] if case["holder"] and step.c % 3 else _PEOPLE[step.a % len(_PEOPLE)]
    return who, case


def _held(world: World, step: Step, name: str, act: Any, **more: Any) -> Any:
    """Do an act that shows a token: the newest this person was given."""
    found = _who_and_case(world, step)
    if found is None:
        return None
    who, case = found
    token = world.staff[who].tokens.get(case["id"], 0)
    return world.act(name, who, case["id"], act, shown=token, **more)


def _claim(world: World, step: Step) -> None:
    found = _who_and_case(world, step)
    if found is not None:
        world.act("claim", _PEOPLE[step.a % len(_PEOPLE)], found[1]["id"], acts.claim_case)


def _renew(world: World, step: Step) -> None:
    _held(world, step, "renew", acts.renew_lease)


def _write(world: World, step: Step) -> None:
    """Write, sometimes twice with the same command (the answer was lost)."""
    world.commands += step.c % 5 != 0
    text = STAFF_TEXTS[step.c % len(STAFF_TEXTS)]
    _held(world, step, "write", relay.write_message, text=text, command_id=f"command-{world.commands:06d}")


def _note(world: World, step: Step) -> None:
    found = _who_and_case(world, step)
    if found is not None:
        world.act("note", found[0], found[1]["id"], relay.add_note, text="یادداشت")


def _release(world: World, step: Step) -> None:
    _held(world, step, "release", acts.release_case)


def _hand_back(world: World, step: Step) -> None:
    _held(world, step, "hand_back", acts.hand_back)


def _close(world: World, step: Step) -> None:
    found = _who_and_case(world, step)
    if found is None:
        return
    who, case = found
    token = world.staff[who].tokens.get(case["id"]) if case["state"] == "claimed" else None
    outcome = tuple(OUTCOMES)[step.a % len(OUTCOMES)]
    arguments: dict[str, Any] = {"outcome": outcome, "reason": "با او صحبت شد"}
    if token is None:
        world.act("close", who, case["id"], acts.close_case, token=None, **arguments)
    else:
        world.act("close", who, case["id"], acts.close_case, shown=token, **arguments)


def _undo_claim(world: World, step: Step) -> None:
    _held(world, step, "undo_claim", acts.undo_claim)


def _undo_close(world: World, step: Step) -> None:
    closed = [case for case in world.open_cases() if case["state"] == "closed"]
    if closed:
        case = max(closed, key=lambda found: (found["closed_at"], found["id"]))
        world.act("undo_close", _PEOPLE[step.a % len(_PEOPLE)], case["id"], acts.undo_close)


def _lower(world: World, step: Step) -> None:
    tier = ("T2", "T3", "T4")[step.a % 3]
    _held(world, step, "lower", acts.lower_tier, tier=tier, reason="بررسی شد")


def _transfer(world: World, step: Step) -> None:
    _held(world, step, "transfer", acts.transfer_case, desk=("IR-23", "EOC", "IR-07")[step.a % 3])


def _see(world: World, step: Step) -> None:
    act = getattr(acts, "see", None)
    found = _who_and_case(world, step)
    if act is not None and found is not None:
        world.act("see", _PEOPLE[step.a % len(_PEOPLE)], found[1]["id"], act)


def _safe(world: World, step: Step) -> None:
    _held(world, step, "safe", relay.mark_safe_contact, safe={"way": "call"})


def _old_token(world: World, step: Step) -> None:
    """Somebody whose claim is over writes all the same."""
    for who, worker in world.staff.items():
        tokens = worker.old_tokens or worker.tokens
        if tokens:
            case_id = sorted(tokens)[step.a % len(tokens)]
            world.commands += 1
            arguments: dict[str, Any] = {"text": STAFF_TEXTS[0], "command_id": f"command-{world.commands:06d}"}
            world.act("write", who, case_id, relay.write_message, shown=tokens[case_id], **arguments)


def _vanish(world: World, step: Step) -> None:
    """Somebody's laptop closes: nothing of hers is renewed any more."""
    world.staff[_PEOPLE[step.a % len(_PEOPLE)]].seen_s = -1e9


def _shift(world: World, step: Step) -> None:
    actor = STAFF[step.a % len(STAFF)]
    worker = world.staff[actor.staff_id]
    worker.is_on_shift = step.b % 3 != 0
    worker.seen_s = world.clock.monotonic()
    try:
        world.house.act(shifts.start_shift if worker.is_on_shift else shifts.end_shift, actor=actor)
    except Exception as error:  # noqa: BLE001 - a full disk
        world.met[f"failed:{type(error).__name__}"] += 1
    world.note_full_disk()


STEPS: dict[str, Callable[[World, Step], None]] = {
    "claim": _claim,
    "renew": _renew,
    "write": _write,
    "note": _note,
    "release": _release,
    "hand_back": _hand_back,
    "close": _close,
    "undo_claim": _undo_claim,
    "undo_close": _undo_close,
    "lower": _lower,
    "transfer": _transfer,
    "see": _see,
    "safe": _safe,
    "old_token": _old_token,
    "vanish": _vanish,
    "shift": _shift,
}
