"""Every way a wait can be left, one for each class of answers that anything later can tell apart."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import combinations
from typing import Any, NamedTuple

from bot.core.text import persian_digits
from bot.engine.explore_reads import TODAY, Reads
from bot.engine.expressions import Expr
from bot.engine.model import Ask, Choice, Danger, Date, Multi, Number, Option, Place, Scale
from bot.engine.places import PROVINCES

SILENCE = "(سکوت)"
UNCLEAR = "(نامفهوم)"
_GIVEN = "(نوشت)"
_DANGER_ORDER: tuple[Danger | None, ...] = (None, "low", "high", "immediate")
_SUBSETS_OF_MAX = 8


class Answer(NamedTuple):
    """One class of answers: how a transcript shows it, what is recorded, what its option does."""

    label: str
    value: Any
    danger: Danger | None = None
    kinds: frozenset[str] = frozenset()
    covert: bool = False
    go: str = ""
    points: int = 0


def answers_of(ask: Ask, reads: Reads) -> list[Answer]:
    """List the classes of answers to an ask."""
    found: dict[tuple[Any, ...], Answer] = {}
    for answer in _all(ask, reads):
        # A consent's answer acts by itself (P9), whether or not a condition reads it.
        standing = answer if ask.consent else answer._replace(value=reads.class_of(ask.id, answer.value))
        found.setdefault(standing[1:], standing)
    return list(found.values())


def _all(ask: Ask, reads: Reads) -> Iterator[Answer]:
    tests = reads.tests.get(ask.id, [])
    if isinstance(ask.spec, Multi):
        yield from _sets(ask, tests)
        return
    yield from _values(ask, tests)
    for option in ask.options:
        yield _of_option(option, 0 if isinstance(ask.spec, Number) and option.key == "none" else option.key)


def _values(ask: Ask, tests: list[Expr]) -> Iterator[Answer]:
    match ask.spec:
        case Choice():
            return
        case Scale() | Number():
            for value in _cuts(tests, ask.spec.low, ask.spec.high):
                yield Answer(persian_digits(value), value)
        case Date():
            for days in _cuts(tests, -ask.spec.to_days, -ask.spec.from_days):
                day = date.fromisoformat(TODAY) - timedelta(days=days)
                yield Answer(f"({persian_digits(days)} روز پیش)", day.isoformat())
        case Place(level="province"):
            for key in (*_mentioned(tests), "other"):
                yield Answer(PROVINCES.get(key, ("جای دیگر", ""))[0], key)
        case _:
            yield Answer(_GIVEN, "given")


def _of_option(option: Option, value: Any) -> Answer:
    return Answer(option.label, value, option.danger, frozenset(option.kinds), option.covert, option.go, option.points)


def _sets(ask: Ask, tests: list[Expr]) -> Iterator[Answer]:
    options = [option for option in ask.options if option.key != "skip"]
    told = set(_mentioned(tests)) | {option.key for option in options if option.danger or option.covert or option.go}
    counted = any(test[0] == "cmp" for test in tests)
    if len(options) > _SUBSETS_OF_MAX:  # one at a time, and all: enough for tests that name single keys
        sizes = [1, len(options)]
    else:
        sizes = list(range(1, len(options) + 1)) if counted or len(told) > 1 else [1, 2]
    least = ask.spec.least if isinstance(ask.spec, Multi) else 0
    if least == 0:
        yield Answer("(هیچ)", ())
    for size in sizes:
        for chosen in combinations(options, min(size, len(options))):
            yield _of_set(chosen)
    if ask.skip is not None:
        yield _of_option(ask.skip, "skip")


def _of_set(chosen: tuple[Option, ...]) -> Answer:
    danger = max((option.danger for option in chosen), key=_DANGER_ORDER.index, default=None)
    kinds = frozenset(kind for option in chosen for kind in option.kinds)
    label = "، ".join(option.label for option in chosen)
    go = next((option.go for option in chosen if option.go), "")
    covert = any(option.covert for option in chosen)
    return Answer(label, tuple(option.key for option in chosen), danger, kinds, covert, go)


def _cuts(tests: list[Expr], low: int, high: int) -> list[int]:
    """Give the numbers between which some test changes."""
    bounds = [int(test[3]) for test in tests if test[0] == "cmp"]
    bounds += [value for test in tests if test[0] in {"is", "isnt"} for value in test[2] if isinstance(value, int)]
    near = {low, high, *(bound + step for bound in bounds for step in (-1, 0, 1))}
    return sorted(value for value in near if low <= value <= high)


def _mentioned(tests: list[Expr]) -> list[str]:
    found: dict[str, None] = {}
    for test in tests:
        if test[0] in {"is", "isnt"}:
            found.update(dict.fromkeys(value for value in test[2] if value in PROVINCES))
        elif test[0] in {"in", "notin"}:
            found[test[1]] = None
    return list(found)
