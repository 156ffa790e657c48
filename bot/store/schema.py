"""Every table of people, talks and cases, once. Migrations are made from this; nothing else creates a table.

Times are integers: milliseconds since 1970 in UTC, columns ending in `_at` or `lease_until`. Ids are opaque text
except where order matters (autoincrement). Columns named `sealed_*` hold AES-GCM ciphertext under the contact's own
data key (bot.store.crypto); destroying `contacts.wrapped_key` makes all of them unreadable for ever. The tables of
the office (staff, audit, versions of the scripts, referrals, promises) are in bot.store.schema_office.
"""

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from bot.store.columns import Serial, at, count, metadata, only
from bot.store.schema_office import (  # one name for every table: `schema.<table>`
    assessments,
    audit,
    audit_head,
    beats,
    due,
    leases,
    meta,
    publications,
    publish_requests,
    referrals,
    shifts,
    staff,
    staff_codes,
    staff_devices,
    staff_factors,
    staff_recovery,
    staff_sessions,
    versions,
)

__all__ = [
    "addresses",
    "assessments",
    "audit",
    "audit_head",
    "beats",
    "case_events",
    "case_notes",
    "cases",
    "consents",
    "contacts",
    "due",
    "inbox",
    "leases",
    "messages",
    "meta",
    "metadata",
    "outbox",
    "publications",
    "publish_requests",
    "referrals",
    "sessions",
    "shifts",
    "staff",
    "staff_codes",
    "staff_devices",
    "staff_factors",
    "staff_recovery",
    "staff_sessions",
    "turns",
    "versions",
]

contacts = Table(
    "contacts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("wrapped_key", LargeBinary),  # null after erasure: nothing of hers can be read again
    Column("key_id", Text, nullable=False),
    Column("language", Text, nullable=False, server_default="fa"),
    at("created_at", required=True),
    at("seen_at", required=True),
    at("opted_out_at"),
    at("erase_due_at"),  # she asked to be erased: nothing is said unasked any more; a due row carries it out
    at("left_at"),  # quick exit: nothing proactive until she writes again
    at("erased_at"),
    Column("sealed_safe_contact", LargeBinary),
)

addresses = Table(
    "addresses",
    metadata,
    Column("id", Text, primary_key=True),
    Column("contact_id", Text, ForeignKey("contacts.id"), nullable=False, index=True),
    Column("channel", Text, nullable=False),
    Column("address_index", Text, nullable=False),  # keyed hash: equality only
    Column("sealed_external_id", LargeBinary),
    at("created_at", required=True),
    at("unreachable_at"),
    UniqueConstraint("channel", "address_index"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("channel", Text, nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("contact_id", Text, nullable=False),
    Column("address_id", Text),
    Column("kind", Text, nullable=False),
    Column("sealed_input", LargeBinary),
    Column("sealed_raw", LargeBinary),
    at("received_at", required=True),
    at("sent_at"),  # the provider's own date of it
    Column("state", Text, nullable=False),  # waiting, done, quarantined
    count("attempts"),
    at("due_at", required=True),
    at("done_at"),
    Column("error", Text),
    count("overtakes"),  # 1: danger or leaving in a hurry, it does not wait behind what failed
    UniqueConstraint("channel", "provider_id"),
    Index("inbox_waiting", "due_at", **only("state = 'waiting'")),
    Index("inbox_contact", "contact_id", "id"),
    sqlite_autoincrement=True,
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("contact_id", Text, nullable=False),
    Column("address_id", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("tier", Text),
    Column("sealed_state", LargeBinary),
    count("turns"),
    at("started_at", required=True),
    at("updated_at", required=True),
    at("ended_at"),
    at("silence_at"),
    Column("silence_visit", Integer),
    at("not_taken_at"),
    Column("not_taken_visit", Integer),
    Index(
        "session_live",
        "contact_id",
        unique=True,
        **only("ended_at IS NULL"),
    ),
    Index("session_contact", "contact_id", "started_at"),
    Index("session_silence", "silence_at", **only("silence_at IS NOT NULL")),
    Index("session_not_taken", "not_taken_at", **only("not_taken_at IS NOT NULL")),
)

turns = Table(
    "turns",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("session_id", Text, nullable=False),
    Column("contact_id", Text, nullable=False),
    Column("inbox_id", Serial, nullable=False, unique=True),
    Column("version", Text, nullable=False),
    Column("lexicon", Text, nullable=False),
    Column("sealed_events", LargeBinary),
    at("at", required=True),
    Index("turn_contact", "contact_id", "id"),
    sqlite_autoincrement=True,
)

messages = Table(
    "messages",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("contact_id", Text, nullable=False),
    Column("session_id", Text),
    Column("author", Text, nullable=False),  # contact, bot, staff
    Column("staff_id", Text),
    Column("sealed_body", LargeBinary),
    Column("outbox_key", Text),
    at("at", required=True),
    at("hidden_at"),
    Index("message_contact", "contact_id", "id"),
    sqlite_autoincrement=True,
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False, unique=True),
    Column("contact_id", Text, nullable=False),
    Column("address_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("kind", Text, nullable=False),  # reply, live, proactive
    Column("urgent", Integer, nullable=False, server_default=text("0")),
    Column("sealed_body", LargeBinary),
    Column("state", Text, nullable=False),  # queued, sending, sent, failed, expired, unknown
    count("attempts"),
    at("created_at", required=True),
    at("due_at", required=True),
    at("expires_at", required=True),
    at("lease_until"),
    Column("lease_by", Text),
    Column("provider_message_id", Text),
    Column("receipt", Text),  # sent, delivered, read, failed; only moves forward
    at("sent_at"),
    Column("error", Text),
    Index(
        "outbox_due",
        "channel",
        "urgent",
        "due_at",
        **only("state IN ('queued', 'sending')"),
    ),
    Index("outbox_contact", "contact_id", "id"),
    Index("outbox_open", "contact_id", "id", **only("state IN ('queued', 'sending')")),
    sqlite_autoincrement=True,
)

cases = Table(
    "cases",
    metadata,
    Column("id", Text, primary_key=True),
    Column("code", Text, nullable=False, index=True),
    Column("contact_id", Text, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("language", Text, nullable=False, server_default="fa"),
    Column("tier", Text, nullable=False),
    Column("kinds", Text, nullable=False),  # JSON list of codes
    Column("cause", Text, nullable=False),
    count("child"),
    count("covert"),
    count("do_not_contact"),
    Column("province", Text, nullable=False, server_default=""),
    Column("desk", Text, nullable=False),
    Column("state", Text, nullable=False),  # queued, claimed, waiting, closed
    Column("holder", Text),
    count("token"),  # rises with each claim and guards each write of the holder
    at("lease_until"),
    at("opened_at", required=True),
    at("queued_at", required=True),  # waiting time counts from here
    at("changed_at", required=True),
    at("first_claimed_at"),
    at("next_action_at"),
    at("unreachable_at"),
    at("closed_at"),
    Column("outcome", Text),
    Column("sealed_summary", LargeBinary),
    Index(
        "case_open_one",
        "contact_id",
        unique=True,
        **only("state <> 'closed'"),
    ),
    Index("case_queue", "state", "tier", "queued_at"),
    Index("case_contact", "contact_id", "opened_at"),
)

case_events = Table(
    "case_events",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),  # the console's feed number
    Column("case_id", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("data", Text, nullable=False, server_default="{}"),  # JSON, never content
    at("at", required=True),
    sqlite_autoincrement=True,
)

case_notes = Table(
    "case_notes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, nullable=False, index=True),
    Column("staff_id", Text, nullable=False),
    Column("sealed_body", LargeBinary),
    at("at", required=True),
)

consents = Table(
    "consents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("contact_id", Text, nullable=False, index=True),
    Column("purpose", Text, nullable=False),
    Column("given", Integer, nullable=False),
    Column("text_hash", Text, nullable=False),
    at("at", required=True),
)
