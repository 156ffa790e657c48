"""Reading one YAML map by its keys: typed, with an issue for whatever is missing, unknown or of the wrong shape.

A Fields remembers which keys were asked for; what nobody asked for is an unknown key with the nearest known one.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from bot.core.screening import KINDS
from bot.core.text import ascii_digits
from bot.engine.conditions import RESERVED, Names, parse_condition
from bot.engine.expressions import Condition
from bot.engine.issues import Issue, Place, issue
from bot.engine.nodes import Entry, Map, Node, Scalar, Seq
from bot.engine.parts import Texts

KEY = re.compile(r"[a-z][a-z0-9_]{0,31}")
_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
#: Stands where a condition could not be read, so that the rest can still be checked.
TRUE = Condition("", ("and",))


@dataclass(slots=True)
class Reading:
    """What a file is read with: where issues go, and the names its conditions may use (None: grammar only)."""

    file: str
    issues: list[Issue] = field(default_factory=list)
    names: Names | None = None

    def report(self, rule: str, at: Place, **names: str | int) -> None:
        """Note an issue."""
        self.issues.append(issue(rule, self.file, at, **names))

    def condition(self, node: Scalar) -> Condition:
        """Read a condition, column by column of the file."""
        found = parse_condition(node.text, self.names)
        if isinstance(found, Condition):
            return found
        col = node.at[1] + found.col - 1 if node.plain else node.at[1] + found.col
        self.report(found.rule, (node.at[0], col), **found.words)
        return TRUE

    def fields(self, node: Node, name: str) -> "Fields":
        """Open a map; anything else counts as an empty one, with an issue."""
        if isinstance(node, Map):
            return Fields(self, node)
        self.report("bad_value", node.at, name=name, value=shown(node), expected=f"{name}: {{…}}")
        return Fields(self, Map(node.at))

    def texts_of(self, node: Node, name: str, most: int = 3) -> tuple[str, ...]:
        """Read a text or a list of texts."""
        nodes = node.items if isinstance(node, Seq) else [node]
        if len(nodes) > most:
            self.report("too_large", node.at, name=name, size=len(nodes), most=most)
        return tuple(text for part in nodes[:most] if (text := self.text_of(part, name)))

    def text_of(self, node: Node, name: str) -> str:
        """Read one text."""
        if not isinstance(node, Scalar) or (node.plain and not node.text):
            self.report("bad_value", node.at, name=name, value=shown(node), expected=f"{name}: …")
            return ""
        if node.cut:
            self.report("comment_in_text", node.at)
        return node.text

    def key_of(self, node: Node, name: str) -> str:
        """Read an identifier."""
        whole = (
            Scalar(node.at, node.text, node.plain) if isinstance(node, Scalar) else node
        )  # a comment is welcome here
        text = self.text_of(whole, name)
        if text and not is_key(text):
            self.report("bad_id", node.at, name=text)
            return ""
        return text

    def keys_of(self, node: Node, name: str) -> tuple[str, ...]:
        """Read a list of identifiers."""
        if not isinstance(node, Seq):
            self.report("bad_value", node.at, name=name, value=shown(node), expected=f"{name}: [a, b]")
            return ()
        return tuple(key for part in node.items if (key := self.key_of(part, name)))

    def whole_of(self, node: Node, name: str, low: int, high: int) -> int:
        """Read a whole number within bounds, else the lower bound."""
        text = ascii_digits(node.text) if isinstance(node, Scalar) else ""
        if re.fullmatch(r"\+?[0-9]{1,7}", text) and low <= int(text) <= high:
            return int(text)
        self.report("bad_value", node.at, name=name, value=shown(node), expected=f"{low}..{high}")
        return low


class Fields:
    """One map. Every getter marks its key as known; `done` reports the rest."""

    def __init__(self, reading: Reading, found: Map) -> None:
        self.reading = reading
        self.at = found.at
        self.map = found
        self._entries = {entry.key: entry for entry in found.entries}
        self._known: dict[str, None] = {}

    def take(self, key: str) -> Node | None:
        """Give a value by its key, None when it is absent."""
        self._known[key] = None
        entry = self._entries.get(key)
        return entry.value if entry else None

    def has(self, key: str) -> bool:
        """Say whether the key is there."""
        return key in self._entries

    def place(self, key: str) -> Place:
        """Give where a key's value is, or the map."""
        entry = self._entries.get(key)
        return entry.value.at if entry else self.at

    def need(self, key: str) -> Node | None:
        """As take, with an issue when it is absent."""
        node = self.take(key)
        if node is None:
            self.reading.report("missing_key", self.at, name=key)
        return node

    def text(self, key: str, default: str = "") -> str:
        """Give a text."""
        node = self.take(key)
        return default if node is None else self.reading.text_of(node, key)

    def key(self, key: str, default: str = "") -> str:
        """Give an identifier."""
        node = self.take(key)
        return default if node is None else self.reading.key_of(node, key)

    def keys(self, key: str) -> tuple[str, ...]:
        """Give a list of identifiers."""
        node = self.take(key)
        return () if node is None else self.reading.keys_of(node, key)

    def words(self, key: str, most: int = 40) -> tuple[str, ...]:
        """Give a list of texts."""
        node = self.take(key)
        return () if node is None else self.reading.texts_of(node, key, most)

    def one_of(self, key: str, allowed: Iterable[str], default: str = "") -> str:
        """Give one of some words."""
        allowed = tuple(allowed)
        node = self.take(key)
        if node is None:
            return default
        if isinstance(node, Scalar) and node.text in allowed:
            return node.text
        self.reading.report("bad_value", node.at, name=key, value=shown(node), expected=" / ".join(allowed))
        return default

    def whole(self, key: str, low: int, high: int, default: int) -> int:
        """Give a whole number."""
        node = self.take(key)
        return default if node is None else self.reading.whole_of(node, key, low, high)

    def flag(self, key: str, *, default: bool) -> bool:
        """Give yes or no."""
        return self.one_of(key, ("yes", "no"), "yes" if default else "no") == "yes"

    def seconds(self, key: str, low: int, high: int, default: int = 0) -> int:
        """Give a duration in seconds."""
        node = self.take(key)
        if node is None:
            return default
        match = _DURATION.fullmatch(node.text) if isinstance(node, Scalar) else None
        seconds = int(match[1]) * _SECONDS[match[2]] if match else -1
        if low <= seconds <= high:
            return seconds
        self.reading.report(
            "bad_value", node.at, name=key, value=shown(node), expected=f"{low}s..{high}s (30s 5m 72h 7d)"
        )
        return default or low

    def condition(self, key: str) -> Condition | None:
        """Give a condition."""
        node = self.take(key)
        if node is None:
            return None
        if isinstance(node, Scalar):
            return self.reading.condition(node)
        self.reading.report("bad_value", node.at, name=key, value=shown(node), expected=f"{key}: what == none")
        return TRUE

    def kinds(self, key: str = "kinds") -> tuple[str, ...]:
        """Give a list of danger kinds."""
        found = self.keys(key)
        for kind in found:
            if kind not in KINDS:
                self.reading.report("unknown_kind", self.place(key), name=kind, nearest=nearest(kind, KINDS))
        return tuple(kind for kind in found if kind in KINDS)

    def texts(self) -> Texts:
        """Give text, sms and discreet."""
        return Texts(text=self.words("text", 3), sms=self.words("sms", 3), discreet=self.words("discreet", 3))

    def child(self, key: str) -> "Fields | None":
        """Open a map within."""
        node = self.take(key)
        return None if node is None else self.reading.fields(node, key)

    def each(self) -> list[Entry]:
        """Give all entries of a map whose keys are the author's own; none is unknown."""
        self._known.update(dict.fromkeys(self._entries))
        for entry in self.map.entries:
            if not is_key(entry.key):
                self.reading.report("bad_id", entry.at, name=entry.key)
        return [entry for entry in self.map.entries if is_key(entry.key)]

    def done(self) -> None:
        """Report keys nobody asked for."""
        for entry in self.map.entries:
            if entry.key not in self._known:
                self.reading.report("unknown_key", entry.at, name=entry.key, nearest=nearest(entry.key, self._known))


def is_key(text: str) -> bool:
    """Say whether a word may be an identifier."""
    return KEY.fullmatch(text) is not None and text not in RESERVED


def nearest(word: str, known: Iterable[str]) -> str:
    """Give the known word that this one is but for a slip, or a dash: a far one would only mislead."""
    found = get_close_matches(word[:64], list(known), 1, 0.7)
    return found[0] if found else "-"


def shown(node: Node) -> str:
    """Name a value briefly in an issue."""
    match node:
        case Scalar(text=text):
            return text[:40] or "-"
        case Map():
            return "{…}"
        case _:
            return "[…]"
