"""A conversation's whole state: one small JSON that the store keeps encrypted.

A Session is a value: `resume` works on a `copy()` and gives that back, so a caller's session never changes
under its hands. It knows nothing of texts, files or clocks; names of steps and keys of answers are all it holds,
besides her own safe word, which is why the JSON as a whole is encrypted.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

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
    late messages that waits for the last of them, `late_told` when each note was given (seconds).
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

    def copy(self) -> "Session":
        """Give a session that may be changed without touching this one."""
        return Session(
            self.version, self.status, [frame.copy() for frame in self.stack], self.visit, self.turns,
            self.language, self.risk, self.kinds, self.debt, self.case, self.told_tier, self.told_kinds,
            self.told_province, self.covert, self.consents.copy(), self.safe, self.code_word, self.tries,
            self.reminded, self.soft_asked, self.soft_count, self.why, self.province, self.media_asked,
            self.silenced, self.timers.copy(), self.not_taken, self.after, self.safe_contact.copy(),
            self.late_owed, self.late_told.copy(),
        )  # fmt: skip

    @property
    def top(self) -> Frame:
        """The frame that runs now."""
        return self.stack[-1]


#: JSON key of each field and its value in a fresh session, which is left out of the JSON.
_PLAIN: tuple[tuple[str, str, Any], ...] = (
    ("status", "s", "waiting"),
    ("visit", "v", 0),
    ("turns", "n", 0),
    ("language", "l", "fa"),
    ("risk", "r", None),
    ("debt", "d", None),
    ("case", "c", False),
    ("told_tier", "tt", None),
    ("told_province", "tp", ""),
    ("covert", "co", False),
    ("safe", "sf", "unset"),
    ("code_word", "cw", ""),
    ("tries", "t", 0),
    ("reminded", "rm", 0),
    ("soft_count", "sn", 0),
    ("province", "p", ""),
    ("media_asked", "m", False),
    ("silenced", "si", False),
    ("consents", "cs", {}),
    ("safe_contact", "sc", {}),
    ("late_owed", "lo", ""),
    ("late_told", "lt", {}),
)
_TUPLES: tuple[tuple[str, str], ...] = (("kinds", "k"), ("told_kinds", "tk"), ("soft_asked", "so"), ("why", "w"))


def session_to_json(session: Session) -> dict[str, Any]:
    """Give the session as plain data with short keys; what still has its first value is left out."""
    out: dict[str, Any] = {"ver": session.version, "f": [_frame_to_json(frame) for frame in session.stack]}
    for name, key, default in _PLAIN:
        value = getattr(session, name)
        if value != default:
            out[key] = value
    for name, key in _TUPLES:
        value = getattr(session, name)
        if value:
            out[key] = list(value)
    if session.timers:
        out["tm"] = {name: list(timer) for name, timer in session.timers.items()}
    if session.not_taken:
        out["nt"] = list(session.not_taken)
    if session.after:
        out["a"] = list(session.after)
    return out


def session_from_json(data: dict[str, Any]) -> Session:
    """Read a session back. Unknown keys are ignored, so that a newer process may add one.

    Raises:
        KeyError: the data is not a session.
    """
    session = Session(data["ver"], stack=[_frame_from_json(raw) for raw in data["f"]])
    for name, key, _ in _PLAIN:
        if key in data:
            setattr(session, name, data[key])
    for name, key in _TUPLES:
        if key in data:
            setattr(session, name, tuple(data[key]))
    session.timers = {name: (visit, after_s) for name, (visit, after_s) in data.get("tm", {}).items()}
    if "nt" in data:
        flow, step, left = data["nt"]
        session.not_taken = (flow, step, left)
    if "a" in data:
        flow, step = data["a"]
        session.after = (flow, step)
    return session


def _frame_to_json(frame: Frame) -> list[Any]:
    """Give [flow, step, visit, answers, vars, back], shortened from the right where empty."""
    answers = {name: list(value) if isinstance(value, tuple) else value for name, value in frame.answers.items()}
    out: list[Any] = [frame.flow, frame.step, frame.visit, answers, frame.vars, list(frame.back)]
    while not out[-1]:
        out.pop()
    return out


#: What a frame's parts are before anything happened in it; never changed, only read.
_FRAME_START: list[Any] = ["", "", 0, {}, {}, []]


def _frame_from_json(raw: list[Any]) -> Frame:
    missing = _FRAME_START[len(raw) :]
    flow, step, visit, answers, variables, back = [*raw, *missing]
    return Frame(
        flow,
        step,
        visit,
        {name: tuple(value) if isinstance(value, list) else value for name, value in answers.items()},
        dict(variables),
        tuple(back),
    )
