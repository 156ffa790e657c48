"""`panah replay` and `panah chat`: conversations without a network, through the very path production runs."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from bot.content import flows_of, load_or_refuse, load_screener, simulated_core
from bot.core.clock import VirtualClock
from bot.core.messages import (
    ContactInput,
    Input,
    LocationInput,
    MediaInput,
    PressInput,
    TextInput,
    UnreadableInput,
    text_input,
)
from bot.errors import CommandError
from bot.languages import languages_of, require_texts, spoken_in
from bot.settings import read_settings
from bot.simulator import LINE_S, Simulator, Step, press_among

#: A year: longer than any deadline of a script.
_WAIT_MAX_S = 31_536_000
_MEDIA = ("voice", "photo", "sticker", "video", "document")
_KEYS = frozenset({"text", "press", "media", "location", "contact", "wait_s"})
_LINES = '{"text": "…"}, {"press": "key, label or number"}, {"media": "voice"}, {"location": [lat, lon]}, {"contact": "+98…"}, {"wait_s": 900}'


def replay(args: argparse.Namespace) -> int:
    """Run one conversation from a file or standard input."""
    source = sys.stdin.buffer.read() if args.file == "-" else _read_file(args.file)
    clock = VirtualClock(moment(args.at))
    simulator = _simulator(clock, args.channel)
    play(source, simulator, clock, JsonShow(sys.stdout) if args.json else ChatShow(sys.stdout))
    return 0


def play(source: bytes, simulator: Simulator, clock: VirtualClock, show: "JsonShow | ChatShow") -> None:
    """Run the lines of a conversation and show each turn as it happens.

    Raises:
        CommandError: a line is none; those before it were played.
    """
    for number, line in enumerate(_lines(source), start=1):
        try:
            step = _one(simulator, clock, line)
        except CommandError as error:
            raise CommandError(f"turn {number}: {error}") from error
        show.turn(number, line, step)
    show.summary(simulator)


def chat(args: argparse.Namespace) -> int:
    """Talk with the bot in the terminal; an empty line ends."""
    clock = VirtualClock(datetime.now(UTC))
    simulator = _simulator(clock, args.channel)
    show = ChatShow(sys.stdout)
    print("بنویسید؛ خط خالی پایان است. (Write; an empty line ends.)")  # noqa: T201
    while True:
        try:
            text = input("› ")
        except (EOFError, KeyboardInterrupt):
            break
        if not text.strip():
            break
        show.answer(_one(simulator, clock, {"text": text}))
    return 0


def _simulator(clock: VirtualClock, channel: str) -> Simulator:
    settings = read_settings()
    languages = languages_of(settings)
    bundle = spoken_in(load_or_refuse(flows_of(settings)), languages)
    require_texts(bundle, languages)
    return Simulator(simulated_core(bundle, load_screener(), clock), clock, channel=channel)


def _read_file(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"cannot read {name}: {error.strerror}") from error


def moment(raw: str | None) -> datetime:
    """Read when a conversation begins.

    Raises:
        CommandError: it is no moment with an offset.
    """
    if raw is None:
        return datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    try:
        found = datetime.fromisoformat(raw)
    except ValueError as error:
        raise CommandError("--at must look like 2026-11-22T03:00+03:30") from error
    if found.tzinfo is None:
        raise CommandError("--at needs an offset, as in 2026-11-22T03:00+03:30")
    return found


def _lines(source: bytes) -> Iterator[dict[str, Any]]:
    for number, raw in enumerate(source.decode("utf-8", "replace").split("\n"), start=1):
        if not raw.strip():
            continue
        try:
            line = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise CommandError(f"line {number} is not a JSON object") from error
        if not isinstance(line, dict) or not line:
            raise CommandError(f"line {number} is not a JSON object")
        yield line


def _one(simulator: Simulator, clock: VirtualClock, line: dict[str, Any]) -> Step:
    if "wait_s" in line:
        return simulator.wait(_seconds(line["wait_s"]))
    step = simulator.send(_input(line, simulator), ago_s=_ago_s(line, clock))
    clock.advance(LINE_S)
    return step


def _ago_s(line: dict[str, Any], clock: VirtualClock) -> float:
    """Read how long before it arrives she wrote it: `sent_at`, a moment, or `late_s`, seconds; else just now."""
    if "sent_at" in line:
        with suppress(TypeError, ValueError, OverflowError):
            found = datetime.fromisoformat(line["sent_at"])
            if found.tzinfo is not None:
                return min(max(0.0, (clock.now() - found).total_seconds()), _WAIT_MAX_S)
        raise CommandError("sent_at must look like 2026-11-22T03:00+03:30")
    return _seconds(line["late_s"], "late_s") if "late_s" in line else 0.0


def _seconds(raw: object, name: str = "wait_s") -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not 0 <= raw <= _WAIT_MAX_S:
        raise CommandError(f"{name} must be a number of seconds from 0 to {_WAIT_MAX_S}")
    return float(raw)


def _input(line: dict[str, Any], simulator: Simulator) -> Input:
    """Read what she sends: a value no phone would send is something unreadable of hers, an unknown key is a slip of ours."""
    match line:
        case {"text": str(text)}:
            return text_input(text)
        case {"press": pressed}:
            return _press(str(pressed), simulator)
        case {"media": kind} if kind in _MEDIA:
            return MediaInput(kind)
        case {"location": [int() | float() as lat, int() | float() as lon]} if abs(lat) <= 90 and abs(lon) <= 180:
            return LocationInput(float(lat), float(lon))
        case {"contact": str(phone)}:
            return ContactInput(phone)
        case _ if _KEYS.isdisjoint(line):
            raise CommandError(f"{json.dumps(line, ensure_ascii=False)[:80]} says nothing; a line is one of {_LINES}")
        case _:
            return UnreadableInput("unknown_line")


def _press(wanted: str, simulator: Simulator) -> Input:
    """Press the button that is meant by its key, label or number; what fits none is sent as text."""
    press = press_among(simulator.buttons, wanted)
    return TextInput(wanted) if press is None else PressInput(press)


class JsonShow:
    """One object a line, as design.md §4 promises."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._turns = 0
        self._quick_exit = False
        self._handed_over = False

    def turn(self, number: int, line: dict[str, Any], step: Step) -> None:
        """Show what one line brought."""
        self._turns = number
        self._quick_exit |= any(event["type"] == "QuickExitUsed" for event in step.events)
        self._handed_over |= any(event.get("hand_over") for event in step.events)
        self._print(
            {
                "turn": number,
                "in": line,
                "out": [{"text": said.text, "buttons": [label for label, _ in said.buttons]} for said in step.out],
                "risk": {"tier": step.tier, "kinds": list(step.kinds), "why": list(step.why)},
                "cases": [_case(case) for case in step.cases],
                "ended": step.ended,
            }
        )

    def summary(self, simulator: Simulator) -> None:
        """Show the whole at its end."""
        summary = {
            "turns": self._turns,
            "tier": simulator.last_tier,
            "kinds": list(simulator.last_kinds),
            "cases": [_case(case) for case in simulator.cases()],
            "quick_exit": self._quick_exit,
            "handed_over": self._handed_over,
        }
        self._print({"summary": summary})

    def _print(self, content: dict[str, Any]) -> None:
        text = json.dumps(content, ensure_ascii=False)
        self._out.write(text.encode("utf-8", "replace").decode("utf-8") + "\n")


def _case(case: dict[str, Any]) -> dict[str, Any]:
    return {key: case[key] for key in ("id", "tier", "kinds", "province", "state")}


class ChatShow:
    """The chat as a person reads it."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def turn(self, _number: int, line: dict[str, Any], step: Step) -> None:
        """Show what one line brought."""
        said = next(iter(line.items()))
        self._write([f"— {said[0]}: {said[1]}" if said[0] != "text" else f"› {said[1]}"])
        self.answer(step)

    def answer(self, step: Step) -> None:
        """Show what the bot said, and the cases it opened."""
        for said in step.out:
            self._write([*said.text.split("\n"), *(f"  {i}. {label}" for i, (label, _) in enumerate(said.buttons, 1))])
        for case in step.cases:
            self._write([f"[پروندهٔ {case['code']} · {case['tier']} · {', '.join(case['kinds'])} · {case['state']}]"])

    def summary(self, simulator: Simulator) -> None:
        """Show the whole at its end."""
        self._write([f"— {simulator.last_tier or 'no risk'}, {len(simulator.cases())} case(s)"])

    def _write(self, lines: Iterable[str]) -> None:
        self._out.writelines(line.encode("utf-8", "replace").decode("utf-8") + "\n" for line in lines)
