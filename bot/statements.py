"""Every statement a turn may write with. Rows are inserted many at a time: one step of SQLite a table and batch.

A long step lets go of the interpreter once instead of once a row, so that the door goes on reading meanwhile.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any

from bot.due import PLAN
from bot.store.database import Tx

Row = dict[str, Any]

#: Rows of one INSERT, largest first; few sizes, so that SQLite keeps them all prepared.
_SIZES = (64, 16, 4, 1)


class Insert:
    """An INSERT of named columns, for any number of rows; `ending` is its ON CONFLICT.

    One that fails fails its whole write, which goes back to a savepoint or to nothing. So SQLite is told (OR FAIL) not
    to keep each page as it was for taking back the one statement.
    """

    def __init__(self, table: str, columns: str, ending: str = "") -> None:
        self.names = tuple(columns.split())
        self._head = f"INSERT OR FAIL INTO {table} ({', '.join(self.names)}) VALUES "  # noqa: S608 - our own names
        self._marks = f"({', '.join('?' * len(self.names))})"
        self._ending = ending
        self._values = itemgetter(*self.names)
        self._sql = lru_cache(maxsize=None)(self._text)

    def write(self, tx: Tx, rows: Sequence[Row]) -> None:
        """Insert the rows in their order."""
        at = 0
        for size in _SIZES:
            while len(rows) - at >= size:
                values = chain.from_iterable(map(self._values, rows[at : at + size]))
                tx.insert(self._sql(size), tuple(values))
                at += size

    def _text(self, count: int) -> str:
        return f"{self._head}{', '.join([self._marks] * count)} {self._ending}"


class Update:
    """Any other statement, run once a row."""

    def __init__(self, sql: str) -> None:
        self._sql = sql

    def write(self, tx: Tx, rows: Sequence[Row]) -> None:
        """Run it for each row, in their order."""
        tx.many(self._sql, rows)


def _upsert(table: str, columns: str, conflict: str, keep: str = "", where: str = "", *, least: str = "") -> Insert:
    fixed = {*conflict.split(", "), *keep.split()}
    changes = ", ".join(
        f"{name} = min({table}.{name}, excluded.{name})" if name in least.split() else f"{name} = excluded.{name}"
        for name in columns.split()
        if name not in fixed
    )
    return Insert(table, columns, f"ON CONFLICT ({conflict}) {where} DO UPDATE SET {changes}")


#: Every statement a turn may write with, in the order they are written: what is referred to comes first.
STATEMENTS: dict[str, Insert | Update] = {
    "contact_new": Insert("contacts", "id wrapped_key key_id language created_at seen_at"),
    "address_retired": Update("UPDATE addresses SET address_index = 'damaged:' || id WHERE id = :id"),
    "address_new": Insert("addresses", "id contact_id channel address_index sealed_external_id created_at"),
    "address_moved": Update(
        "UPDATE addresses SET contact_id = :contact_id, sealed_external_id = :sealed WHERE id = :id"
    ),
    "contact_seen": Update(
        "UPDATE contacts SET seen_at = :seen_at, left_at = :left_at, language = :language WHERE id = :id"
    ),
    "contact_opted_out": Update("UPDATE contacts SET opted_out_at = :at WHERE id = :id"),
    "contact_erase": Update("UPDATE contacts SET erase_due_at = :at WHERE id = :id"),
    "contact_safe": Update("UPDATE contacts SET sealed_safe_contact = :sealed WHERE id = :id"),
    "inbox_new": Insert(
        "inbox",
        "id channel provider_id contact_id address_id kind sealed_input sealed_raw received_at sent_at state attempts"
        " due_at done_at error overtakes",
    ),
    "inbox_done": Update(
        "UPDATE inbox SET state = :state, done_at = :done_at, error = :error, attempts = :attempts,"
        " due_at = :due_at WHERE id = :id"
    ),
    "session_left": Update("UPDATE sessions SET ended_at = :at, silence_at = NULL, not_taken_at = NULL WHERE id = :id"),
    "session_save": _upsert(
        "sessions",
        "id contact_id address_id version status tier sealed_state turns started_at updated_at ended_at silence_at"
        " silence_visit not_taken_at not_taken_visit",
        "id",
        "contact_id started_at",
    ),
    "turn_new": Insert("turns", "session_id contact_id inbox_id version lexicon sealed_events at"),
    "message_new": Insert("messages", "contact_id session_id author staff_id sealed_body outbox_key at"),
    "messages_hidden": Update(
        "UPDATE messages SET hidden_at = :at WHERE contact_id = :contact_id AND hidden_at IS NULL"
    ),
    "case_open": _upsert(
        "cases",
        "id code contact_id session_id channel language tier kinds cause child covert do_not_contact province desk"
        " state token opened_at queued_at changed_at sealed_summary",
        "contact_id",
        "id code session_id channel language cause state token opened_at queued_at",
        "WHERE state <> 'closed'",
        least="tier",  # only a person lowers a case (I8)
    ),
    "case_raise": Update(
        "UPDATE cases SET tier = min(tier, :tier), kinds = :kinds, child = :child, covert = :covert,"
        " do_not_contact = :do_not_contact, province = :province, desk = :desk, changed_at = :changed_at,"
        " sealed_summary = :sealed_summary WHERE id = :id"
    ),
    "case_wake": Update(
        "UPDATE cases SET state = 'queued', queued_at = :now, next_action_at = NULL"
        " WHERE id = :id AND state = 'waiting'"
    ),
    "case_event_new": Insert("case_events", "case_id kind actor data at"),
    "consent_new": Insert("consents", "id contact_id purpose given text_hash at"),
    "assessment_new": Insert("assessments", "id contact_id session_id name version sealed_result at"),
    "referral_new": Insert("referrals", "id contact_id session_id to_type near state at"),
    "due_plan": Update(PLAN),
    "no_answer_dropped": Update(
        "UPDATE due SET state = 'dropped' WHERE contact_id = :contact_id AND kind = 'no_answer' AND state = 'planned'"
    ),
    "follow_ups_dropped": Update(
        "UPDATE due SET state = 'dropped' WHERE contact_id = :contact_id AND kind = 'follow_up' AND state = 'planned'"
    ),
    "codes_dropped": Update(
        "UPDATE due SET state = 'dropped' WHERE contact_id = :contact_id AND kind = 'resume_code' AND state = 'planned'"
    ),
    "code_new": Update(PLAN),
    # What waited when she left is closed before the decoy is put in; her case, opened perhaps just now, hears of it.
    "unsaid_new": Update(
        "INSERT INTO case_events (case_id, kind, actor, data, at)"
        " SELECT k.id, 'unsaid', 'outbox', '{\"count\":' || count(*) || ',\"why\":\"' || :why || '\"}', :at"
        " FROM cases k JOIN outbox o ON o.contact_id = k.contact_id"
        " WHERE k.contact_id = :contact_id AND k.state <> 'closed' AND o.state IN ('queued', 'sending')"
        " AND o.state = 'queued' GROUP BY k.id"
    ),
    "outbox_left": Update(  # what is under way cannot be called back, but it is not tried again
        "UPDATE outbox SET error = CASE state WHEN 'queued' THEN :why ELSE error END,"
        " state = CASE state WHEN 'queued' THEN 'expired' ELSE state END, expires_at = min(expires_at, :at)"
        " WHERE contact_id = :contact_id AND state IN ('queued', 'sending')"
    ),
    "outbox_held_back": Update(
        "UPDATE outbox SET state = 'expired', error = :why WHERE contact_id = :contact_id"
        " AND state IN ('queued', 'sending') AND state = 'queued' AND kind = 'proactive'"
    ),
    "outbox_new": Insert(
        "outbox",
        "key contact_id address_id channel kind urgent sealed_body state attempts created_at due_at expires_at",
    ),
}
