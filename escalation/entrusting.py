"""Handing a case to one named colleague who is on shift. Nobody holds it until she, or anybody else, takes it.

It stands in the queue like any other and is paged like any other, so it cannot lie unseen under a name; the name only
stands beside it for a few minutes, and her console knocks.
"""

from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection

from bot.store.database import Tx
from escalation import repo
from escalation.acts import release_case, transfer_case
from escalation.case import ActError, Case
from escalation.office import Office, record
from escalation.policy import Actor, may, require
from escalation.repo_entrusting import actors_on_shift
from escalation.routing import sees


class NotOnShiftError(ActError):
    """The colleague is not on shift any more."""


def who_can_take(connection: Connection, now_ms: int) -> list[Actor]:
    """Give who works now and may take a case, by name."""
    return [one for one in actors_on_shift(connection, now_ms) if may(one, "case", "claim")]


def entrust_case(tx: Tx, office: Office, *, actor: Actor, case_id: str, token: int, to: str, now_ms: int) -> Case:
    """Put a held case in the queue for a colleague: of its own desk when she sees that one, else of hers.

    Raises:
        NotOnShiftError: `to` is nobody who could take it now. And the errors of `release_case` and `transfer_case`.
    """
    require(actor, "case", "transfer")
    before = repo.find_case(tx.connection, actor=actor, case_id=case_id, now_ms=now_ms)
    her = next((one for one in who_can_take(tx.connection, now_ms) if one.staff_id == to), None)
    if her is None or her.staff_id == actor.staff_id:
        raise NotOnShiftError
    there = sees(province=her.province, desk=before.desk, overflow=False)
    let_go: Callable[..., Case] = release_case if there else partial(transfer_case, desk=her.province)
    after = let_go(tx, office, actor=actor, case_id=case_id, token=token, now_ms=now_ms)
    data = {"to": to, "token": after.token}
    record(tx, office, after, kind="entrusted", actor=actor, now_ms=now_ms, data=data, reason=to)
    return after
