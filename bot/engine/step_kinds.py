"""The kinds of steps: frozen data, one class a kind, re-exported by bot.engine.model."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.core.screening import Tier
from bot.core.text import fold
from bot.engine.expressions import Condition
from bot.engine.parts import (
    AnswerSpec,
    Band,
    Choice,
    Messages,
    Multi,
    NotTaken,
    Option,
    ScorePoint,
    Silence,
    Texts,
    Unclear,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepBase:
    """What every step has. `at` is (line, column) in its file, from 1."""

    id: str
    when: Condition | None = None
    note: str = ""
    texts: Texts = field(default_factory=Texts)
    sensitive: bool = False
    at: tuple[int, int] = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(StepBase):
    """A wait. `options` holds the offered answers in order, a skip last; for a number the `none` label is one of them.

    `once`: under this name an answer holds for the whole talk, in every script; it is not asked for again.
    `numbered`: digits choose by order (choice, yes_no, multi). `keys_by_text`: folded label, synonym and key → key.
    """

    spec: AnswerSpec
    options: tuple[Option, ...] = ()
    silence: Silence | None = None
    unclear: Unclear = field(default_factory=Unclear)
    short: Messages = ()
    consent: str = ""
    screen: str = ""
    safe: str = ""
    once: str = ""
    numbered: bool = field(init=False)
    keys_by_text: Mapping[str, str] = field(init=False, repr=False, compare=False)
    by_key: Mapping[str, Option] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Prepare the lookups of a turn."""
        table: dict[str, str] = {}
        for option in self.options:
            for words in (option.label, *option.accept, option.key):
                table.setdefault(fold(words), option.key)
        for words, key in tuple(table.items()):
            table.setdefault(words.replace(" ", ""), key)  # half-spaces typed as spaces, or not at all
        object.__setattr__(self, "numbered", isinstance(self.spec, Choice | Multi))
        object.__setattr__(self, "keys_by_text", table)
        object.__setattr__(self, "by_key", {option.key: option for option in self.options})

    @property
    def skip(self) -> Option | None:
        """The option that refuses, if there is one."""
        return self.by_key.get("skip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Say(StepBase):
    """Sends its texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class If(StepBase):
    """Jumps: `go` when the condition holds, else `otherwise` (empty = next)."""

    condition: Condition
    go: str
    otherwise: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Go(StepBase):
    """Jumps."""

    go: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Set(StepBase):
    """Writes vars: a key, or "+1", which stops at the top of its range."""

    values: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen(StepBase):
    """Begins an instrument: says `texts` (the `before`). `done` is the id of its ScreenBand."""

    instrument: str
    done: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenBand(StepBase):
    """Ends an instrument: the sum's band becomes the answer named `screen`; fewer than `enough` answers: `unknown`."""

    screen: str
    instrument: str
    bands: tuple[Band, ...]
    enough: int = 0
    go: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score(StepBase):
    """Adds up points; the answer is the band."""

    points: tuple[ScorePoint, ...]
    bands: tuple[Band, ...]
    go: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(StepBase):
    """Goes into another flow and comes back at its end. `given`: {its name: my answer}."""

    flow: str
    given: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide(StepBase):
    """Sends a reviewed card, or one of its messages (`part`, from 1; 0 = all)."""

    card: str
    part: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refer(StepBase):
    """Asks for a referral to a directory type near a place answer.

    `show`: she is only told of the nearest place, nothing leaves; `if_none`: where to go on when no place is known.
    """

    to: str
    near: str = ""
    show: bool = False
    if_none: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalate(StepBase):
    """Opens or raises the session's one case, then goes on at `while_waiting`, or `if_no_staff` (empty = next)."""

    tier: Tier
    kinds: tuple[str, ...] = ()
    desk: str = "auto"
    hand_over: bool = False
    while_waiting: str = ""
    if_no_staff: str = ""
    if_not_taken: NotTaken | None = None
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeContact(StepBase):
    """Begins the questions about a safe way to reach her. `done` is the id of its SafeContactDone."""

    done: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeContactDone(StepBase):
    """Ends them: contact.safe becomes set or none."""

    safe: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp(StepBase):
    """Plans a later contact."""

    in_s: int
    flow: str
    if_silent: Tier | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class End(StepBase):
    """Ends the script with an outcome: back to the caller, or the session."""

    outcome: str


Step = (
    Ask | Say | If | Go | Set | Screen | ScreenBand | Score | Call | Guide | Refer | Escalate | SafeContact
    | SafeContactDone | FollowUp | End
)  # fmt: skip
