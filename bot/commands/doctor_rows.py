"""What `panah doctor` asks of the tables: the invariants (bot.proof.invariants), the key, people, backup, scripts.

The newest rows only, unless all are asked for: a large installation is looked through in a second or two.
"""

from collections.abc import Iterator
from datetime import date, datetime

from sqlalchemy import Connection

from bot.commands.doctor_finding import Finding, fail, ok, warn
from bot.core.clock import TEHRAN
from bot.engine.model import Bundle
from bot.health.checks import PURGE_H
from bot.health.facts import PURGED
from bot.proof.invariants import INVARIANTS, NEWEST, look
from bot.proof.promise import Promise
from bot.publishing import PublishError, current_version, load_version
from bot.store.crypto import Keyring, UnreadableError
from bot.store.walls_ddl import breaches

_URGENT_MS = 300_000
_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_BACKUP_DAYS = 2
_LINE_DAYS = 180
_ALL = 10**12
_NAMED = 3  #: ids that are told of each breach
_QUICK_BYTES = 200_000_000  #: every page of a larger file is read only when asked for


def check_rows(
    connection: Connection, keyring: Keyring | None, now: datetime, *, everything: bool = False
) -> Iterator[Finding]:
    """Give what is to be said about the database: its newest rows, or everything however long that takes."""
    now_ms = int(now.timestamp() * 1000)
    yield _file(connection, everything=everything)
    if connection.dialect.name == "postgresql":
        yield _provinces(connection)
    if keyring is not None:
        yield _key_opens(connection, keyring)
    for promise in INVARIANTS:
        yield _kept(connection, promise, now_ms, _ALL if everything else NEWEST)
    yield _urgent(connection, now_ms)
    yield _people(connection)
    yield _backup(connection, now_ms)
    yield _purge(connection, now_ms)
    yield from _scripts(connection, now.astimezone(TEHRAN).date())


def _file(connection: Connection, *, everything: bool) -> Finding:
    if connection.dialect.name == "postgresql":
        version = connection.exec_driver_sql("SHOW server_version").scalar()
        return ok("database", f"PostgreSQL {version} answers; its own checks are pg_amcheck's")
    size = connection.exec_driver_sql("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").scalar()
    if not everything and (size or 0) > _QUICK_BYTES:
        return ok("database", "it opens; `panah doctor --all` reads every page of it")
    damage = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    return ok("database", "sound") if damage == "ok" else fail("database", "the file is damaged; restore a backup")


def _provinces(connection: Connection) -> Finding:
    open_tables = breaches(connection)
    if open_tables:
        return fail("provinces", f"the wall between provinces is not as it was made: {', '.join(open_tables)}")
    return ok("provinces", "the database itself keeps them apart")


def _kept(connection: Connection, promise: Promise, now_ms: int, newest: int) -> Finding:
    name = f"{promise.name} ({promise.code})"
    for breach in look(connection, promise, now_ms, newest=newest):
        named = ", ".join(breach.rows[:_NAMED])
        return fail(name, f"{breach.count} {promise.broken} ({named}); {promise.mend}")
    return ok(name, "none is amiss")


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
        return warn("backup", "none was ever made; `panah backup FILE` now, and every night by cron")
    days = (now_ms - int(at)) / _DAY_MS
    said = f"the last was made {days:.1f} days ago"
    return warn("backup", said) if days > _BACKUP_DAYS else ok("backup", said)


def _purge(connection: Connection, now_ms: int) -> Finding:
    found = min((int(row[0]) for row in connection.exec_driver_sql(PURGED)), default=None)
    if found is None:
        return ok("purge", "no channel that takes back what it said has run")
    hours = (now_ms - found) / _HOUR_MS
    said = f"what we said before {hours:.0f} hours ago is taken back from people's phones"
    return fail("purge", said + f"; after {PURGE_H} it is nearly too late") if hours > PURGE_H else ok("purge", said)


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
    yield _directory(bundle, today)


def _directory(bundle: Bundle, today: date) -> Finding:
    """Judge the places people are sent to: none invented, none that nobody called for half a year."""
    places = [place for kind in bundle.directory.values() for place in kind.places]
    invented = sum(place.get("example") == "yes" for place in places)
    if invented:
        return warn("directory", f"{invented} of {len(places)} places are invented; `panah directory import FILE`")
    old = sum(not _was_called(place.get("verified_on", ""), today) for place in places)
    if old:
        return warn("directory", f"{old} of {len(places)} places were not verified for {_LINE_DAYS} days")
    return ok("directory", f"{len(places)} places were verified within {_LINE_DAYS} days")


def _was_called(day: str, today: date) -> bool:
    try:
        return _days(day, today) <= _LINE_DAYS
    except ValueError:
        return False


def _days(day: str, today: date) -> int:
    return (today - date.fromisoformat(day)).days
