"""The conversations that scripts carry in `tests:`, run through the very path that production runs.

A talk is lines in order (flow-language §2.6): what she or a counsellor does, and what must come of it. Words are
compared folded: digits, half-spaces and letter forms do not matter. A case that no line mentions fails its talk.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, get_args

from bot.app import Core
from bot.commit import Rows
from bot.content import simulated_core
from bot.core.clock import VirtualClock
from bot.core.messages import (
    ClosedInput,
    HandedBackInput,
    HeldInput,
    Input,
    LocationInput,
    MediaInput,
    MediaKind,
    PressInput,
    TextInput,
)
from bot.core.text import fold
from bot.engine.issues import Issue, issue
from bot.engine.model import Bundle, Flow, Talk
from bot.simulator import ADDRESS, LINE_S, Simulator, Step, press_among
from bot.store.database import Tx
from bot.turn import Screener

#: When every talk begins, unless `with: {hour: …}` says otherwise: half past eleven in Tehran.
_STARTS = datetime(2026, 11, 22, 8, tzinfo=UTC)
_TEHRAN_S = 12_600
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_STAFF: dict[str, Input] = {"takes": HeldInput(), "returns": HandedBackInput(), "closes": ClosedInput()}
_SENDS: dict[str, Input] = {
    **{kind: MediaInput(kind) for kind in get_args(MediaKind)},
    "location": LocationInput(35.6892, 51.3890),
}


def run_talks(bundle: Bundle, screener: Screener) -> list[Issue]:
    """Run every talk of every script; give one issue for each that does not go as written, sorted by place."""
    found = [_run(bundle, screener, flow, talk) for flow in bundle.flows.values() for talk in flow.tests]
    return sorted(problem for problem in found if problem is not None)


@dataclass(slots=True)
class _Stage:
    """One talk under way. `texts` are the bot's messages of this turn, `seen` how many of them were matched."""

    core: Core
    clock: VirtualClock
    simulator: Simulator
    texts: list[str] = field(default_factory=list)
    seen: int = 0
    all_texts: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    outcome: str = ""
    done: list[str] = field(default_factory=list)
    never: list[str] = field(default_factory=list)
    is_case_named: bool = False

    def send(self, received: Input) -> None:
        """Let the citizen send something; the clock moves on a little."""
        self.keep(self.simulator.send(received))
        self.clock.advance(LINE_S)

    def keep(self, step: Step) -> None:
        """Note what a turn brought."""
        self.texts, self.seen = [said.text for said in step.out], 0
        self.all_texts += self.texts
        for event in step.events:
            self._note(event)

    def _note(self, event: dict[str, Any]) -> None:
        match event:
            case {"type": "AnswerRecorded", "step": step, "keys": keys}:
                self.answers[step] = " ".join(sorted(fold(key) for key in keys))
            case {"type": "InstrumentScored" | "ScoreComputed", "step": step, "band": band}:
                self.answers[step.removesuffix(".band")] = band
            case {"type": "SessionEnded", "outcome": outcome}:
                self.outcome = outcome

    def status(self) -> str:
        """Give the state of the newest conversation."""
        sql = "SELECT status FROM sessions ORDER BY started_at DESC, id DESC LIMIT 1"
        return str(self.core.store.read_now(lambda db: db.exec_driver_sql(sql).scalar()))

    def strongest_case(self) -> str:
        """Give the strongest tier of the cases so far."""
        return min((case["tier"] for case in self.simulator.cases()), default="none")


class _UnknownValueError(Exception):
    """The value of a line is none that this verb takes; the text is what it takes."""


def _run(bundle: Bundle, screener: Screener, flow: Flow, talk: Talk) -> Issue | None:
    """Give what is wrong with one talk, or nothing."""
    file = f"{flow.id}.yaml"
    try:
        stage = _stage(bundle, screener, flow, talk)
    except _UnknownValueError as error:
        return issue("bad_value", file, talk.at, name="with", value=_shown(talk.given), expected=str(error))
    with closing(stage.core.store):
        return _follow(stage, file, talk)


def _follow(stage: _Stage, file: str, talk: Talk) -> Issue | None:
    for verb, value in talk.lines:
        try:
            met = _VERBS[verb](stage, value)
        except _UnknownValueError as error:
            return issue("bad_value", file, talk.at, name=verb, value=_shown(value), expected=str(error))
        if met is not None:
            return _failed(stage, file, talk, f"{verb}: {_shown(value)}", met)
    return _at_the_end(stage, file, talk)


def _at_the_end(stage: _Stage, file: str, talk: Talk) -> Issue | None:
    for fragment in stage.never:
        found = next((text for text in stage.all_texts if fold(fragment) in fold(text)), None)
        if found is not None:
            return _failed(stage, file, talk, f"never_gets: {fragment}", found)
    if stage.simulator.cases() and not stage.is_case_named:
        return _failed(stage, file, talk, "case: none", f"case: {stage.strongest_case()}")
    return None


def _failed(stage: _Stage, file: str, talk: Talk, expected: str, met: str) -> Issue:
    found = issue("test_failed", file, talk.at, name=talk.name, expected=expected, met=met or "-")
    return replace(found, example=" › ".join(stage.done[-12:]))


def _stage(bundle: Bundle, screener: Screener, flow: Flow, talk: Talk) -> _Stage:
    """Set up one talk: its script is what the citizen's first message begins."""
    strange = set(talk.given) - {"staff", "language", "hour"}
    if strange or talk.given.get("staff", "on") not in {"on", "none"}:
        raise _UnknownValueError("staff: on / none, language, hour: 0-23")
    entry = bundle.entry if flow.id == "always" else flow.id
    clock = VirtualClock(_beginning(talk.given.get("hour")))
    core = simulated_core(replace(bundle, entry=entry), screener, clock, staff=talk.given.get("staff") != "none")
    language = talk.given.get("language", "fa")
    if language != "fa":
        core.store.write_now(lambda tx: _speaks(tx, core, talk.channel, language))
    return _Stage(core, clock, Simulator(core, clock, channel=talk.channel))


def _beginning(hour: str | None) -> datetime:
    if hour is None:
        return _STARTS
    number = fold(hour)
    if not number.isdecimal() or not 0 <= int(number[:3]) <= 23:
        raise _UnknownValueError("hour: 0-23")
    midnight_s = datetime(2026, 11, 22, tzinfo=UTC).timestamp() - _TEHRAN_S
    return datetime.fromtimestamp(midnight_s + int(number) * 3600, UTC)


def _speaks(tx: Tx, core: Core, channel: str, language: str) -> None:
    """Make the contact ahead of her first message, with her language."""
    rows = Rows()
    known = core.directory.find(tx, channel, ADDRESS, rows, int(core.clock.now().timestamp() * 1000))
    known.language = language
    rows.write(tx)


def _says(stage: _Stage, value: Any) -> None:
    stage.done.append(str(value))
    stage.send(TextInput(str(value)))


def _press(stage: _Stage, value: Any) -> str | None:
    press = press_among(stage.simulator.buttons, str(value))
    if press is None:
        return "، ".join(label for label, _ in stage.simulator.buttons)
    stage.done.append(str(value))
    stage.send(PressInput(press))
    return None


def _sends(stage: _Stage, value: Any) -> None:
    if value not in _SENDS:
        raise _UnknownValueError(" / ".join(_SENDS))
    stage.done.append(f"[{value}]")
    stage.send(_SENDS[value])


def _silence(stage: _Stage, value: Any) -> None:
    number, unit = fold(str(value))[:-1], str(value)[-1:]
    if not number.isdecimal() or len(number) > 6 or unit not in _UNITS:
        raise _UnknownValueError("30s, 5m, 72h, 7d")
    stage.done.append(f"[{value}]")
    stage.keep(stage.simulator.wait(int(number) * _UNITS[unit]))


def _staff(stage: _Stage, value: Any) -> None:
    if value not in _STAFF:
        raise _UnknownValueError(" / ".join(_STAFF))
    stage.done.append(f"[{value}]")
    stage.keep(stage.simulator.act(_STAFF[value]))


def _gets(stage: _Stage, value: Any) -> str | None:
    for number, text in enumerate(stage.texts):
        if number >= stage.seen and fold(str(value)) in fold(text):
            stage.seen = number
            return None
    return " / ".join(stage.texts[stage.seen :]) or "-"


def _never_gets(stage: _Stage, value: Any) -> None:
    stage.never.append(str(value))


def _case(stage: _Stage, value: Any) -> str | None:
    found = stage.strongest_case()
    stage.is_case_named |= value != "none"
    return None if found == value else found


def _tier(stage: _Stage, value: Any) -> str | None:
    found = stage.simulator.last_tier or "none"
    return None if found == value else found


def _kinds(stage: _Stage, value: Any) -> str | None:
    wanted = (value,) if isinstance(value, str) else tuple(value)
    found = stage.simulator.last_kinds
    return None if set(wanted) <= set(found) else ", ".join(found) or "-"


def _answer(stage: _Stage, value: Any) -> str | None:
    if not isinstance(value, dict):
        raise _UnknownValueError("{id: value}")
    for name, wanted in value.items():
        keys = (wanted,) if isinstance(wanted, str) else wanted
        found = stage.answers.get(name, "-")
        if found != " ".join(sorted(fold(str(key)) for key in keys)):
            return f"{name}: {found}"
    return None


def _rests(stage: _Stage, value: Any) -> str | None:
    found = stage.status()
    return None if (found == "resting") == (value != "no") else found


def _ends(stage: _Stage, value: Any) -> str | None:
    found = stage.status()
    if found not in {"ended", "locked"}:
        return found
    return None if value in {"yes", stage.outcome} else f"ends: {stage.outcome}"


#: Verb → what it does or checks; what it met instead of the expected, or None when all is well.
_VERBS: dict[str, Callable[[_Stage, Any], str | None]] = {
    "says": _says,
    "press": _press,
    "sends": _sends,
    "silence": _silence,
    "staff": _staff,
    "gets": _gets,
    "never_gets": _never_gets,
    "case": _case,
    "kinds": _kinds,
    "tier": _tier,
    "answer": _answer,
    "rests": _rests,
    "ends": _ends,
}


def _shown(value: Any) -> str:
    match value:
        case dict():
            return ", ".join(f"{key}: {_shown(part)}" for key, part in value.items())
        case tuple() | list():
            return ", ".join(map(str, value))
        case _:
            return str(value)
