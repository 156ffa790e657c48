"""The tables of the office: staff and their sessions, audit, versions of the scripts, leases, marks, promises, results of instruments."""

from sqlalchemy import DDL, BigInteger, Column, ForeignKey, Index, LargeBinary, Table, Text, UniqueConstraint, event

from bot.store.audit_ddl import AUDIT_DDL
from bot.store.columns import Serial, at, count, metadata, only

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
    at("created_at", required=True),
    at("disabled_at"),
)

staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("staff_id", Text, ForeignKey("staff.id"), nullable=False, index=True),
    Column("csrf", Text, nullable=False),
    Column("stage", Text, nullable=False, server_default="full"),  # full; code: the password was right; locked
    Column("agent", Text, nullable=False, server_default=""),  # browser and system, words of a closed list
    at("created_at", required=True),
    at("seen_at", required=True),
    at("expires_at", required=True),
)

#: On which browsers an account was signed in to: these have a lane of their own at the door.
staff_devices = Table(
    "staff_devices",
    metadata,
    Column("token_hash", Text, primary_key=True),  # of the browser; each account that was in has a row of its own
    Column("staff_id", Text, ForeignKey("staff.id"), primary_key=True, index=True),
    Column("agent", Text, nullable=False, server_default=""),  # browser and system, words of a closed list
    at("created_at", required=True),
    at("seen_at", required=True),
    at("expires_at", required=True),
)

#: The second factor of an account: the secret shared with her authenticator, and up to which step it was used.
staff_factors = Table(
    "staff_factors",
    metadata,
    Column("staff_id", Text, ForeignKey("staff.id"), primary_key=True),
    Column("sealed_secret", LargeBinary, nullable=False),  # under the wrapping key, bound to the account
    Column("last_step", BigInteger, nullable=False),
    at("created_at", required=True),
    at("confirmed_at"),
)

staff_recovery = Table(
    "staff_recovery",
    metadata,
    Column("code_hash", Text, primary_key=True),
    Column("staff_id", Text, ForeignKey("staff.id"), nullable=False, index=True),
    at("created_at", required=True),
    at("used_at"),
)

staff_codes = Table(
    "staff_codes",
    metadata,
    Column("code_hash", Text, primary_key=True),
    Column("purpose", Text, nullable=False),  # first_admin, invite, staffbot
    Column("staff_id", Text),
    at("expires_at", required=True),
    at("used_at"),
)

shifts = Table(
    "shifts",
    metadata,
    Column("staff_id", Text, primary_key=True),
    at("started_at", required=True),
    at("seen_at", required=True),  # renewed by the console's open stream
)

audit = Table(
    "audit",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("target_id", Text, nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    at("at", required=True),
    Column("seq", BigInteger, nullable=False, unique=True),  # the row's place in the chain (bot.store.audit)
    Column("prev", Text, nullable=False),  # the digest before it
    Column("mac", Text, nullable=False),
    Index("audit_target", "target", "target_id", "id"),
    sqlite_autoincrement=True,
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("name", Text, primary_key=True),  # one row: writers of the audit queue at it
    Column("seq", BigInteger, nullable=False),
    Column("mac", Text, nullable=False),
)
for _dialect, _statements in AUDIT_DDL.items():
    for _statement in _statements:
        _trigger: DDL = DDL(_statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
        event.listen(audit, "after_create", _trigger.execute_if(dialect=_dialect))

versions = Table(
    "versions",
    metadata,
    Column("id", Text, primary_key=True),  # hash of the compiled bundle
    Column("compiled", LargeBinary, nullable=False),
    Column("sources", LargeBinary, nullable=False),  # the YAML files it was made from, for diff and rollback
    at("created_at", required=True),
)

publications = Table(
    "publications",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),  # the newest row is what new sessions run on
    Column("version", Text, ForeignKey("versions.id"), nullable=False),
    Column("action", Text, nullable=False),  # publish, rollback, install
    Column("by", Text, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    at("at", required=True),
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
    Column("reason", Text, nullable=False, server_default=""),  # of the decision
    at("created_at", required=True),
    at("decided_at"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    at("lease_until", required=True),
)

beats = Table(
    "beats",
    metadata,
    Column("name", Text, primary_key=True),  # a loop: worker, timers, sender:telegram, …
    at("at", required=True),  # when it last said that it lives
    Column("detail", Text, nullable=False),  # JSON object of codes and numbers
)

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
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
    at("at", required=True),
)

#: Every promise of the clock but a question's own wait (that stands on its session) and a lease (on its case).
due = Table(
    "due",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    #: overflow, word, follow_up, no_answer, erase, retention, resume_code (bot.due)
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),  # what it is about: a case, a contact, another promise
    Column("step", Text, nullable=False),  # which step of the plan; fires once
    Column("contact_id", Text, nullable=False, server_default=""),
    Column("detail", Text, nullable=False, server_default="{}"),  # JSON, codes only
    Column("state", Text, nullable=False),  # planned, fired, dropped
    count("attempts"),
    at("planned_at", required=True),
    at("due_at", required=True),
    at("fired_at"),
    UniqueConstraint("kind", "subject", "step"),
    Index("due_next", "due_at", **only("state = 'planned'")),
    Index("due_contact", "contact_id", "kind"),
    sqlite_autoincrement=True,
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
    at("at", required=True),
)
