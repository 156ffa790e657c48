"""What the templates are given: plain, typed, already in Persian. Nothing here reads the database.

Times stay as milliseconds beside their words, because the page counts waits by itself.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One line of the queue. It carries no content: codes, place and time only."""

    id: str
    code: str
    tier: str
    tier_word: str
    kinds: tuple[str, ...]
    province: str
    channel: str
    language: str  # empty when Persian
    child: bool
    covert: bool
    do_not_contact: bool
    state: str
    state_word: str
    holder: str
    mine: bool
    queued_at: int
    waited: str
    next_action: str
    unread: int
    overflow: bool  # a neighbour's urgent case that nobody took in time
    meant_for: str  # the colleague it was entrusted to, while that is news
    meant_until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """The whole queue as one counsellor may see it."""

    mine: tuple[CaseRow, ...]
    waiting: tuple[CaseRow, ...]
    others: tuple[CaseRow, ...]
    others_count: int  # more than are shown, when there are very many
    address: str  # where the page brings itself up to date from
    counts: tuple[tuple[str, str, int], ...]  # tier, its word, how many wait
    on_shift: tuple[str, ...]
    alarm_ids: tuple[str, ...]  # T1 cases that wait for anybody
    gaps: tuple[str, ...]  # what to know of providers that could not be heard for long


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """One bubble of the conversation."""

    id: int
    author: str  # contact, bot, staff
    name: str
    text: str
    note: str  # what it is when it is not words: a press, a voice message, a place
    buttons: tuple[str, ...]
    hour: str
    day: str
    written: str  # when she wrote what reached us much later
    anew: bool  # the first from a page opened anew: perhaps not she
    receipt: str
    receipt_word: str
    on_way: bool  # its receipt may still move
    hidden: bool  # taken from her own screen by a quick exit


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerView:
    """What she answered to one question of a script."""

    question: str
    answer: str
    sensitive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentView:
    """One run of an instrument or a script's own score."""

    name: str
    band: str
    points: str
    lines: tuple[tuple[str, str, str], ...]  # item, answer, points
    when: str
    by: str
    raise_to: str  # the tier that may be offered, higher than the case's; else empty
    raise_word: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteView:
    """A colleague's note."""

    by: str
    text: str
    when: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryView:
    """One line of what happened to the case."""

    words: str
    by: str
    when: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierView:
    """Another case of the same person."""

    id: str
    code: str
    words: str
    end: str
    when: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """An act that may still be taken back, until `until` (milliseconds)."""

    act: Literal["claim", "close"]
    label: str
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """One case with everything a counsellor needs before her first sentence."""

    row: CaseRow
    desk: str
    packet: tuple[tuple[str, str], ...]  # the hand-over in five lines
    why: tuple[str, ...]
    note: str
    safe_contact: tuple[tuple[str, str], ...]
    answers: tuple[AnswerView, ...]
    assessments: tuple[AssessmentView, ...]
    referrals: tuple[tuple[str, str], ...]
    notes: tuple[NoteView, ...]
    history: tuple[HistoryView, ...]
    earlier: tuple[EarlierView, ...]
    messages: tuple[MessageView, ...]
    last_message: int
    content: bool  # false: the line and the reasons only, until it is claimed
    erased: bool
    can_claim: bool
    can_write: bool
    token: int
    undo: Undo | None
    #: No counsellor has ever written to her in this case.
    unanswered: bool
    outcome: str
    sms: bool
    unreachable: bool
    has_left: bool
    asked_to_be_erased: bool
