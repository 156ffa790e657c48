"""What staff do to a case, one function an act, each inside one write transaction.

Every act asks policy and scope, lets the pure machine decide (escalation.case), saves by conditional UPDATE, appends
the case's history and the audit, and wakes who waits after the commit. Acts that carry content (messages, notes,
referrals) are in escalation.relay, shifts in escalation.shifts, the reading of a case in escalation.reading.
"""

from dataclasses import dataclass
from functools import partial

from bot.core.fault import fault
from bot.core.screening import TIERS, Tier
from bot.store.database import Tx
from bot.store.vault import contact_key
from escalation import case as machine
from escalation import repo, repo_read, repo_relay
from escalation.case import BadInputError, Case, TooLateError
from escalation.office import Office, move_session, record
from escalation.policy import Actor, NotAllowedError, may, require
from escalation.relay import ErasedError, keep_reason
from escalation.routing import is_desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a holder must show to write: the token; and until when the claim runs unless renewed (ms)."""

    case_id: str
    code: str
    token: int
    lease_until: int


def claim_case(
    tx: Tx, office: Office, *, actor: Actor, case_id: str, now_ms: int, lease_ms: int = machine.LEASE_MS
) -> Claim:
    """Take a case: the bot falls silent and the case is the actor's while the lease is renewed.

    Raises:
        NotAllowedError, NoSuchCaseError, CaseClosedError, CaseTakenError: it was not taken.
    """
    require(actor, "case", "claim")
    before = repo.find_case(tx.connection, actor=actor, case_id=case_id, now_ms=now_ms)
    after = machine.claim(before, staff_id=actor.staff_id, now_ms=now_ms, lease_ms=lease_ms)
    repo.save(tx, before, after, now_ms=now_ms)
    if after.token != before.token:
        if before.state == "claimed":  # its lease had run out and the sweeper had not come by yet
            repo.add_event(tx, case_id=case_id, kind="lease_lost", actor=before.holder or "", now_ms=now_ms)
        record(tx, office, after, kind="claimed", actor=actor, now_ms=now_ms, data={"token": after.token})
        move_session(tx, office, after, "held", now_ms)
    tx.after_commit(partial(fault, "C1"))
    return _claim_of(after)


def renew_lease(tx: Tx, office: Office, *, actor: Actor, case_id: str, token: int, now_ms: int) -> Claim:  # noqa: ARG001 - acts share one shape
    """Keep the lease (the console's open stream calls this every 15 s). Writes no history.

    Raises:
        NotAllowedError, NoSuchCaseError, CaseClosedError, StaleTokenError: the case is no longer the actor's.
    """
    require(actor, "case", "claim")
    before = repo.find_case(tx.connection, actor=actor, case_id=case_id, now_ms=now_ms)
    after = machine.renew(before, staff_id=actor.staff_id, token=token, now_ms=now_ms)
    repo.save(tx, before, after, now_ms=now_ms)
    return _claim_of(after)


def release_case(tx: Tx, office: Office, *, actor: Actor, case_id: str, token: int, now_ms: int) -> Case:
    """Put a case back in the queue: at its old place within two minutes of the claim. The flow speaks again.

    Raises:
        NotAllowedError, NoSuchCaseError, CaseClosedError, StaleTokenError: nothing was changed.
    """
    require(actor, "case", "claim")
    before = repo.find_case(tx.connection, actor=actor, case_id=case_id, now_ms=now_ms)
    claimed = repo.last_event(tx.connection, case_id, "claimed", "reopened")
    after = machine.release(
        before, staff_id=actor.staff_id, token=token, claimed_at=claimed[1] if claimed else now_ms, now_ms=now_ms
    )
    repo.save(tx, before, after, now_ms=now_ms)
    record(tx, office, after, kind="released", actor=actor, now_ms=now_ms)
    _let_go(tx, office, after, now_ms)
    return after


def undo_claim(tx: Tx, office: Office, *, actor: Actor, case_id: str, token: int, now_ms: int) -> Case:
    """Undo a claim within two minutes: the case stands at its old place again.

    Raises:
        TooLateError: two minutes have passed; release the case instead. And the errors of `release_case`.
    """
    repo.find_case(tx.connection, actor=actor, case_id=case_id, now_ms=now_ms)
    claimed = repo.last_event(tx.connection, case_id, "claimed", "reopened")
    if claimed is None or claimed[0] != actor.staff_id or now_ms - claimed[1] > machine.UNDO_MS:
        raise TooLateError
    return release_case(tx, office, actor=actor, case_id=case_id, token=token, now_ms=now_ms)


def hand_back(
    tx: Tx, office: Office, *, actor: Actor, case_id: str, token: int, now_ms: int, until_ms: int | None = None
) -> Case:
    """Give the conversation back to the flow; the open case returns to the queue at `until_ms`.

    Without `until_ms` that is an hour for T1, a day for T2, a week for the others. A T1 case in which no counsellor ever
    wrote a word does not rest: it stands in the queue again, at its old place.

    Raises:
        BadInputError: the time is past or too far away for this tier; and the errors of `release_case`.
    """
    require(actor, "case", "write")
    before = repo.find_case(tx.connection, actor=actor, case_id=case_id, now_ms=now_ms)
    if before.tier == "T1" and repo.last_event(tx.connection, case_id, "wrote") is None:
        after = machine.release(before, staff_id=actor.staff_id, token=token, claimed_at=now_ms, now_ms=now_ms)
    else:
        after = machine.rest(before, staff_id=actor.staff_id, token=token, until_ms=until_ms, now_ms=now_ms)
    repo.save(tx, before, after, now_ms=now_ms)
    kind = "released" if after.state == "queued" else "handed_back"
    record(tx, office, after, kind=kind, actor=actor, now_ms=now_ms, data={"next_action_at": after.next_action_at})
    _let_go(tx, office, after, now_ms)
    return after


def close_case(
    tx: Tx, office: Office, *, actor: Actor, case_id: str, token: int | None, outcome: str, reason: str, now_ms: int
) -> Case:
    """End a case with one of case.OUTCOMES and a reason in words (kept sealed, as a note of the case).

    Raises:
        NotSeenError: an urgent case was never claimed by the actor.
        BadInputError: no such outcome, or no reason. Also the errors of `release_case`.
    """
    require(actor, "case", "close")
    before = repo.find_case(tx.connection, actor=actor, case_id=case_id, now_ms=now_ms)
    after = machine.close(before, staff_id=actor.staff_id, token=token, outcome=outcome, now_ms=now_ms)
    keep_reason(tx, office, case=before, actor=actor, text=reason, now_ms=now_ms)
    repo.save(tx, before, after, now_ms=now_ms)
    record(tx, office, after, kind="closed", actor=actor, now_ms=now_ms, data={"outcome": outcome}, reason=outcome)
    move_session(tx, office, after, "closed", now_ms)
    tx.after_commit(partial(fault, "C3"))
    return after


def undo_close(tx: Tx, office: Office, *, actor: Actor, case_id: str, now_ms: int) -> Case:
    """Undo a close within two minutes. Gives the reopened case, claimed by the actor under a new token.

    If she has a new open case by now, what the closed one knew is merged into that one, which is given instead.

    Raises:
        TooLateError: the window is over or another person closed it.
        ErasedError: she was erased with the close; there is nothing to come back to.
    """
    require(actor, "case", "close")
    before = repo.find_case(tx.connection, actor=actor, case_id=case_id, now_ms=now_ms)
    closed = repo.last_event(tx.connection, case_id, "closed")
    closed_by = closed[0] if closed else ""
    after = machine.reopen(before, staff_id=actor.staff_id, closed_by=closed_by, now_ms=now_ms)
    newer = repo.open_case_of(tx.connection, before.contact_id)
    if newer is not None:
        return _merge(tx, office, old=before, target=newer, actor=actor, now_ms=now_ms)
    if repo_read.is_erased(tx.connection, before.contact_id):
        raise ErasedError
    repo.save(tx, before, after, now_ms=now_ms)
    record(tx, office, after, kind="reopened", actor=actor, now_ms=now_ms, data={"token": after.token})
    told = repo_relay.reads_farewell(tx.connection, before.contact_id, since=before.closed_at or now_ms)
    move_session(tx, office, after, "reopened" if told else "held", now_ms)
    return after


def transfer_case(
    tx: Tx, office: Office, *, actor: Actor, case_id: str, token: int | None, desk: str, now_ms: int
) -> Case:
    """Move a case to another desk's queue at its old place. Unheld cases only a supervisor moves.

    Raises:
        BadInputError: no such desk, or the case is there already. Also the errors of `release_case`.
    """
    require(actor, "case", "transfer")
    before = repo.find_case(tx.connection, actor=actor, case_id=case_id, now_ms=now_ms)
    if before.state != "claimed" and not may(actor, "case", "oversee"):
        raise NotAllowedError
    if not is_desk(desk):
        raise BadInputError
    after = machine.transfer(before, desk=desk, staff_id=actor.staff_id, token=token)
    repo.save(tx, before, after, now_ms=now_ms)
    data = {"desk": desk, "left": before.desk}
    record(tx, office, after, kind="transferred", actor=actor, now_ms=now_ms, data=data, reason=desk)
    if before.state == "claimed":
        _let_go(tx, office, after, now_ms)
    return after


def lower_tier(
    tx: Tx, office: Office, *, actor: Actor, case_id: str, token: int, tier: Tier, reason: str, now_ms: int
) -> Case:
    """Lower the tier of a case the actor holds, with a reason in words (kept sealed). Only people lower (I8).

    Raises:
        NotLowerError, BadInputError: not a lower tier, or no reason. Also the errors of `release_case`.
    """
    require(actor, "case", "lower")
    if tier not in TIERS:
        raise BadInputError
    before = repo.find_case(tx.connection, actor=actor, case_id=case_id, now_ms=now_ms)
    after = machine.lower(before, tier=tier, staff_id=actor.staff_id, token=token)
    keep_reason(tx, office, case=before, actor=actor, text=reason, now_ms=now_ms)
    repo.save(tx, before, after, now_ms=now_ms)
    data = {"tier": tier, "before": before.tier}
    record(tx, office, after, kind="lowered", actor=actor, now_ms=now_ms, data=data, reason=f"{before.tier}>{tier}")
    return after


def raise_tier(tx: Tx, office: Office, *, actor: Actor, case_id: str, token: int, tier: Tier, now_ms: int) -> Case:
    """Raise the tier of a case the actor holds.

    Raises:
        BadInputError: not a higher tier. Also the errors of `release_case`.
    """
    require(actor, "case", "write")
    if tier not in TIERS:
        raise BadInputError
    before = repo.find_case(tx.connection, actor=actor, case_id=case_id, now_ms=now_ms)
    after = machine.raise_tier(before, tier=tier, staff_id=actor.staff_id, token=token)
    repo.save(tx, before, after, now_ms=now_ms)
    data = {"tier": tier, "before": before.tier}
    record(tx, office, after, kind="raised", actor=actor, now_ms=now_ms, data=data, reason=f"{before.tier}>{tier}")
    return after


def release_all(tx: Tx, office: Office, *, staff_id: str, by: str, now_ms: int) -> int:
    """Put everything a person holds back at its old place (shift ended, account disabled); give how many."""
    held = repo.cases_held_by(tx.connection, staff_id)
    for before in held:
        put_back(tx, office, before, machine.force_release(before), kind="released", by=by, now_ms=now_ms)
    return len(held)


def put_back(tx: Tx, office: Office, before: Case, after: Case, *, kind: str, by: str, now_ms: int) -> None:
    """Write that a case is in the queue again without its holder's own act; the flow speaks again."""
    repo.save(tx, before, after, now_ms=now_ms)
    repo.add_event(
        tx, case_id=after.id, kind=kind, actor=by, now_ms=now_ms, data={"held_by": before.holder, "tier": after.tier}
    )
    if before.state == "claimed":
        _let_go(tx, office, after, now_ms)
    tx.after_commit(lambda: office.bus.publish("cases", f"case:{after.id}"))


def _let_go(tx: Tx, office: Office, case: Case, now_ms: int) -> None:
    """Let the flow speak again; who heard nobody is not told that somebody is gone."""
    spoke = repo.spoke_in_this_claim(tx.connection, case.id)
    move_session(tx, office, case, "handed_back" if spoke else "put_back", now_ms)


def _merge(tx: Tx, office: Office, *, old: Case, target: Case, actor: Actor, now_ms: int) -> Case:
    key = contact_key(tx.connection, office.keyring, old.contact_id)
    merged = repo.merge_into(tx, old=old, target=target, key=key, now_ms=now_ms)
    repo.add_event(tx, case_id=old.id, kind="merged", actor=actor.staff_id, now_ms=now_ms, data={"into": target.id})
    record(tx, office, merged, kind="raised", actor=actor, now_ms=now_ms, data={"from": old.id, "tier": merged.tier})
    return merged


def _claim_of(case: Case) -> Claim:
    assert case.lease_until is not None
    return Claim(case_id=case.id, code=case.code, token=case.token, lease_until=case.lease_until)
