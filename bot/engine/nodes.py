"""A script as a tree with positions, before it means anything: what the YAML reader gives and the loader reads.

Apart from the reader so that whoever only checks compiled scripts need not import a YAML library.
"""

from dataclasses import dataclass, field

from bot.engine.issues import Place


@dataclass(frozen=True, slots=True)
class Scalar:
    """A word or a text. `cut` tells that a comment follows it on the same line."""

    at: Place
    text: str
    plain: bool = True
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a map and its value."""

    key: str
    at: Place
    value: "Node"


@dataclass(frozen=True, slots=True)
class Map:
    """A mapping, in order, its keys unique."""

    at: Place
    entries: list[Entry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Seq:
    """A list."""

    at: Place
    items: "list[Node]" = field(default_factory=list)


Node = Scalar | Map | Seq
