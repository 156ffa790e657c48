"""What `panah doctor` asks of the tables: each invariant is one query that counts the rows that break it.

The numbers are those of the design's invariants: I2 every message has its turn, I3 what was given up has a case, I6
and I11 every case is with somebody, waits for somebody, or ended with an outcome.
"""

from collections.abc import Iterator
from datetime import date, datetime

from sqlalchemy import Connection

from bot.commands.doctor_finding import Finding, fail, ok, warn
from bot.core.clock import TEHRAN
from bot.publishing import PublishError, current_version, load_version
from bot.store.crypto import Keyring, UnreadableError

#: How late something may be before it counts, in milliseconds.
LATE_MS = 60_000
_SENDING_LATE_MS = 300_000
_URGENT_MS = 300_000
_DAY_MS = 86_400_000
_BACKUP_DAYS = 2
_LINE_DAYS = 180

#: name, what the counted rows are, and the query. One row more than none fails.
INVARIANTS: tuple[tuple[str, str, str], ...] = (
    (
        "inbox",
        "arrivals wait longer than a minute",
        "SELECT count(*) FROM inbox WHERE state = 'waiting' AND due_at < :late",
    ),
    (
        "turns (I2)",
        "messages are done without their one turn",
        """SELECT count(*) FROM inbox i JOIN contacts c ON c.id = i.contact_id AND c.erased_at IS NULL
        WHERE i.state = 'done' AND i.error IS NULL
        AND i.kind IN ('text', 'press', 'media', 'location', 'contact', 'unreadable')
        AND NOT EXISTS (SELECT 1 FROM turns t WHERE t.inbox_id = i.id)""",
    ),
    (
        "given up (I3)",
        "messages were given up and no case tells a person",
        """SELECT count(*) FROM inbox i JOIN contacts c ON c.id = i.contact_id AND c.erased_at IS NULL
        WHERE i.state = 'quarantined' AND NOT EXISTS (SELECT 1 FROM cases k
        WHERE k.contact_id = i.contact_id AND coalesce(k.closed_at, :now) >= i.done_at)""",
    ),
    (
        "open cases",
        "people have more than one open case",
        "SELECT count(*) FROM (SELECT 1 FROM cases WHERE state <> 'closed' GROUP BY contact_id HAVING count(*) > 1)",
    ),
    (
        "case states (I6)",
        "cases are neither queued, claimed, waiting nor closed with an outcome",
        """SELECT count(*) FROM cases WHERE state NOT IN ('queued', 'claimed', 'waiting', 'closed')
        OR (state = 'closed' AND (outcome IS NULL OR closed_at IS NULL))""",
    ),
    (
        "claims (I11)",
        "claimed cases lost their holder's lease more than a minute ago",
        "SELECT count(*) FROM cases WHERE state = 'claimed' AND (holder IS NULL OR coalesce(lease_until, 0) < :late)",
    ),
    (
        "resting cases",
        "waiting cases have no next action, or one that is overdue",
        "SELECT count(*) FROM cases WHERE state = 'waiting' AND coalesce(next_action_at, 0) < :late",
    ),
    (
        "outbox",
        "messages ought to be out and nobody sends them",
        """SELECT count(*) FROM outbox o WHERE ((o.state = 'queued' AND o.due_at < :sending_late)
        OR (o.state = 'sending' AND coalesce(o.lease_until, 0) < :sending_late))
        AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.contact_id = o.contact_id AND p.id < o.id
        AND p.state IN ('queued', 'sending'))""",
    ),
    (
        "timers",
        "deadlines of conversations are overdue by more than a minute",
        "SELECT count(*) FROM sessions WHERE ended_at IS NULL AND (silence_at < :late OR not_taken_at < :late)",
    ),
    (
        "follow-ups",
        "promised follow-ups are overdue by more than a minute",
        "SELECT count(*) FROM follow_ups WHERE state = 'planned' AND due_at < :late",
    ),
    (
        "erasures",
        "people asked to be erased and are not",
        """SELECT count(*) FROM contacts c WHERE c.erase_due_at < :late AND c.erased_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM cases k WHERE k.contact_id = c.id AND k.state <> 'closed')""",
    ),
)


def check_rows(connection: Connection, keyring: Keyring | None, now: datetime) -> Iterator[Finding]:
    """Give what is to be said about the database."""
    now_ms = int(now.timestamp() * 1000)
    damage = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    yield ok("database", "sound") if damage == "ok" else fail("database", "the file is damaged; restore a backup")
    if keyring is not None:
        yield _key_opens(connection, keyring)
    times = {"now": now_ms, "late": now_ms - LATE_MS, "sending_late": now_ms - _SENDING_LATE_MS}
    for name, broken, sql in INVARIANTS:
        count = connection.exec_driver_sql(sql, times).scalar()
        yield fail(name, f"{count} {broken}") if count else ok(name, "none is amiss")
    yield _urgent(connection, now_ms)
    yield _people(connection)
    yield _backup(connection, now_ms)
    yield from _scripts(connection, now.astimezone(TEHRAN).date())


def _key_opens(connection: Connection, keyring: Keyring) -> Finding:
    sql = "SELECT wrapped_key FROM contacts WHERE wrapped_key IS NOT NULL ORDER BY created_at DESC LIMIT 1"
    wrapped = connection.exec_driver_sql(sql).scalar()
    try:
        if wrapped is not None:
            keyring.unwrap(wrapped)
    except UnreadableError:
        return fail("key", "the key file does not open this database; it belongs to another one")
    return ok("key", "the key file opens this database")


def _urgent(connection: Connection, now_ms: int) -> Finding:
    sql = "SELECT count(*) FROM cases WHERE state = 'queued' AND tier = 'T1' AND queued_at < ?"
    count = connection.exec_driver_sql(sql, (now_ms - _URGENT_MS,)).scalar()
    if count:
        return warn("urgent cases", f"{count} wait longer than five minutes for a counsellor")
    return ok("urgent cases", "none waits longer than five minutes")


def _people(connection: Connection) -> Finding:
    sql = "SELECT count(*) FROM staff WHERE disabled_at IS NULL AND roles LIKE ?"
    if not connection.exec_driver_sql(sql, ('%"admin"%',)).scalar():
        return warn("people", "nobody is admin yet; `panah run` prints a link for the first")
    if not connection.exec_driver_sql(sql, ('%"counsellor"%',)).scalar():
        return warn("people", "there is no counsellor; `panah staff add NAME --role counsellor`")
    return ok("people", "there is an admin and a counsellor")


def _backup(connection: Connection, now_ms: int) -> Finding:
    at = connection.exec_driver_sql("SELECT value FROM meta WHERE key = 'backup_at'").scalar()
    if at is None:
        return warn("backup", "none was made; `panah backup FILE`")
    days = (now_ms - int(at)) / _DAY_MS
    said = f"the last was made {days:.1f} days ago"
    return warn("backup", said) if days > _BACKUP_DAYS else ok("backup", said)


def _scripts(connection: Connection, today: date) -> Iterator[Finding]:
    version = current_version(connection)
    if version is None:
        yield fail("scripts", "none was published")
        return
    try:
        bundle = load_version(connection, version)
    except PublishError:
        yield fail("scripts", f"version {version} cannot be read; publish again")
        return
    yield ok("scripts", f"version {version} is published")
    lines = [line for line in bundle.lines.values() if line.status != "suspended"]
    old = [line.key for line in lines if not line.verified_on or _days(line.verified_on, today) > _LINE_DAYS]
    if old:
        yield fail("helplines", f"not verified for {_LINE_DAYS} days: {', '.join(old)}")
    else:
        yield ok("helplines", f"{len(lines)} numbers were verified within {_LINE_DAYS} days")


def _days(day: str, today: date) -> int:
    return (today - date.fromisoformat(day)).days
