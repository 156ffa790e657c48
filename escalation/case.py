"""The case as a state machine: pure, told the time, knowing nothing of SQL, roles or messages.

    queued ──claim──► claimed ──close──► closed        A claim gives the next token and a lease of 45 s. Whoever
      ▲  ▲               │  ▲               │          writes shows the token; an old one is refused (I9). A lost
      │  └─release, lost─┤  └────reopen─────┘          lease puts the case back at its old place (I10). Only a named
      └──wake── waiting ◄┘ rest                        person closes or lowers it, after claiming it (I8).

Errors::

    ActError
     ├─ NoSuchCaseError      ├─ CaseClosedError    ├─ NotSeenError
     ├─ CaseTakenError       ├─ StaleTokenError    ├─ TooLateError
     └─ NotLowerError        └─ BadInputError (and NotAllowedError of policy)
"""

from dataclasses import dataclass, replace
from typing import Literal

from bot.core.screening import Tier

State = Literal["queued", "claimed", "waiting", "closed"]

#: How long a claim holds without being renewed (I10).
LEASE_MS = 45_000
#: How long a claim or a close can be undone by the person who did it.
UNDO_MS = 120_000
#: So long the name of a colleague, whom a case was entrusted to, stands beside it in the queue.
MEANT_MS = 300_000
_HOUR_MS = 3_600_000
#: When a case that was handed back comes to the queue again unless staff say otherwise.
REST_MS: dict[Tier, int] = {"T1": _HOUR_MS, "T2": 24 * _HOUR_MS, "T3": 168 * _HOUR_MS, "T4": 168 * _HOUR_MS}
#: The longest rest that staff may choose: an urgent case cannot be parked out of sight.
REST_MAX_MS: dict[Tier, int] = {tier: 3 * rest for tier, rest in REST_MS.items()}
#: Tiers that nobody may close without having claimed the case.
URGENT: frozenset[Tier] = frozenset({"T1", "T2"})

#: How a case can end; the label is what staff choose from.
OUTCOMES: dict[str, str] = {
    "counselled": "گفت‌وگو و مشاوره انجام شد",
    "safe_now": "اکنون در جای امن است",
    "referred": "ارجاع شد",
    "dispatched": "تیم سیار اعزام شد",
    "emergency_told": "پلیس یا اورژانس خبردار شد",
    "guided": "راهنمایی و نشانی داده شد",
    "declined": "کمک بیشتری نخواست",
    "unreachable": "با وجود پیگیری در دسترس نبود",
    "duplicate": "پرونده دیگری برای همین نیاز باز است",
    "not_a_need": "آزمایشی یا اشتباهی بود",
}


#: Closed so, there was no need of hers to come back to.
_NO_NEED = frozenset({"not_a_need", "duplicate"})


def tier_of_writing_again(tier: Tier, outcome: str | None) -> Tier | None:
    """Give the tier at which a person hears that she writes again soon after a close; None: nobody need hear.

    Never T1 by repetition alone (domain.md §5): danger in her words says that by itself.
    """
    return "T2" if tier in URGENT and outcome not in _NO_NEED else None


class ActError(Exception):
    """The act was refused; nothing was changed."""


class NoSuchCaseError(ActError):
    """There is no such case within your desk's scope."""


class CaseClosedError(ActError):
    """The case is closed."""


class CaseTakenError(ActError):
    """Someone else holds the case."""


class StaleTokenError(ActError):
    """Your claim is no longer the present one; open the case again."""


class NotSeenError(ActError):
    """A case of tier T1 or T2 must be claimed before it can be closed."""


class TooLateError(ActError):
    """It is too late to undo this, or it is not yours to undo."""


class NotLowerError(ActError):
    """The new tier is not lower than the present one."""


class BadInputError(ActError):
    """A text, reason, outcome or time is missing or not one of those allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The part of a case that acts decide on. Times are milliseconds UTC."""

    id: str
    code: str
    contact_id: str
    session_id: str
    tier: Tier
    child: bool = False
    province: str = ""
    desk: str
    state: State = "queued"
    holder: str | None = None
    token: int = 0
    lease_until: int | None = None
    opened_at: int
    queued_at: int
    first_claimed_at: int | None = None
    next_action_at: int | None = None
    closed_at: int | None = None
    outcome: str | None = None


def is_live(case: Case, now_ms: int) -> bool:
    """True while someone's lease on the case runs."""
    return case.state == "claimed" and case.lease_until is not None and case.lease_until > now_ms


def claim(case: Case, *, staff_id: str, now_ms: int, lease_ms: int = LEASE_MS) -> Case:
    """Take the case. The holder claiming again keeps the same token (a lost answer, a second tab).

    Raises:
        CaseClosedError, CaseTakenError: it cannot be taken.
    """
    _refuse_closed(case)
    if is_live(case, now_ms):
        if case.holder != staff_id:
            raise CaseTakenError
        return replace(case, lease_until=max(now_ms + lease_ms, case.lease_until or 0))
    return replace(_hold(case, staff_id=staff_id, now_ms=now_ms), lease_until=now_ms + lease_ms)


def guard(case: Case, *, staff_id: str, token: int) -> None:
    """Let only the present claim pass.

    A lease that ran out but was taken by nobody is still the holder's: refusing her would help no one.

    Raises:
        CaseClosedError, StaleTokenError: the write must not happen.
    """
    _refuse_closed(case)
    if case.state != "claimed" or case.holder != staff_id or case.token != token:
        raise StaleTokenError


def renew(case: Case, *, staff_id: str, token: int, now_ms: int) -> Case:
    """Keep the lease for another 45 s; a clock set back never shortens it."""
    guard(case, staff_id=staff_id, token=token)
    return replace(case, lease_until=max(now_ms + LEASE_MS, case.lease_until or 0))


def release(case: Case, *, staff_id: str, token: int, claimed_at: int, now_ms: int) -> Case:
    """Put the case back: at its old place within the undo window, else as waiting from now."""
    guard(case, staff_id=staff_id, token=token)
    early = now_ms - claimed_at <= UNDO_MS
    return _queue(case, queued_at=case.queued_at if early else now_ms)


def lose_lease(case: Case, *, now_ms: int) -> Case:
    """Put a case whose holder fell silent back at its old place, which is the front of its class (I10)."""
    if case.state != "claimed" or is_live(case, now_ms):
        return case
    return _queue(case, queued_at=case.queued_at)


def force_release(case: Case) -> Case:
    """Put a claimed case back at its old place: its holder's shift ended or account was disabled."""
    return _queue(case, queued_at=case.queued_at) if case.state == "claimed" else case


def rest(case: Case, *, staff_id: str, token: int, until_ms: int | None, now_ms: int) -> Case:
    """Hand the conversation back to the flow; the case stays open and returns to the queue at `until_ms`.

    Raises:
        BadInputError: the time is past, or further away than this tier may rest.
    """
    guard(case, staff_id=staff_id, token=token)
    due = now_ms + REST_MS[case.tier] if until_ms is None else until_ms
    if not now_ms < due <= now_ms + REST_MAX_MS[case.tier]:
        raise BadInputError
    return replace(case, state="waiting", holder=None, lease_until=None, next_action_at=due)


def wake(case: Case, *, now_ms: int) -> Case:
    """Bring a resting case back to the queue once its time has come."""
    if case.state != "waiting" or (case.next_action_at or 0) > now_ms:
        return case
    return _queue(case, queued_at=now_ms)


def close(case: Case, *, staff_id: str, token: int | None, outcome: str, now_ms: int) -> Case:
    """End the case. An unheld T3 or T4 may be closed without a claim (token None); T1 and T2 never.

    Raises:
        NotSeenError, BadInputError, StaleTokenError, CaseClosedError: it stays open.
    """
    if outcome not in OUTCOMES:
        raise BadInputError
    _refuse_closed(case)
    if case.state == "claimed" or token is not None:
        guard(case, staff_id=staff_id, token=-1 if token is None else token)
    elif case.tier in URGENT:
        raise NotSeenError
    return replace(
        case, state="closed", holder=None, lease_until=None, next_action_at=None, closed_at=now_ms, outcome=outcome
    )


def may_undo_close(case: Case, *, staff_id: str, closed_by: str, now_ms: int) -> bool:
    """True for the person who closed it, within the undo window."""
    return case.closed_at is not None and staff_id == closed_by and now_ms - case.closed_at <= UNDO_MS


def reopen(case: Case, *, staff_id: str, closed_by: str, now_ms: int) -> Case:
    """Undo a close: the case is its closer's again, under a new token.

    Raises:
        TooLateError: the window is over, or another person closed it.
    """
    if not may_undo_close(case, staff_id=staff_id, closed_by=closed_by, now_ms=now_ms):
        raise TooLateError
    return _hold(replace(case, closed_at=None, outcome=None), staff_id=staff_id, now_ms=now_ms)


def transfer(case: Case, *, desk: str, staff_id: str, token: int | None) -> Case:
    """Move the case to another desk's queue at its old place; a held case only by its holder.

    Raises:
        BadInputError: it is that desk's already.
    """
    _refuse_closed(case)
    if case.state == "claimed" or token is not None:
        guard(case, staff_id=staff_id, token=-1 if token is None else token)
    if desk == case.desk:
        raise BadInputError
    return replace(_queue(case, queued_at=case.queued_at), desk=desk)


def lower(case: Case, *, tier: Tier, staff_id: str, token: int) -> Case:
    """Lower the tier: only the person who holds the case can (I8).

    Raises:
        NotLowerError: the new tier is not lower.
    """
    guard(case, staff_id=staff_id, token=token)
    if tier <= case.tier:
        raise NotLowerError
    return replace(case, tier=tier)


def raise_tier(case: Case, *, tier: Tier, staff_id: str, token: int) -> Case:
    """Raise the tier by hand: the person who holds the case can.

    Raises:
        BadInputError: the new tier is not higher.
    """
    guard(case, staff_id=staff_id, token=token)
    if tier >= case.tier:
        raise BadInputError
    return replace(case, tier=tier)


def _hold(case: Case, *, staff_id: str, now_ms: int) -> Case:
    first = now_ms if case.first_claimed_at is None else case.first_claimed_at
    return replace(
        case,
        state="claimed",
        holder=staff_id,
        token=case.token + 1,
        lease_until=now_ms + LEASE_MS,
        first_claimed_at=first,
        next_action_at=None,
    )


def _queue(case: Case, *, queued_at: int) -> Case:
    return replace(case, state="queued", holder=None, lease_until=None, next_action_at=None, queued_at=queued_at)


def _refuse_closed(case: Case) -> None:
    if case.state == "closed":
        raise CaseClosedError
