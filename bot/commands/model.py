"""`panah model train|measure`: from the corpus to the weights beside the code; what triage hears, as tables."""

import argparse
import gzip
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from bot.content import load_screener
from bot.core.screening import Screening
from bot.errors import CommandError
from bot.triage.corpus import (
    CorpusError,
    Line,
    everyday_words,
    mirror_files,
    ordinary_texts,
    situations,
    training_lines,
)
from bot.triage.lexicon import EVERYDAY_FILE, LEXICON_DIR, load_lexicon
from bot.triage.model import MODEL_FILE, to_bytes
from bot.triage.reading import Reader

_COLUMNS = ("T1", "T1–T2", "heard")
_TIERS: tuple[tuple[str, Callable[[Line], bool]], ...] = (
    ("immediate (T1)", lambda line: line.tier == "T1"),
    ("urgent (T2)", lambda line: line.tier == "T2"),
    ("soon (T3)", lambda line: line.tier == "T3"),
    ("look-alikes", lambda line: line.tier == "none"),
)


def model(args: argparse.Namespace) -> int:
    """Train the model, or measure triage."""
    try:
        return {"train": _train, "measure": _measure}[args.act](args.ordinary)
    except CorpusError as error:
        raise CommandError(str(error)) from error


def _train(ordinary: str | None) -> int:
    """Write the weights and the everyday words; gates by `ordinary`, or by the ordinary texts of the corpus."""
    from bot.triage.training import train, with_gates  # noqa: PLC0415 - only here

    lines = training_lines()
    _say(f"{len(lines)} lines")
    everyday = "\n".join(everyday_words(lines)) + "\n"
    weights = train(lines)
    (LEXICON_DIR / EVERYDAY_FILE).write_text(everyday, encoding="utf-8")
    reader = Reader(load_lexicon())  # with the words just written
    weights = with_gates(weights, _texts(ordinary) if ordinary else ordinary_texts(), reader)
    fresh = MODEL_FILE.with_suffix(".new")
    fresh.write_bytes(to_bytes(weights))
    fresh.replace(MODEL_FILE)  # whoever runs has the old file mapped and keeps it
    _say(f"weights {weights.facts.version}; gates {weights.facts.gates}")
    return 0


def _measure(ordinary: str | None) -> int:
    """Print what is heard of the hands that nothing was trained on, and how often ordinary life alarms."""
    screen = load_screener().screen
    hands = [[(line, screen(line.text)) for line in situations(file)] for file in mirror_files()]
    heard = [one for hand in hands for one in hand]
    lines = [line for line, _ in heard]
    parts: list[tuple[str, Callable[[Line], bool]]] = [
        *_TIERS,
        ("implicit, T1 and T2", lambda line: line.is_implicit and line.tier in {"T1", "T2"}),
    ]
    parts += [(f"T1, {name}", _of("T1", "register", name)) for name in sorted({line.register for line in lines})]
    parts += [(f"T2, {name}", _of("T2", "register", name)) for name in sorted({line.register for line in lines})]
    parts += [(f"T1–T2, {name}", _of("T1T2", "kind", name)) for name in sorted({line.kind for line in lines} - {"-"})]
    _table("The mirror hands", heard, parts)
    for number, hand in enumerate(hands, 1):
        _table(f"Hand {number} of them", hand, _TIERS)
    _kinds(heard)
    if ordinary:
        _alarms(screen(text) for text in _texts(ordinary))
    return 0


def _of(tiers: str, attribute: str, value: str) -> Callable[[Line], bool]:
    return lambda line: line.tier in tiers and getattr(line, attribute) == value


def _table(
    name: str, heard: Sequence[tuple[Line, Screening]], parts: Iterable[tuple[str, Callable[[Line], bool]]]
) -> None:
    _print(f"\n| {name} | Lines |", " | ".join(_COLUMNS), "|\n|---|---|---|---|---|")
    for part, belongs in parts:
        _row(part, [found for line, found in heard if belongs(line)])


def _row(name: str, found: list[Screening]) -> None:
    if found:
        bands = Counter(map(_band, found))
        first, queued = bands["T1"], bands["T1"] + bands["T2"]
        shares = (first, queued, len(found) - bands["-"])
        _print(f"| {name} | {len(found)} |", " | ".join(f"{share / len(found):.2f}" for share in shares), "|")


def _kinds(heard: Sequence[tuple[Line, Screening]]) -> None:
    """Print how often a kind leads where danger is heard, and how often it is the right one."""
    _print("\n| What it is about | Heard | named | right where named |\n|---|---|---|---|")
    for tier in ("T1", "T2", "T3"):
        of_tier = [(line, found) for line, found in heard if line.tier == tier and _band(found) != "-"]
        named = [line.kind == found.about for line, found in of_tier if found.about]
        if named:
            shares = (len(named) / len(of_tier), sum(named) / len(named))
            _print(f"| {tier} | {len(of_tier)} |", " | ".join(f"{share:.2f}" for share in shares), "|")


def _alarms(found: Iterable[Screening]) -> None:
    bands = Counter(map(_band, found))
    count = bands.total()
    _print("\n| Ordinary texts | T1 | T1–T2 | T3 | asked |\n|---|---|---|---|---|")
    shares = (bands["T1"], bands["T1"] + bands["T2"], bands["T3"], bands["ask"])
    _print(f"| {count} |", " | ".join(f"{100 * share / count:.2f} %" for share in shares), "|")


def _band(found: Screening) -> str:
    if found.tier in {"T1", "T2"}:
        return found.tier
    return "ask" if found.soft else found.tier or "-"


def _texts(path: str) -> Iterator[str]:
    """Read texts: a line each, plain or JSON with `text`, gzip or not."""
    file = Path(path)
    if not file.is_file():
        raise CommandError(f"there is no file {path}")
    read = gzip.open if file.suffix == ".gz" else open
    with read(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["text"] if line.startswith("{") else line.strip()


def _print(*words: str) -> None:
    sys.stdout.write(" ".join(words) + "\n")


def _say(words: str) -> None:
    sys.stderr.write(f"panah: {words}\n")
