"""What scripts draw on: instruments, guidance cards, telephone lines, directory types. Frozen data, re-exported by model.

Each is one YAML file (or, for lines, one file for all); bot.engine.loader_library reads and documents their shapes.
"""

from dataclasses import dataclass, field

from bot.engine.expressions import Condition
from bot.engine.parts import Band, Option, Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One question of an instrument."""

    id: str
    texts: Texts
    options: tuple[Option, ...]
    condition: Condition | None = None
    at: tuple[int, int] = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A validated questionnaire. `version` is a hash of its content; staff see it beside the points."""

    id: str
    title: str
    version: str = ""
    source: dict[str, str] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()
    bands: tuple[Band, ...] = ()
    enough: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A reviewed piece of guidance, at most five messages. Dates are ISO text.

    `words` are what people look for it by, besides its title.
    """

    id: str
    title: str
    sources: tuple[str, ...] = ()
    reviewed_on: str = ""
    review_after_days: int = 180
    status: str = "draft"
    tags: tuple[str, ...] = ()
    messages: tuple[Texts, ...] = ()
    words: tuple[str, ...] = ()
    reading: str = ""
    legal_status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A telephone line of helplines.yaml. Never pinned: the engine reads numbers from Facts.lines."""

    key: str
    name: str
    number: str
    hours: str = ""
    cost: str = ""
    status: str = ""
    verified_on: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryType:
    """A type of service a referral may name, and its known places (plain data for staff)."""

    id: str
    title: str
    places: tuple[dict[str, str], ...] = ()
