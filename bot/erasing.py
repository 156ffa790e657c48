"""Erasing a contact: her key and everything that was readable with it; counts and the audit row remain.

Asked for by her (through the due-table), by a counsellor on paper, by a restored backup's tombstones, or by age.
"""

from bot.store.audit import append
from bot.store.database import Tx

#: What erasing does, in order. The case row and the counts stay; nothing that can be read does.
_ERASE = (
    ("UPDATE contacts SET wrapped_key = NULL, sealed_safe_contact = NULL, erased_at = :now WHERE id = :id"),
    "UPDATE addresses SET sealed_external_id = NULL, address_index = 'erased:' || id WHERE contact_id = :id",
    "DELETE FROM messages WHERE contact_id = :id",
    "DELETE FROM turns WHERE contact_id = :id",
    (
        "UPDATE sessions SET sealed_state = NULL, silence_at = NULL, not_taken_at = NULL,"
        " ended_at = coalesce(ended_at, :now) WHERE contact_id = :id"
    ),
    "UPDATE inbox SET sealed_input = NULL, sealed_raw = NULL WHERE contact_id = :id",
    (
        "UPDATE outbox SET sealed_body = NULL, state = CASE WHEN state IN ('queued', 'sending') THEN 'expired' ELSE state"
        " END WHERE contact_id = :id"
    ),
    "UPDATE cases SET sealed_summary = NULL WHERE contact_id = :id",
    "UPDATE case_notes SET sealed_body = NULL WHERE case_id IN (SELECT id FROM cases WHERE contact_id = :id)",
    "DELETE FROM assessments WHERE contact_id = :id",
    "DELETE FROM consents WHERE contact_id = :id",
    "UPDATE referrals SET contact_id = '', session_id = '', near = '' WHERE contact_id = :id",
    "DELETE FROM due WHERE contact_id = :id AND kind <> 'erase'",
)


def erase(tx: Tx, *, contact_id: str, now_ms: int, by: str = "contact", why: str = "asked by the contact") -> None:
    """Destroy a contact's key and everything that was readable with it.

    What is deleted is overwritten in the file, not only unlinked: the wrapped key must not survive in a free page.
    """
    tx.hold([contact_id])
    with tx.overwriting():
        for sql in _ERASE:
            tx.raw.execute(sql, {"id": contact_id, "now": now_ms})
        append(tx, actor=by, action="erase", target="contact", target_id=contact_id, reason=why, at=now_ms)
