"""The roles, grants and policies of the wall between provinces (bot.store.walls). PostgreSQL only.

The role that owns the tables (turns, senders, the alert loop) passes every policy. `panah_desk` reads no password, no
sign-in and no second factor. A revision that adds a table of cases or contacts adds it here, or the desk cannot read it.
"""

from sqlalchemy import Connection

from bot.store.trouble import StoreUnwritableError

ROLES = ("panah_desk", "panah_lists")


def _set(name: str) -> str:
    return f"(SELECT nullif(current_setting('panah.{name}', true), ''))"


_CASE_SEEN = (
    f"{_set('all')} = 'yes' OR desk = {_set('desk')} OR contact_id = {_set('contact')}"
    f" OR (state = 'claimed' AND holder = {_set('staff')})"
    f" OR (state = 'queued' AND desk = ANY (string_to_array({_set('near')}, ','))"
    f" AND queued_at <= CAST(CAST({_set('late')} AS json) ->> tier AS bigint))"
)
_BY_CASE = "EXISTS (SELECT 1 FROM cases AS seen WHERE seen.id = {table}.case_id)"
_BY_CONTACT = "EXISTS (SELECT 1 FROM cases AS seen WHERE seen.contact_id = {table}.{column})"
_OF_CASE = ("case_events", "case_notes")
_OF_CONTACT = (
    "addresses",
    "assessments",
    "consents",
    "due",
    "inbox",
    "messages",
    "outbox",
    "referrals",
    "sessions",
    "turns",
)

#: Every table that is behind the wall, and what of it is in sight.
POLICIES: dict[str, str] = {
    "cases": _CASE_SEEN,
    "contacts": _BY_CONTACT.format(table="contacts", column="id"),
    **{table: _BY_CASE.format(table=table) for table in _OF_CASE},
    **{table: _BY_CONTACT.format(table=table, column="contact_id") for table in _OF_CONTACT},
}
_CODES = "id, code, contact_id, tier, desk, state, holder, queued_at, opened_at"
_GRANTS = (
    "SELECT, UPDATE ON cases",
    "SELECT, INSERT ON assessments, case_events, case_notes, referrals, messages, outbox, inbox, audit",
    "SELECT ON addresses, consents, contacts, sessions, turns, meta",
    "UPDATE (sealed_safe_contact) ON contacts",
    "SELECT, INSERT, UPDATE ON due, audit_head",
    "SELECT, INSERT, UPDATE, DELETE ON shifts",
    "SELECT (id, username, name, roles, province, disabled_at) ON staff",
    "USAGE ON ALL SEQUENCES IN SCHEMA {schema}",
    "USAGE ON SCHEMA {schema}",
)
_LIST_GRANTS = (f"SELECT ({_CODES}) ON cases", "SELECT ON case_events", "USAGE ON SCHEMA {schema}")
_CREATE = (
    "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}') THEN CREATE ROLE {role} NOLOGIN; END IF;"
    " IF NOT pg_has_role(current_user, '{role}', 'MEMBER') THEN GRANT {role} TO CURRENT_USER; END IF;"
    " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
)
_MEMBER = (
    "SELECT bool_and(pg_has_role(current_user, rolname, 'MEMBER')) AND count(*) = 2 FROM pg_roles WHERE rolname IN {}"
)
_ASK = (
    "PostgreSQL: its administrator must run once: CREATE ROLE panah_desk NOLOGIN; CREATE ROLE panah_lists NOLOGIN;"
    " GRANT panah_desk, panah_lists TO the user of PANAH_DATABASE"
)


_BREACHES = (
    "SELECT relname FROM pg_class AS t WHERE relnamespace = CAST(current_schema() AS regnamespace) AND relname IN {}"
    " AND (NOT relrowsecurity OR ARRAY(SELECT CAST(polname AS text) FROM pg_policy WHERE polrelid = t.oid)"
    " <> ARRAY['desk_sees']) ORDER BY relname"
)


def breaches(connection: Connection) -> list[str]:
    """Give the tables whose wall is not as it was raised: somebody changed the database by hand."""
    return list(connection.exec_driver_sql(_BREACHES.format(tuple(POLICIES))).scalars())


def raise_walls(connection: Connection) -> None:
    """Make roles, grants and policies; once, behind the tables.

    Raises:
        StoreUnwritableError: we may not make roles, and nobody made them for us.
    """
    ensure_roles(connection)
    schema = connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar_one()
    for role, grants in (("panah_desk", _GRANTS), ("panah_lists", _LIST_GRANTS)):
        for grant in grants:
            connection.exec_driver_sql(f"GRANT {grant.format(schema=schema)} TO {role}")
    for table, seen in POLICIES.items():
        connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        connection.exec_driver_sql(f"CREATE POLICY desk_sees ON {table} TO {', '.join(ROLES)} USING ({seen})")


def ensure_roles(connection: Connection) -> None:
    """Make the two roles, which belong to the server and not to a database, and be allowed to take them on.

    Raises:
        StoreUnwritableError: we may not, and nobody did it for us.
    """
    for role in ROLES:
        for _ in range(2):  # who met another installation's making of the same role finds it made
            connection.exec_driver_sql("SAVEPOINT roles")
            try:
                connection.exec_driver_sql(_CREATE.format(role=role))
            except Exception:  # noqa: BLE001 - whatever it was, what counts is asked below
                connection.exec_driver_sql("ROLLBACK TO roles")
            connection.exec_driver_sql("RELEASE roles")
    if not connection.exec_driver_sql(_MEMBER.format(ROLES)).scalar():
        raise StoreUnwritableError(_ASK)
