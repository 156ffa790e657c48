"""What providers say became of a message, as a status that only moves forward.

Receipts come late, twice, out of order, and may be forged; the order below makes any permutation of them end alike.
A failure flags the contact's open case, or calls a person when there is none: what we said did not reach her.
"""

from bot.outbox import call_a_person, flag_unreachable
from bot.store.database import Tx

#: Providers' words to ours; words that are not listed say nothing we keep.
WORDS = {
    "sent": "sent",
    "sending": "sent",
    "failed": "failed",
    "undelivered": "failed",
    "canceled": "failed",
    "delivered": "delivered",
    "partially_delivered": "delivered",
    "read": "read",
}
_ORDER = (None, "sent", "failed", "delivered", "read")


def apply_receipt(tx: Tx, *, key: str, provider_message_id: str, status: str, now_ms: int) -> bool:
    """Move the receipt of the outbox row `key` forward; False when nothing moved.

    A receipt that names another message than the one we sent is not believed, nor one of a message that we have not
    begun to send. One may overtake our own record of the sending: then its id cannot be compared.
    """
    word = WORDS.get(status)
    row = tx.raw.execute(
        "SELECT id, contact_id, provider_message_id, receipt, state, attempts FROM outbox WHERE key = ?", (key,)
    ).fetchone()
    if word is None or row is None:
        return False
    row_id, contact_id, known, before, state, attempts = row
    ids = known.split(",") if known else []
    if (state == "queued" and not attempts) or (ids and provider_message_id not in ids):
        return False
    if word == "failed" and (before in {None, "sent"} or len(ids) > 1):  # of several parts, one that failed is a gap
        flag_unreachable(tx, contact_id, now_ms)
        call_a_person(tx, [row_id], now_ms)
    if _ORDER.index(word) <= _ORDER.index(before):
        return False
    tx.raw.execute("UPDATE outbox SET receipt = ? WHERE id = ?", (word, row_id))
    return True
