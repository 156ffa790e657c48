"""One transaction a batch of turns: every event becomes rows, the rows are written table by table.

`EventMapper` functions are pure: they take an event and the turn's context and append rows. Which event has which
mapper is one visible dict in bot.app. Nothing here sends, waits or decides; what is not in the dict is kept in the
turn's own record and moves nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.core.events import Event, event_to_json
from bot.core.fault import fault
from bot.core.ids import IdSource
from bot.due import PLAN
from bot.engine.session import Session
from bot.store.crypto import DataKey
from bot.store.database import Tx
from bot.store.vault import seal

Row = dict[str, Any]


def _insert(table: str, columns: str) -> str:
    names = columns.split()
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(':' + name for name in names)})"  # noqa: S608


def _upsert(table: str, columns: str, conflict: str, keep: str = "", where: str = "") -> str:
    names = columns.split()
    fixed = {*conflict.split(", "), *keep.split()}
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in fixed)
    return f"{_insert(table, columns)} ON CONFLICT ({conflict}) {where} DO UPDATE SET {changes}"


#: Every statement a turn may write with, in the order they are written: what is referred to comes first.
STATEMENTS: dict[str, str] = {
    "contact_new": _insert("contacts", "id wrapped_key key_id language created_at seen_at"),
    "address_retired": "UPDATE addresses SET address_index = 'damaged:' || id WHERE id = :id",
    "address_new": _insert("addresses", "id contact_id channel address_index sealed_external_id created_at"),
    "contact_seen": "UPDATE contacts SET seen_at = :seen_at, left_at = :left_at, language = :language WHERE id = :id",
    "contact_opted_out": "UPDATE contacts SET opted_out_at = :at WHERE id = :id",
    "contact_safe": "UPDATE contacts SET sealed_safe_contact = :sealed WHERE id = :id",
    "contact_erase": "UPDATE contacts SET erase_due_at = :at WHERE id = :id",
    "inbox_new": _insert(
        "inbox",
        "id channel provider_id contact_id address_id kind sealed_input sealed_raw received_at sent_at state attempts"
        " due_at done_at error",
    ),
    "inbox_done": "UPDATE inbox SET state = :state, done_at = :done_at, error = :error, attempts = :attempts,"
    " due_at = :due_at WHERE id = :id",
    "session_left": "UPDATE sessions SET ended_at = :at, silence_at = NULL, not_taken_at = NULL WHERE id = :id",
    "session_save": _upsert(
        "sessions",
        "id contact_id address_id version status tier sealed_state turns started_at updated_at ended_at silence_at"
        " silence_visit not_taken_at not_taken_visit",
        "id",
        "contact_id started_at",
    ),
    "turn_new": _insert("turns", "session_id contact_id inbox_id version lexicon sealed_events at"),
    "message_new": _insert("messages", "contact_id session_id author staff_id sealed_body outbox_key at"),
    "messages_hidden": "UPDATE messages SET hidden_at = :at WHERE contact_id = :contact_id AND hidden_at IS NULL",
    "outbox_held_back": "UPDATE outbox SET state = 'expired', error = :why WHERE contact_id = :contact_id"
    " AND state = 'queued' AND kind = 'proactive'",
    "outbox_new": _insert(
        "outbox",
        "key contact_id address_id channel kind urgent sealed_body state attempts created_at due_at expires_at",
    ),
    "case_open": _upsert(
        "cases",
        "id code contact_id session_id channel language tier kinds cause child covert do_not_contact province desk"
        " state token opened_at queued_at changed_at sealed_summary",
        "contact_id",
        "id code session_id channel language cause state token opened_at queued_at",
        "WHERE state <> 'closed'",
    ),
    "case_raise": "UPDATE cases SET tier = min(tier, :tier), kinds = :kinds, child = :child, covert = :covert,"
    " do_not_contact = :do_not_contact, province = :province, desk = :desk, changed_at = :changed_at,"
    " sealed_summary = :sealed_summary WHERE id = :id",
    "case_wake": "UPDATE cases SET state = 'queued', queued_at = :now, next_action_at = NULL"
    " WHERE id = :id AND state = 'waiting'",
    "case_event_new": _insert("case_events", "case_id kind actor data at"),
    "consent_new": _insert("consents", "id contact_id purpose given text_hash at"),
    "assessment_new": _insert("assessments", "id contact_id session_id name version sealed_result at"),
    "referral_new": _insert("referrals", "id contact_id session_id to_type near state at"),
    "due_plan": PLAN,
    "no_answer_dropped": "UPDATE due SET state = 'dropped' WHERE contact_id = :contact_id AND kind = 'no_answer'"
    " AND state = 'planned'",
    "follow_ups_dropped": "UPDATE due SET state = 'dropped' WHERE contact_id = :contact_id AND kind = 'follow_up'"
    " AND state = 'planned'",
}


class Rows:
    """Rows that wait to be written, by statement."""

    __slots__ = ("by_statement", "topics")

    def __init__(self) -> None:
        self.by_statement: dict[str, list[Row]] = {}
        self.topics: set[str] = set()

    def add(self, statement: str, row: Row) -> None:
        """Append one row for a statement of STATEMENTS."""
        rows = self.by_statement.get(statement)
        if rows is None:
            self.by_statement[statement] = [row]
        else:
            rows.append(row)

    def merge(self, other: "Rows") -> None:
        """Take over another's rows, after one's own."""
        for statement, rows in other.by_statement.items():
            mine = self.by_statement.get(statement)
            if mine is None:
                self.by_statement[statement] = rows
            else:
                mine.extend(rows)
        self.topics |= other.topics

    def written(self, tx: Tx) -> "Rows":
        """Write everything now and give a fresh set that still remembers whom to wake."""
        self.write(tx)
        fresh = Rows()
        fresh.topics = self.topics
        return fresh

    def write(self, tx: Tx) -> None:
        """Write everything, table by table."""
        for statement, sql in STATEMENTS.items():
            rows = self.by_statement.get(statement)
            if rows:
                tx.many(sql, rows)
        fault("E3")


@dataclass(slots=True)
class TurnContext:
    """What a mapper may know of its turn. `open_case` is escalation's own snapshot, opaque here."""

    contact_id: str
    address_id: str
    channel: str
    language: str
    session_id: str
    started_at: int
    session: Session
    key: DataKey
    now_ms: int
    inbox_id: int
    ids: IdSource
    case_id: str
    open_case: Any = None
    outbox_seq: int = 0
    timers: dict[str, tuple[int, int]] = field(default_factory=dict)
    replies: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    ended: bool = False
    left: bool = False

    def seal(self, place: str, content: Any) -> bytes:
        """Seal plain data under the contact's key."""
        return seal(self.key, place, content)


EventMapper = Callable[[Any, TurnContext, Rows], None]
EventMappers = Mapping[type[Event], EventMapper]


def map_events(events: list[Event], context: TurnContext, rows: Rows, mappers: EventMappers) -> None:
    """Turn each event into rows, in order; an event without a mapper moves nothing."""
    for event in events:
        mapper = mappers.get(type(event))
        if mapper is not None:
            mapper(event, context, rows)


def turn_row(events: list[Event], context: TurnContext, lexicon: str) -> Row:
    """Give the turn's own record: everything that happened, sealed."""
    return {
        "session_id": context.session_id,
        "contact_id": context.contact_id,
        "inbox_id": context.inbox_id,
        "version": context.session.version,
        "lexicon": lexicon,
        "sealed_events": context.seal("turns.events", [event_to_json(event) for event in events]),
        "at": context.now_ms,
    }
