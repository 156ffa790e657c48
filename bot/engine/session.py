"""A conversation's whole state: one small JSON that the store keeps encrypted.

A Session is a value: `resume` works on a `copy()` and gives that back, so a caller's session never changes
under its hands. It knows nothing of texts, files or clocks; names of steps and keys of answers are all it holds,
besides her own safe word, which is why the JSON as a whole is encrypted.
"""

from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, Literal

from bot.core.contact import Facts
from bot.core.screening import Tier

Status = Literal["waiting", "resting", "held", "locked", "ended"]

#: One answer: a key, a whole number, or the keys of a multi. `skip` and `given` are keys like any other.
Answer = str | int | tuple[str, ...]

#: How far `back` reaches (flow-language §2.5).
BACK_MAX = 8


@dataclass(slots=True)
class Frame:
    """One flow's run: where it stands and what was answered in it.

    `visit` is the number of this wait's first asking: a button of that asking or a later one is fresh. `answers`
    also holds `call.name` (what a called flow gave), `score.points` and an instrument's items (`hark.hit`).
    """

    flow: str
    step: str = ""
    visit: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    vars: dict[str, str | int] = field(default_factory=dict)
    back: tuple[str, ...] = ()

    def copy(self) -> "Frame":
        """Give a frame that may be changed without touching this one."""
        return Frame(self.flow, self.step, self.visit, self.answers.copy(), self.vars.copy(), self.back)


@dataclass(slots=True)
class Session:
    """One conversation (§5.1).

    `told_tier`, `told_kinds` and `told_province` are what the open case already knows, so that only news is sent. `timers` maps a
    timer's name to (visit, seconds); `not_taken` is (flow, step, repeats left) of the escalation it belongs to;
    `after` is where a hand-back resumes. `soft_asked` holds the kinds a closed question was asked for,
    `soft_count` how often one was asked; `why` are the reasons no case has been told yet. `late_owed` is the note about
    late messages that waits for the last of them, `late_told` when each note was given (seconds). `withheld` are our
    texts that she did not see while covert. `unheard`: she wrote while a counsellor held the conversation. `given`: answers that hold for the whole talk, by the name of their
    `once`. `near`: the city and neighbourhood of the directory that her words named. `duress_word`: the word that says she is forced,
    squashed; `wrong_words`: how often in a row something else than `code_word` was tried while locked. `challenged`: it is locked because she was
    away for long, and how she was written to before.
    """

    version: str
    status: Status = "waiting"
    stack: list[Frame] = field(default_factory=list)
    visit: int = 0
    turns: int = 0
    language: str = "fa"
    risk: Tier | None = None
    kinds: tuple[str, ...] = ()
    debt: Tier | None = None
    case: bool = False
    told_tier: Tier | None = None
    told_kinds: tuple[str, ...] = ()
    told_province: str = ""
    covert: bool = False
    consents: dict[str, bool] = field(default_factory=dict)
    safe: Literal["unset", "set", "none"] = "unset"
    code_word: str = ""
    tries: int = 0
    reminded: int = 0
    soft_asked: tuple[str, ...] = ()
    soft_count: int = 0
    why: tuple[str, ...] = ()
    province: str = ""
    media_asked: bool = False
    silenced: bool = False
    timers: dict[str, tuple[int, int]] = field(default_factory=dict)
    not_taken: tuple[str, str, int] | None = None
    after: tuple[str, str] | None = None
    safe_contact: dict[str, str] = field(default_factory=dict)
    late_owed: str = ""
    late_told: dict[str, int] = field(default_factory=dict)
    withheld: tuple[str, ...] = ()
    unheard: bool = False
    given: dict[str, Answer] = field(default_factory=dict)
    near: tuple[str, ...] = ()
    duress_word: str = ""
    wrong_words: int = 0
    challenged: Literal["", "open", "covert"] = ""

    def copy(self) -> "Session":
        """Give a session that may be changed without touching this one."""
        return Session(
            self.version, self.status, [frame.copy() for frame in self.stack], self.visit, self.turns,
            self.language, self.risk, self.kinds, self.debt, self.case, self.told_tier, self.told_kinds,
            self.told_province, self.covert, self.consents.copy(), self.safe, self.code_word, self.tries,
            self.reminded, self.soft_asked, self.soft_count, self.why, self.province, self.media_asked,
            self.silenced, self.timers.copy(), self.not_taken, self.after, self.safe_contact.copy(),
            self.late_owed, self.late_told.copy(), self.withheld, self.unheard,
            self.given.copy(), self.near, self.duress_word, self.wrong_words,
            self.challenged,
        )  # fmt: skip

    @property
    def top(self) -> Frame:
        """The frame that runs now."""
        return self.stack[-1]


#: Fields in the order in which they are kept; a new one goes last, so that what was kept before is still read.
_NAMES = tuple(item.name for item in fields(Session))
_values = attrgetter(*_NAMES)
_STACK = _NAMES.index("stack")
#: Fields that are tuples, or empty: JSON gives lists back.
_TUPLES = tuple(_NAMES.index(name) for name in ("kinds", "told_kinds", "soft_asked", "why", "withheld", "near"))
_OPTIONAL_TUPLES = tuple(_NAMES.index(name) for name in ("not_taken", "after"))
_TIMERS = _NAMES.index("timers")
_GIVEN = _NAMES.index("given")


def session_to_json(session: Session) -> list[Any]:
    """Give the session as a list of its fields' values, in their order."""
    kept = list(_values(session))
    kept[_STACK] = [
        [frame.flow, frame.step, frame.visit, frame.answers, frame.vars, frame.back] for frame in session.stack
    ]
    return kept


def session_from_json(kept: list[Any]) -> Session:
    """Read a session back. It may be shorter (an older process) or longer (a newer one) than ours.

    Raises:
        IndexError, TypeError, ValueError: the data is not a session.
    """
    values = [*kept, *_values(Session(""))[len(kept) :]][: len(_NAMES)]
    values[_STACK] = [_frame(frame) for frame in values[_STACK]]
    for at in _TUPLES:
        if at < len(values):
            values[at] = tuple(values[at])
    for at in _OPTIONAL_TUPLES:
        values[at] = tuple(values[at]) if values[at] else None
    values[_GIVEN] = _answers(values[_GIVEN])
    values[_TIMERS] = {name: tuple(timer) for name, timer in values[_TIMERS].items()}
    return Session(*values).copy()


def _frame(kept: list[Any]) -> Frame:
    flow, step, visit, answers, variables, back = kept
    return Frame(flow, step, visit, _answers(answers), variables, tuple(back))


def _answers(kept: dict[str, Any]) -> dict[str, Answer]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()}


def new_session(old: Session | None, facts: Facts, version: str) -> Session:
    """Make a session for a new conversation; visits go on, and what she said of her safety stays."""
    session = Session(version, language=facts.language, case=facts.case_open)
    session.visit = facts.first_visit - 1
    if old is not None:
        session.visit = max(session.visit, old.visit)
        session.language = old.language
        session.code_word, session.duress_word = old.code_word, old.duress_word
        session.silenced = old.silenced
        if old.status != "locked":  # what she told once is not asked again; who left in a hurry begins without a trace
            session.given, session.province, session.near = old.given.copy(), old.province, old.near
        session.late_owed, session.late_told = old.late_owed, old.late_told
        session.case = session.case or (old.case and old.status == "resting")  # all it held was late
    return session
