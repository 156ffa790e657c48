"""What a case's page holds: frozen rows, opened and named, as the console shows them. Pure.

escalation.page fills them; what was not the reader's to see is already left out.
"""

from dataclasses import dataclass
from typing import Any

from escalation.case import Case
from escalation.page_answers import Answer
from escalation.repo_entrusting import MeantFor


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One line of the transcript. `input` is press, media or location when it is not words.

    `written_at` is set for what reached us long after it was written; `anew` for the first from a page that was opened
    anew, which another than she may hold.

    `delivery` is the state of an outgoing message: queued, sending, sent, delivered, read, failed, expired, unknown.
    """

    id: int
    author: str
    staff_name: str
    text: str
    input: str
    media: str
    location: tuple[float, float] | None
    buttons: tuple[str, ...]
    delivery: str
    at: int
    written_at: int | None
    anew: bool
    hidden: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """One run of an instrument or a script's score. `items` are (item, answer, points).

    `by` is who filled it in, empty for the bot; `tier` what its result recommends then.
    """

    name: str
    version: str
    band: str
    points: int
    items: tuple[tuple[str, str, int], ...]
    because: tuple[str, ...]
    at: int
    by: str = ""
    tier: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A colleague's note, also of an earlier case."""

    staff_name: str
    text: str
    case_id: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A consent given or refused."""

    purpose: str
    given: bool
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """A referral: asked by the flow or made by staff."""

    to_type: str
    near: str
    state: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierCase:
    """Another case of the same contact."""

    id: str
    code: str
    tier: str
    kinds: tuple[str, ...]
    state: str
    outcome: str
    opened_at: int
    closed_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One line of the case's history."""

    kind: str
    actor_name: str
    data: dict[str, Any]
    at: int
    to_name: str = ""  # the colleague it was entrusted to


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePage:
    """Everything about one case. `undo_*_until` are times (ms) until which the actor can undo, else None."""

    case: Case
    kinds: tuple[str, ...]
    cause: str
    covert: bool
    do_not_contact: bool
    channel: str
    language: str
    holder_name: str
    mine: bool
    live: bool
    meant_for: MeantFor | None
    unreachable_at: int | None
    content: bool
    erased: bool
    why: tuple[str, ...]
    note: str
    has_left: bool
    asked_to_be_erased: bool
    messages: tuple[Message, ...]
    last_message: int
    answers: tuple[Answer, ...]
    cards: tuple[str, ...]
    assessments: tuple[Assessment, ...]
    notes: tuple[Note, ...]
    consents: tuple[Consent, ...]
    referrals: tuple[Referral, ...]
    safe_contact: dict[str, str]
    earlier: tuple[EarlierCase, ...]
    history: tuple[Happening, ...]
    undo_claim_until: int | None
    undo_close_until: int | None
