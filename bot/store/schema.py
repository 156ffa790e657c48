"""Every table, once. Migrations are made from this; nothing else creates a table.

Times are integers: milliseconds since 1970 in UTC, columns ending in `_at` or `lease_until`. Ids are opaque text
except where order matters (autoincrement). Columns named `sealed_*` hold AES-GCM ciphertext under the contact's own
data key (bot.store.crypto); destroying `contacts.wrapped_key` makes all of them unreadable for ever.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

#: SQLite numbers rows only in an INTEGER primary key; PostgreSQL wants BIGINT there.
_Serial = BigInteger().with_variant(Integer, "sqlite")


def _at(name: str, *, required: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=not required)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


contacts = Table(
    "contacts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("wrapped_key", LargeBinary),  # null after erasure: nothing of hers can be read again
    Column("key_id", Text, nullable=False),
    Column("language", Text, nullable=False, server_default="fa"),
    _count("last_visit"),
    _at("created_at", required=True),
    _at("seen_at", required=True),
    _at("opted_out_at"),
    _at("erase_due_at"),  # she asked to be erased; done once the farewell is out and no case needs her
    _at("left_at"),  # quick exit: nothing proactive until she writes again
    _at("erased_at"),
    Column("sealed_safe_contact", LargeBinary),
    Index("contact_to_erase", "erase_due_at", sqlite_where=text("erase_due_at IS NOT NULL")),
)

addresses = Table(
    "addresses",
    metadata,
    Column("id", Text, primary_key=True),
    Column("contact_id", Text, ForeignKey("contacts.id"), nullable=False, index=True),
    Column("channel", Text, nullable=False),
    Column("address_index", Text, nullable=False),  # keyed hash: equality only
    Column("sealed_external_id", LargeBinary),
    _at("created_at", required=True),
    _at("unreachable_at"),
    UniqueConstraint("channel", "address_index"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("channel", Text, nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("contact_id", Text, nullable=False),
    Column("address_id", Text),
    Column("kind", Text, nullable=False),
    Column("sealed_input", LargeBinary),
    Column("sealed_raw", LargeBinary),
    _at("received_at", required=True),
    Column("state", Text, nullable=False),  # waiting, done, quarantined
    _count("attempts"),
    _at("due_at", required=True),
    _at("done_at"),
    Column("error", Text),
    UniqueConstraint("channel", "provider_id"),
    Index("inbox_waiting", "due_at", sqlite_where=text("state = 'waiting'")),
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
    _count("turns"),
    _at("started_at", required=True),
    _at("updated_at", required=True),
    _at("ended_at"),
    _at("silence_at"),
    Column("silence_visit", Integer),
    _at("not_taken_at"),
    Column("not_taken_visit", Integer),
    Index(
        "session_live",
        "contact_id",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
    ),
    Index("session_contact", "contact_id", "started_at"),
    Index("session_silence", "silence_at", sqlite_where=text("silence_at IS NOT NULL")),
    Index("session_not_taken", "not_taken_at", sqlite_where=text("not_taken_at IS NOT NULL")),
)

turns = Table(
    "turns",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("session_id", Text, nullable=False, index=True),
    Column("contact_id", Text, nullable=False),
    Column("inbox_id", _Serial, nullable=False, unique=True),
    Column("version", Text, nullable=False),
    Column("lexicon", Text, nullable=False),
    Column("sealed_events", LargeBinary),
    _at("at", required=True),
    Index("turn_contact", "contact_id", "id"),
    sqlite_autoincrement=True,
)

messages = Table(
    "messages",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("contact_id", Text, nullable=False),
    Column("session_id", Text),
    Column("author", Text, nullable=False),  # contact, bot, staff
    Column("staff_id", Text),
    Column("sealed_body", LargeBinary),
    Column("outbox_key", Text),
    _at("at", required=True),
    _at("hidden_at"),
    Index("message_contact", "contact_id", "id"),
    sqlite_autoincrement=True,
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False, unique=True),
    Column("contact_id", Text, nullable=False),
    Column("address_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("kind", Text, nullable=False),  # reply, live, proactive
    Column("urgent", Integer, nullable=False, server_default=text("0")),
    Column("sealed_body", LargeBinary),
    Column("state", Text, nullable=False),  # queued, sending, sent, failed, expired, unknown
    _count("attempts"),
    _at("created_at", required=True),
    _at("due_at", required=True),
    _at("expires_at", required=True),
    _at("lease_until"),
    Column("lease_by", Text),
    Column("provider_message_id", Text),
    Column("receipt", Text),  # sent, delivered, read, failed; only moves forward
    _at("sent_at"),
    Column("error", Text),
    Index(
        "outbox_due",
        "channel",
        "urgent",
        "due_at",
        sqlite_where=text("state IN ('queued', 'sending')"),
    ),
    Index("outbox_contact", "contact_id", "id"),
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
    _count("child"),
    _count("covert"),
    _count("do_not_contact"),
    Column("province", Text, nullable=False, server_default=""),
    Column("desk", Text, nullable=False),
    Column("state", Text, nullable=False),  # queued, claimed, waiting, closed
    Column("holder", Text),
    _count("token"),  # rises with each claim and guards each write of the holder
    _at("lease_until"),
    _at("opened_at", required=True),
    _at("queued_at", required=True),  # waiting time counts from here
    _at("changed_at", required=True),
    _at("first_claimed_at"),
    _at("next_action_at"),
    _at("unreachable_at"),
    _at("closed_at"),
    Column("outcome", Text),
    Column("sealed_summary", LargeBinary),
    Index(
        "case_open_one",
        "contact_id",
        unique=True,
        sqlite_where=text("state <> 'closed'"),
    ),
    Index("case_queue", "state", "tier", "queued_at"),
    Index("case_contact", "contact_id", "opened_at"),
)

case_events = Table(
    "case_events",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),  # the console's feed number
    Column("case_id", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("data", Text, nullable=False, server_default="{}"),  # JSON, never content
    _at("at", required=True),
    sqlite_autoincrement=True,
)

case_notes = Table(
    "case_notes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, nullable=False, index=True),
    Column("staff_id", Text, nullable=False),
    Column("sealed_body", LargeBinary),
    _at("at", required=True),
)

consents = Table(
    "consents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("contact_id", Text, nullable=False, index=True),
    Column("purpose", Text, nullable=False),
    Column("given", Integer, nullable=False),
    Column("text_hash", Text, nullable=False),
    _at("at", required=True),
)

assessments = Table(
    "assessments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("contact_id", Text, nullable=False, index=True),
    Column("session_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("sealed_result", LargeBinary),  # band, points, items or reasons
    _at("at", required=True),
)

referrals = Table(
    "referrals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("contact_id", Text, nullable=False, index=True),
    Column("session_id", Text, nullable=False),
    Column("to_type", Text, nullable=False),
    Column("near", Text, nullable=False, server_default=""),
    Column("state", Text, nullable=False),
    _at("at", required=True),
)

follow_ups = Table(
    "follow_ups",
    metadata,
    Column("id", Text, primary_key=True),
    Column("contact_id", Text, nullable=False, index=True),
    Column("flow", Text, nullable=False),
    Column("if_silent", Text),
    Column("state", Text, nullable=False),  # planned, fired, dropped
    _at("due_at", required=True),
    _at("created_at", required=True),
    Index("follow_up_due", "state", "due_at"),
)

staff = Table(
    "staff",
    metadata,
    Column("id", Text, primary_key=True),
    Column("username", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False, server_default=""),
    Column("roles", Text, nullable=False),  # JSON list
    Column("province", Text, nullable=False, server_default=""),  # empty: the national desk
    Column("staffbot_chat", Text, unique=True),
    _at("created_at", required=True),
    _at("disabled_at"),
)

staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("staff_id", Text, ForeignKey("staff.id"), nullable=False, index=True),
    Column("csrf", Text, nullable=False),
    _at("created_at", required=True),
    _at("seen_at", required=True),
    _at("expires_at", required=True),
)

staff_codes = Table(
    "staff_codes",
    metadata,
    Column("code_hash", Text, primary_key=True),
    Column("purpose", Text, nullable=False),  # first_admin, invite, staffbot
    Column("staff_id", Text),
    _at("expires_at", required=True),
    _at("used_at"),
)

shifts = Table(
    "shifts",
    metadata,
    Column("staff_id", Text, primary_key=True),
    _at("started_at", required=True),
    _at("seen_at", required=True),  # renewed by the console's open stream
)

audit = Table(
    "audit",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("target_id", Text, nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    _at("at", required=True),
    sqlite_autoincrement=True,
)

versions = Table(
    "versions",
    metadata,
    Column("id", Text, primary_key=True),  # hash of the compiled bundle
    Column("compiled", LargeBinary, nullable=False),
    Column("sources", LargeBinary, nullable=False),  # the YAML files it was made from, for diff and rollback
    _at("created_at", required=True),
)

publications = Table(
    "publications",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),  # the newest row is what new sessions run on
    Column("version", Text, ForeignKey("versions.id"), nullable=False),
    Column("action", Text, nullable=False),  # publish, rollback, install
    Column("by", Text, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    _at("at", required=True),
    sqlite_autoincrement=True,
)

publish_requests = Table(
    "publish_requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Text, ForeignKey("versions.id"), nullable=False),
    Column("author", Text, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    Column("state", Text, nullable=False),  # open, published, refused, withdrawn
    Column("decided_by", Text),
    _at("created_at", required=True),
    _at("decided_at"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    _at("lease_until", required=True),
)

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
