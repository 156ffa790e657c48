"""What a compiled script holds: frozen data the engine walks, with every lookup of a turn prepared.

Steps are a flat list; a step is reached by index, `Flow.index[id]`; after step i comes i + 1, or, when a `when` was
false, `Flow.passes_to[i]` (a compound's whole block is passed over). Three kinds are expanded by the loader, so the
engine knows only the classes of `Step`::

    consent: may_share      → Ask(id="may_share", consent="referral")            answers yes | no
    screen: hark            → Screen(id="hark", done="hark.band")                says `before`, starts the sum at 0
                              Ask(id="hark.hit", screen="hark") …                each option has `points`; an immediate
                                                                                  option goes to "hark.band" by itself; an answer that
                                                                                  alone makes a dangerous band is tagged
                              ScreenBand(id="hark.band", screen="hark")          answer `hark` = band, its danger counts
    safe_contact: reach     → SafeContact(id="reach", done="reach.done")         says its texts
                              Ask(id="reach.way", safe="reach") …                copied from always.safe_way …
                              SafeContactDone(id="reach.done", safe="reach")     contact.safe: none when reach.way is
                                                                                  come, skip or unset, else set

Answers of a frame are one mapping: {step id: key | int | list of keys}; besides, `hark` (band), `hark.points` (the sum
so far: the engine adds `Option.points` when an item is recorded, takes it away when back un-writes it), `call_id.name`
for what a called flow gives and `call_id` for its outcome. Skip is the key "skip" for every type. Danger texts, help,
the decoy and the rest live in flow `always`, under the ids of ALWAYS_STEPS.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.core.text import fold
from bot.engine.expressions import FACT_DOMAINS, Condition
from bot.engine.library import Card, DirectoryType, Instrument, Item, Line
from bot.engine.parts import (
    DANGER_TIER,
    HEARD_WORDS,
    SPECIAL_TARGETS,
    AnswerSpec,
    Band,
    Choice,
    Danger,
    Date,
    FreeText,
    Heard,
    Media,
    Messages,
    Multi,
    NotTaken,
    Number,
    Option,
    OwnHandler,
    Phone,
    Place,
    Property,
    Scale,
    ScorePoint,
    Silence,
    Talk,
    Texts,
    Unclear,
    Var,
)
from bot.engine.step_kinds import (
    Ask,
    Call,
    End,
    Escalate,
    FollowUp,
    Go,
    Guide,
    If,
    Refer,
    SafeContact,
    SafeContactDone,
    Say,
    Score,
    Screen,
    ScreenBand,
    Set,
    Step,
    StepBase,
)

__all__ = [
    "ALWAYS_HANDLERS", "ALWAYS_STEPS", "BLANK", "DANGER_TIER", "FACT_DOMAINS", "HEARD_WORDS", "SAFE_PARTS", "SPECIAL_TARGETS", "AnswerSpec", "Ask",
    "Band", "Bundle", "Call", "Card", "Choice", "Condition", "Danger", "Date", "DirectoryType", "End", "Escalate", "Flow",
    "FollowUp", "FreeText", "Go", "Guide", "Heard", "If", "Instrument", "Item", "Line", "Media", "Messages", "Multi", "NotTaken",
    "Number", "Option", "OwnHandler", "Phone", "Place", "Property", "Refer", "SafeContact", "SafeContactDone", "Say",
    "Scale", "Score", "ScorePoint", "Screen", "ScreenBand", "Set", "Silence", "Step", "StepBase", "Talk", "Texts",
    "Unclear", "Var",
]  # fmt: skip

#: What the fields of a new script begin with until somebody fills them in.
BLANK = "…"

#: Handlers of flow `always`, in the order in which the engine tries them (flow-language §2.4). `duress` and `resume_code` are optional.
ALWAYS_HANDLERS = (
    "quick_exit", "duress", "erase", "hide_or_erase", "stop", "human", "help", "back", "repeat", "language",
    "resume_code",
)  # fmt: skip

#: Steps that flow `always` must have: id → kind. The engine says or asks them by id; `soft_check_<kind>`,
#: `look_in`, `challenge`, `handed_back`, `closed`, `reopened`, `still_queued`, `written_again`, `ended_lately`, `late`, `late_danger`, `hidden`,
#: `guide_none` and `guide_more` are optional.
ALWAYS_STEPS: dict[str, str] = {
    "decoy": "say",  # after quick exit: weather or the like
    "danger": "escalate",  # T1 in her words: 110, 115, 123 and that a person is called
    "no_staff": "say",  # nobody is on shift, it is recorded, call 123
    "stay": "ask",  # the wait after it
    "tell": "ask",  # free text for the counsellor
    "danger_again": "say",  # short, when T1 words come again in an open T1 case
    "heard": "escalate",  # T2 in her words: noted, a counsellor will see it, 123
    "heard_again": "say",  # short, when nothing new was learnt
    "soft_check": "ask",  # one gentle closed question: yes, no, skip
    "media": "ask",  # «اگر نمی‌توانید بنویسید، 1 را بفرستید»: cannot
    "media_case": "escalate",  # media this question does not take, kept for the case
    "call_human": "escalate",  # a person is called
    "call_human_off": "escalate",  # the same when nobody is on shift
    "settled": "say",  # the session goes to rest while she is there
    "resting": "say",  # what she writes to a resting session is kept for the case
    "stale": "say",  # after an old button, before the waiting question
    "unclear": "say",  # not understood, before the question is asked again
    "remind": "say",  # a neutral reminder
    "hide_or_erase": "ask",  # hide, erase, neither
    "erase_confirm": "ask",  # yes, no
    "erased": "say",
    "which_language": "ask",  # keys are language codes
    "fresh": "ask",  # neutral start after a lock without a code word: start
    "safe_way": "ask",  # the questions of safe_contact (`safe_duress` is optional); the key `come` means: she will come herself
    "safe_phone": "ask",
    "safe_hours": "ask",
    "safe_who": "ask",
    "safe_cover": "ask",
    "safe_word": "ask",
}
SAFE_PARTS = ("way", "phone", "hours", "who", "cover", "word", "duress")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One script."""

    id: str
    title: str
    owner: str
    language_version: int = 1
    reviewers: tuple[str, ...] = ()
    takes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    gives: tuple[str, ...] = ()
    vars: dict[str, Var] = field(default_factory=dict)
    silence: Silence | None = None
    heard: tuple[Heard, ...] = ()
    always: tuple[OwnHandler, ...] = ()
    steps: tuple[Step, ...] = ()
    tests: tuple[Talk, ...] = ()
    migrate: dict[str, dict[str, str]] = field(default_factory=dict)
    properties: tuple[Property, ...] = ()
    sources: tuple[str, ...] = ()
    index: Mapping[str, int] = field(init=False, repr=False, compare=False)
    passes_to: tuple[int, ...] = field(init=False, repr=False, compare=False)
    words: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Prepare the lookups of a turn."""
        index = {step.id: number for number, step in enumerate(self.steps)}
        passes = tuple(
            index.get(step.done, number) + 1 if isinstance(step, Screen | SafeContact) else number + 1
            for number, step in enumerate(self.steps)
        )
        words = {fold(word): handler.name for handler in reversed(self.always) for word in handler.words}
        object.__setattr__(self, "index", index)
        object.__setattr__(self, "passes_to", passes)
        object.__setattr__(self, "words", words)

    def step(self, step_id: str) -> Step | None:
        """Find a step by its id."""
        number = self.index.get(step_id)
        return None if number is None else self.steps[number]

    def handler(self, name: str) -> OwnHandler | None:
        """Find an own handler by its name."""
        return next((handler for handler in self.always if handler.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """All that is published at once. `version` hashes flows, instruments and cards; lines and directory are not in it.

    `translations` maps a language to {Persian text: its translation}; a text without one is said in Persian.
    `languages` are those on offer in this house (bot.languages), no part of a published version.
    """

    version: str = ""
    entry: str = "welcome"
    flows: dict[str, Flow] = field(default_factory=dict)
    instruments: dict[str, Instrument] = field(default_factory=dict)
    cards: dict[str, Card] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    directory: dict[str, DirectoryType] = field(default_factory=dict)
    translations: dict[str, dict[str, str]] = field(default_factory=dict)
    languages: tuple[str, ...] = ("fa",)

    @property
    def always(self) -> Flow:
        """The deployment's flow `always`."""
        return self.flows["always"]
