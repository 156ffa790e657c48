"""The condition language: text in, a Condition out, or what is wrong with it and in which column.

A total language over finite domains (flow-language §3). This reads and types; bot.engine.expressions runs.
Grammar: `x == a | b`, `x != a | b`, `x >= 3`, `count(x) < 2`, `days_ago(x) <= 30`, `key in x`, `key not in x`,
`known(x)`, `skipped(x)`, `not`, `and`, `or`, brackets. `and` with `or` needs brackets.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, NamedTuple, NoReturn

from bot.core.text import ascii_digits
from bot.engine.condition_words import BRACKET, END, HINTS, MORE, NAME, STRANGE, TEST, TYPE_WORDS, VALUE, Unreadable
from bot.engine.expressions import FACT_DOMAINS, Condition, Expr, Name

CHARS_MAX = 200
TESTS_MAX = 12
DEPTH_MAX = 4
RESERVED = frozenset({"and", "or", "not", "in", "is", "if", "else", "known", "skipped", "count", "unset"})
_NUMBER_MAX = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """What a name can be. Her own words are the key given; a date is read through days_ago()."""

    kind: Literal["keys", "number", "set", "date"]
    keys: tuple[str, ...] = ()
    low: int = 0
    high: int = 0
    tiers: bool = False
    has_skip: bool = False


class Named(NamedTuple):
    """Where a name is read from, and what it can be."""

    source: str
    domain: Domain


Names = Mapping[str, Named]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a condition was refused: the rule, the column (from 1) and the words for the rule."""

    rule: str
    col: int
    words: dict[str, str | int]


def fact_names() -> dict[str, Named]:
    """Give the facts every condition may read."""
    names: dict[str, Named] = {}
    for name, keys in FACT_DOMAINS.items():
        if name == "hour":
            domain = Domain(kind="number", low=0, high=23)
        elif name == "kinds":
            domain = Domain(kind="set", keys=keys)
        else:
            domain = Domain(kind="keys", keys=keys, tiers=name == "risk")
        names[name] = Named("facts", domain)
    return names


def parse_condition(text: str, names: Names | None) -> Condition | Problem:
    """Read a condition against the names it may use; without names only the grammar is checked. Never raises."""
    try:
        if len(text) > CHARS_MAX:
            _fail("too_large", 1, name="condition", size=len(text), most=CHARS_MAX)
        return Condition(text, _Parser(_tokens(text), names).whole())
    except _ProblemError as found:
        return found.problem


class _ProblemError(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.rule)
        self.problem = problem


def _fail(rule: str, col: int, **words: str | int) -> NoReturn:
    raise _ProblemError(Problem(rule=rule, col=col, words={"col": col, **words}))


def _unreadable(why: Unreadable, col: int) -> NoReturn:
    _fail("condition_unreadable", col, **why._asdict())


class _Token(NamedTuple):
    kind: Literal["word", "number", "op", "end"]
    text: str
    col: int


_TOKEN = re.compile(
    r"(?P<word>[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)?)|(?P<number>[0-9]+)|(?P<op>[=!<>]=|[<>|()])"
)


def _tokens(text: str) -> list[_Token]:
    text = ascii_digits(text)
    found: list[_Token] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        match = _TOKEN.match(text, at)
        if match is None:
            _unreadable(HINTS.get(text[at], STRANGE), at + 1)
        kind = match.lastgroup
        assert kind in {"word", "number", "op"}
        found.append(_Token(kind, match.group(), at + 1))  # type: ignore[arg-type]
        at = match.end()
    return [*found, _Token("end", "", len(text) + 1)]


class _Parser:
    """Recursive descent, one token ahead; depth is bounded before the stack is."""

    def __init__(self, tokens: list[_Token], names: Names | None) -> None:
        self._tokens = tokens
        self._at = 0
        self._names = names
        self._tests = 0

    def whole(self) -> Expr:
        tree = self._condition(1)
        if self._now.kind != "end":
            _unreadable(MORE, self._now.col)
        return tree

    @property
    def _now(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _take(self, text: str) -> bool:
        if self._now.text != text or self._now.kind == "end":
            return False
        self._next()
        return True

    def _condition(self, depth: int) -> Expr:
        if depth > DEPTH_MAX:
            _fail("too_large", self._now.col, name="condition ( )", size=depth, most=DEPTH_MAX)
        parts = [self._unit(depth)]
        joiner = ""
        while self._now.text in {"and", "or"}:
            token = self._next()
            if joiner and token.text != joiner:
                _fail("mixed_and_or", token.col)
            joiner = token.text
            parts.append(self._unit(depth))
        return parts[0] if not joiner else (joiner, *parts)

    def _unit(self, depth: int) -> Expr:
        if self._take("not"):
            return ("not", self._bracket_or_test(depth))
        return self._bracket_or_test(depth)

    def _bracket_or_test(self, depth: int) -> Expr:
        if not self._take("("):
            return self._test()
        tree = self._condition(depth + 1)
        if not self._take(")"):
            _unreadable(BRACKET, self._now.col)
        return tree

    def _test(self) -> Expr:
        self._tests += 1
        if self._tests > TESTS_MAX:
            _fail("too_large", self._now.col, name="condition", size=self._tests, most=TESTS_MAX)
        token = self._next()
        if token.kind != "word":
            _unreadable(END if token.kind == "end" else NAME, token.col)
        if token.text in {"known", "skipped"}:
            return (token.text, self._in_brackets())
        if token.text in {"count", "days_ago"} and self._now.text == "(":
            return self._number_test((token.text, self._in_brackets(token.text)), token)
        if self._now.text in {"in", "not"}:
            return self._membership(token)
        return self._comparison(token)

    def _in_brackets(self, how: str = "") -> Name:
        if not self._take("("):
            _unreadable(NAME, self._now.col)
        token = self._next()
        name = self._name(token)
        if how == "count":
            self._must_be(token, "set")
        elif how == "days_ago":
            self._must_be(token, "date")
        if not self._take(")"):
            _unreadable(BRACKET, self._now.col)
        return name

    def _comparison(self, token: _Token) -> Expr:
        name, op = self._name(token), self._now.text
        if op in {"==", "!="}:
            self._next()
            values = self._values(token)
            return ("is" if op == "==" else "isnt", name, values)
        if op in {"<", "<=", ">", ">="}:
            self._must_be(token, "number")
            return self._number_test(("name", name), token)
        hint = HINTS.get(op) or (END if self._now.kind == "end" else TEST)
        _unreadable(hint, self._now.col)

    def _number_test(self, ref: tuple[str, Name], token: _Token) -> Expr:
        op = self._next()
        if op.text not in {"<", "<=", ">", ">="}:
            if op.text in {"==", "!="}:
                _fail("wrong_type", op.col, name=ref[0], **TYPE_WORDS["order"])
            _unreadable(TEST, op.col)
        number = self._next()
        if number.kind != "number":
            _fail("wrong_type", number.col, name=number.text or token.text, **TYPE_WORDS["number"])
        return ("cmp", ref, op.text, _whole(number))

    def _membership(self, key: _Token) -> Expr:
        negated = self._take("not")
        if not self._take("in"):
            _unreadable(TEST, self._now.col)
        token = self._next()
        name = self._name(token)
        self._must_be(token, "set")
        self._must_hold(token, key)
        return ("notin" if negated else "in", key.text, ("name", name))

    def _values(self, name: _Token) -> tuple[str | int, ...]:
        values = [self._value(name)]
        while self._take("|"):
            values.append(self._value(name))
        return tuple(values)

    def _value(self, name: _Token) -> str | int:
        token = self._next()
        if token.kind in {"end", "op"}:
            _unreadable(END if token.kind == "end" else VALUE, token.col)
        self._must_hold(name, token)
        return token.text if token.kind == "word" else _whole(token)

    def _name(self, token: _Token) -> Name:
        if token.kind != "word" or token.text in RESERVED:
            _unreadable(END if token.kind == "end" else NAME, token.col)
        if self._names is None:
            return ("answers", token.text)
        named = self._names.get(token.text)
        if named is None:
            near = get_close_matches(token.text, list(self._names), 1, 0.7)
            _fail("unknown_name", token.col, name=token.text, nearest=near[0] if near else "-")
        return (named.source, token.text)

    def _domain(self, token: _Token) -> Domain | None:
        return None if self._names is None else self._names[token.text].domain

    def _must_be(self, token: _Token, kind: str) -> None:
        domain = self._domain(token)
        if domain is not None and domain.kind != kind:
            words = TYPE_WORDS["tier"] if kind == "number" and domain.tiers else TYPE_WORDS[kind]
            _fail("wrong_type", token.col, name=token.text, **words)

    def _must_hold(self, name: _Token, value: _Token) -> None:
        """Refuse a value outside the name's domain."""
        domain = self._domain(name)
        if domain is None:
            return
        is_asked_of_set = domain.kind == "set" and value.col < name.col  # `key in x`, not `x == key`
        if domain.kind in {"date", "set"} and not is_asked_of_set:
            _fail("wrong_type", name.col, name=name.text, **TYPE_WORDS[f"not_{domain.kind}"])
        if value.kind == "number":
            inside = domain.kind == "number" and domain.low <= _whole(value) <= domain.high
        else:
            inside = value.text in domain.keys or (domain.has_skip and value.text == "skip")
        if not inside:
            _fail("not_in_domain", value.col, value=value.text, name=name.text, keys=_listed(domain))


def _listed(domain: Domain) -> str:
    keys = [f"{domain.low}..{domain.high}"] if domain.kind == "number" else list(domain.keys)
    return ", ".join(keys + (["skip"] if domain.has_skip and "skip" not in keys else []))


def _whole(token: _Token) -> int:
    if len(token.text) > 7 or int(token.text) > _NUMBER_MAX:
        _fail("too_large", token.col, name="number", size=len(token.text), most=7)
    return int(token.text)
