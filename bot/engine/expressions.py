"""A condition after reading: a small tree, compiled to closures that answer true or false and never raise.

Node shapes (nested tuples, so that JSON keeps them): ("and", e, …) ("or", e, …) ("not", e) ("is", name, values)
("isnt", name, values) ("cmp", ref, op, number) ("in", key, ref) ("notin", key, ref) ("known", name)
("skipped", name); ref = (how, name) with how in name, count, days_ago; name = (source, key) with source one of
answers, vars, facts. bot.engine.conditions reads text into these; this module knows no text.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from bot.core.screening import KINDS

Source = Literal["answers", "vars", "facts"]
Name = tuple[str, str]
Expr = tuple[Any, ...]
#: A key, a whole number or a set of keys. A refused multi is the key "skip"; a date is ISO text ("2026-11-22").
Value = str | int | tuple[str, ...] | list[str] | None
Values = Mapping[str, Any]
Scope = Mapping[str, Values]
#: Every fact a condition may read, and what it can be: keys, ("0..23",) for a whole number, or a set of kinds.
FACT_DOMAINS: dict[str, tuple[str, ...]] = {
    "risk": ("none", "T4", "T3", "T2", "T1"),
    "kinds": KINDS,
    "violence": ("no", "yes"),
    "covert": ("no", "yes"),
    "channel": ("web", "telegram", "bale", "sms", "rasa"),
    "mode": ("rich", "sms"),
    "language": ("fa", "fa_af", "azb", "ckb", "ar", "en"),
    "languages": ("one", "many"),
    "hour": ("0..23",),
    "staff": ("on", "none"),
    "returning": ("no", "recent", "yes"),
    "age_group": ("unknown", "child", "adult", "elder"),
    "consent.contact": ("unasked", "yes", "no"),
    "consent.referral": ("unasked", "yes", "no"),
    "consent.record": ("unasked", "yes", "no"),
    "consent.health": ("unasked", "yes", "no"),
    "contact.safe": ("unasked", "set", "none"),
}
_Test = Callable[[Scope], bool]
_NOTHING: Values = {}

_ORDER: dict[str, Callable[[int, int], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition: its text as written, and its tree."""

    text: str
    tree: Expr
    _test: _Test = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compile once."""
        object.__setattr__(self, "_test", compile_tree(self.tree))

    def holds(self, answers: Values, variables: Values, facts: Values) -> bool:
        """Say whether the condition is true. Total: an unset name is equal to nothing and fails every number test.

        `facts` has the keys of FACT_DOMAINS and, for `days_ago`, `today` as ISO text (Tehran's day).
        """
        return self._test({"answers": answers, "vars": variables, "facts": facts})


def compile_tree(tree: Expr) -> _Test:
    """Turn a tree into one closure."""
    return _COMPILERS[tree[0]](tree)


def names_of(tree: Expr) -> list[tuple[Name, bool]]:
    """List the names a tree reads, each with True when only `known()` asks about it."""
    match tree[0]:
        case "and" | "or" | "not":
            return [name for part in tree[1:] for name in names_of(part)]
        case "cmp":
            return [(tree[1][1], False)]
        case "in" | "notin":
            return [(tree[2][1], False)]
        case how:
            return [(tree[1], how == "known")]


def _read(name: Name) -> Callable[[Scope], Any]:
    source, key = name
    return lambda scope: scope.get(source, _NOTHING).get(key)


def _and(tree: Expr) -> _Test:
    parts = [compile_tree(part) for part in tree[1:]]
    return lambda scope: all(part(scope) for part in parts)


def _or(tree: Expr) -> _Test:
    parts = [compile_tree(part) for part in tree[1:]]
    return lambda scope: any(part(scope) for part in parts)


def _not(tree: Expr) -> _Test:
    part = compile_tree(tree[1])
    return lambda scope: not part(scope)


def _is(tree: Expr) -> _Test:
    read, values = _read(tree[1]), tuple(tree[2])
    return lambda scope: read(scope) in values


def _isnt(tree: Expr) -> _Test:
    read, values = _read(tree[1]), tuple(tree[2])
    return lambda scope: read(scope) not in values


def _cmp(tree: Expr) -> _Test:
    number, order, bound = _number(tree[1]), _ORDER[tree[2]], int(tree[3])

    def test(scope: Scope) -> bool:
        value = number(scope)
        return value is not None and order(value, bound)

    return test


def _number(ref: tuple[str, Name]) -> Callable[[Scope], int | None]:
    how, name = ref
    read = _read(name)
    if how == "count":
        return lambda scope: len(_set(read(scope)))
    if how == "days_ago":
        return lambda scope: _days_between(read(scope), scope.get("facts", _NOTHING).get("today"))
    return lambda scope: _whole(read(scope))


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _set(value: Any) -> tuple[str, ...] | list[str]:
    return value if isinstance(value, tuple | list) else ()


def _days_between(day: Any, today: Any) -> int | None:
    if not isinstance(day, str) or not isinstance(today, str):
        return None
    try:
        return (date.fromisoformat(today) - date.fromisoformat(day)).days
    except ValueError:
        return None


def _in(tree: Expr) -> _Test:
    key, read = tree[1], _read(tree[2][1])
    return lambda scope: key in _set(read(scope))


def _notin(tree: Expr) -> _Test:
    key, read = tree[1], _read(tree[2][1])
    return lambda scope: key not in _set(read(scope))


def _known(tree: Expr) -> _Test:
    read = _read(tree[1])
    return lambda scope: read(scope) is not None


def _skipped(tree: Expr) -> _Test:
    read = _read(tree[1])
    return lambda scope: read(scope) == "skip"


_COMPILERS: dict[str, Callable[[Expr], _Test]] = {
    "and": _and,
    "or": _or,
    "not": _not,
    "is": _is,
    "isnt": _isnt,
    "cmp": _cmp,
    "in": _in,
    "notin": _notin,
    "known": _known,
    "skipped": _skipped,
}
