"""The parts steps are made of: texts, options, answer types, silence. Frozen data, re-exported by bot.engine.model.

Every duration is whole seconds; every sequence is a tuple; every mapping has string keys: so JSON keeps them all.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from bot.core.screening import Tier
from bot.engine.expressions import Condition

Danger = Literal["low", "high", "immediate"]
DANGER_TIER: dict[str, Tier] = {"low": "T3", "high": "T2", "immediate": "T1"}
#: Kinds after which nothing is said to a couple or a family together (P11).
VIOLENCE = frozenset(
    {"spouse_abuse", "family_violence", "threat_weapon", "sexual_violence", "child_abuse", "elder_abuse",
     "disability_abuse", "harm_to_others"}
)  # fmt: skip
#: Targets that are no step: rest with a case, rest after paying, rest.
SPECIAL_TARGETS = ("human", "settle", "pause")
Messages = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """What a step says, by variant. Empty `sms`: `text` is used; `discreet` is used on any channel while covert."""

    text: Messages = ()
    sms: Messages = ()
    discreet: Messages = ()

    def variant(self, mode: str, *, covert: bool) -> Messages:
        """Choose the messages for a mode (rich, sms) and covertness."""
        if covert and self.discreet:
            return self.discreet
        return self.sms if mode == "sms" and self.sms else self.text

    @property
    def tells(self) -> bool:
        """True for a text that has no form for someone looking over her shoulder."""
        return bool(self.text) and not self.discreet


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One offered answer. `go` is empty for the next step; `points` count in an instrument's item."""

    key: str
    label: str
    accept: tuple[str, ...] = ()
    danger: Danger | None = None
    kinds: tuple[str, ...] = ()
    covert: bool = False
    go: str = ""
    points: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One key of the options; `yes_no` only tells how it was written."""

    yes_no: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Multi:
    """A set of keys; «۱ ۳» by SMS."""

    least: int = 0
    most: int = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A whole number from `low` to `high`, with the words at both ends."""

    low: int = 1
    high: int = 10
    ends: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A whole number. Zero is never typed: it is the option with key "none", which answers 0."""

    low: int = 1
    high: int = 999


@dataclass(frozen=True, slots=True, kw_only=True)
class Date:
    """A Jalali day, from `from_days` to `to_days` counted from today; answered as ISO text."""

    from_days: int = -36525
    to_days: int = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place: at level province a key of bot.engine.places or "other"; below it the answer is "given"."""

    level: Literal["province", "city", "area", "address"] = "province"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A telephone number; answered "given"; personal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeText:
    """Her own words; answered "given"; always screened; never inserted in a text."""

    chars_max: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """Something without words; answered "given"."""

    accept: tuple[str, ...] = ("voice",)


AnswerSpec = Choice | Multi | Scale | Number | Date | Place | Phone | FreeText | Media


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """What happens when nobody answers for `after_s`; each of `remind` reminders starts the clock again."""

    after_s: int
    remind: int = 0
    remind_text: Messages = ()
    then: str = "settle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclear:
    """What happens when an answer fits nothing: `text`, then the question in short; after `tries`, `then`.

    Empty `text`: the step `unclear` of flow `always` says it.
    """

    tries: int = 2
    text: Messages = ()
    then: str = "human"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """The text on a timer while a T1 case has not been taken."""

    after_s: int
    repeat: int = 1
    texts: Texts = field(default_factory=Texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A named range of points, both ends included."""

    key: str
    low: int
    high: int
    danger: Danger | None = None
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePoint:
    """Points that count while a condition holds, and why (for staff)."""

    condition: Condition
    add: int
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Where an entry flow goes when her very first words tell of these kinds («می‌خواهم بمیرم» as the first message).

    Besides kinds `words` may hold HEARD_WORDS: `third_party` (it is about another) and `covert` (she must hide it).
    """

    go: str
    words: tuple[str, ...] = ()


HEARD_WORDS = ("third_party", "covert")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnHandler:
    """A word that acts in every wait. In flow `always` it has only words: what it does is the engine's.

    In any other flow it has `say` (then the question is asked again) or `go`.
    """

    name: str
    words: tuple[str, ...] = ()
    say: Messages = ()
    go: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Var:
    """A script's own mark: keys (the first is the start value), or a counter 0..most when `keys` is empty."""

    keys: tuple[str, ...] = ()
    most: int = 0

    @property
    def start(self) -> str | int:
        """The value before any `set`."""
        return self.keys[0] if self.keys else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """An author's claim: `never` does not hold at an end, a wait, or a step."""

    id: str
    never: Condition
    at: str = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A conversation to be run at save and publish. `lines` are (verb, value) in order, verbs of flow-language §2.6."""

    name: str
    channel: str = "web"
    given: dict[str, Any] = field(default_factory=dict)
    lines: tuple[tuple[str, Any], ...] = ()
    at: tuple[int, int] = field(default=(0, 0), compare=False)
