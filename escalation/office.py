"""What acts work with, and the two things most of them end with: the record of the act, and the flow being told.

Both write inside the act's transaction; the wake-ups on the bus follow its commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.bus import Bus
from bot.core.ids import IdSource
from bot.inbox import enqueue_act
from bot.store.crypto import Keyring
from bot.store.database import Tx
from escalation import repo
from escalation.case import Case
from escalation.policy import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The keys, the wake-ups, fresh ids."""

    keyring: Keyring
    bus: Bus
    new_id: IdSource


def record(
    tx: Tx,
    office: Office,
    case: Case,
    *,
    kind: str,
    actor: Actor,
    now_ms: int,
    data: Mapping[str, Any] | None = None,
    reason: str = "",
) -> None:
    """Append the act to the case's history and to the audit, and wake the console. Codes only, never content."""
    repo.add_event(tx, case_id=case.id, kind=kind, actor=actor.staff_id, now_ms=now_ms, data=data)
    repo.add_audit(
        tx, actor=actor.staff_id, action=kind, target="case", target_id=case.id, now_ms=now_ms, reason=reason
    )
    tx.after_commit(lambda: office.bus.publish("cases", f"case:{case.id}"))


def move_session(tx: Tx, office: Office, case: Case, kind: str, now_ms: int) -> None:
    """Tell the flow (held, handed_back, put_back, closed, reopened) through the contact's own line of the inbox."""
    enqueue_act(tx, contact_id=case.contact_id, kind=kind, now_ms=now_ms, provider_id=f"{kind}:{office.new_id()}")
    tx.after_commit(lambda: office.bus.publish("inbox", f"contact:{case.contact_id}"))
