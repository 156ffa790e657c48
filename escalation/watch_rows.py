"""The alert loop's look into the main database: read only, by the database's own driver, opened anew each time.

Opened anew because a restore puts another file there, and because a look that fails must leave nothing behind. It
takes codes, tiers, times and staff; no sealed column is ever named here.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from escalation.watch_model import Person

#: A shift whose console has not been heard of for this long does not count (as in repo_staff).
SHIFT_FRESH_MS = 90_000
#: Events that put a case before people, and those by which a person took it.
_OFFERED = frozenset({"opened", "raised", "woken", "lease_lost", "released", "transferred", "due"})
_TAKEN = frozenset({"claimed", "reopened", "handed_back"})
_BUSY_S = 2.0
#: A server that says nothing for so long is gone, and its connection with it: the next look needs this one's place.
_SILENT_S = 3.0
_CHUNK = 500

_CASES = """SELECT id, code, tier, desk, state, queued_at, changed_at, lease_until, next_action_at FROM cases
WHERE tier IN ('T1', 'T2') AND state IN ('queued', 'claimed')
UNION ALL SELECT id, code, tier, desk, state, queued_at, changed_at, lease_until, next_action_at FROM cases
WHERE tier IN ('T1', 'T2') AND state = 'waiting' AND next_action_at <= ?"""
_STAFF = """SELECT s.username, s.roles, s.province, s.staffbot_chat, h.seen_at FROM staff s
LEFT JOIN shifts h ON h.staff_id = s.id WHERE s.disabled_at IS NULL ORDER BY s.username"""
_OLDEST = "SELECT min(due_at) FROM inbox WHERE state = 'waiting'"
#: Only of channels that have or had a sender: where none was ever set up, nobody waits for one.
_OLDEST_URGENT = """SELECT min(due_at) FROM outbox WHERE urgent = 1 AND state IN ('queued', 'sending')
AND EXISTS (SELECT 1 FROM beats WHERE beats.name = 'sender:' || outbox.channel)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """An open urgent case as the database has it; whether somebody holds it is judged by escalation.watch_ages."""

    id: str
    code: str
    tier: str
    desk: str
    state: str
    since: int  #: when it began to wait for a person, by the database's times
    seen_at: int | None
    lease_until: int | None
    changed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One look at the main database."""

    cases: tuple[CaseRow, ...]
    people: tuple[Person, ...]
    beat_at: int | None  #: the worker's newest beat
    stopped: bool  #: a person stopped the service
    inbox_due_at: int | None  #: when the oldest message that waits should have been run
    outbox_due_at: int | None = None  #: when the oldest urgent message that has not left should have
    beats: Mapping[str, int] = field(default_factory=dict)  #: every loop's newest beat by its name


def look(database: Path | str, now_ms: int) -> Picture:
    """Read everything the loop decides on, in one snapshot; PostgreSQL is named by its address.

    Raises:
        sqlite3.Error: the file is missing, damaged or locked, or the server does not answer.
    """
    if isinstance(database, str):
        return _look_postgres(database, now_ms)
    path = database
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S, isolation_level=None)
    try:
        return picture_of(connection, now_ms)
    finally:
        connection.close()


def _look_postgres(url: str, now_ms: int) -> Picture:
    import psycopg  # noqa: PLC0415 - only where it is configured

    from bot.patience import Patience, PatientConnection  # noqa: PLC0415 - it needs psycopg

    options = f"-c statement_timeout={int(_BUSY_S * 1000)} -c default_transaction_read_only=on"
    try:
        with PatientConnection.connect(
            url, autocommit=True, connect_timeout=int(_BUSY_S), options=options, tcp_user_timeout=5_000
        ) as connection:
            connection.patience = Patience(_SILENT_S)
            return picture_of(_Postgres(connection), now_ms, begin="BEGIN ISOLATION LEVEL REPEATABLE READ")
    except psycopg.Error as error:
        raise sqlite3.OperationalError("PostgreSQL does not answer") from error


class _Postgres:
    """A connection that reads our texts with `?` for values."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Any:
        return self._connection.execute(sql.replace("?", "%s"), values)


def picture_of(connection: Any, now_ms: int, *, begin: str = "BEGIN") -> Picture:
    """Read the same on an open connection."""
    connection.execute(begin)
    try:
        beats = dict(connection.execute("SELECT name, at FROM beats").fetchall())
        return Picture(
            cases=tuple(_cases(connection, now_ms)),
            people=tuple(_people(connection, now_ms)),
            beat_at=beats.get("worker"),
            stopped=_first(connection, "SELECT value FROM meta WHERE key = 'stop'") == "clean",
            inbox_due_at=_first(connection, _OLDEST),
            outbox_due_at=_first(connection, _OLDEST_URGENT),
            beats=beats,
        )
    finally:
        connection.execute("ROLLBACK")


def _first(connection: Any, sql: str) -> Any:
    row = connection.execute(sql).fetchone()
    return None if row is None else row[0]


def _cases(connection: Any, now_ms: int) -> Iterable[CaseRow]:
    cursor = connection.execute(_CASES, (now_ms,))
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor]
    events = _events(connection, [row["id"] for row in rows])
    return [case_row(row, events[row["id"]]) for row in rows]


def _events(connection: Any, ids: Sequence[str]) -> Mapping[str, list[tuple[str, str, int]]]:
    found: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    for first in range(0, len(ids), _CHUNK):
        some = ids[first : first + _CHUNK]
        marks = ",".join("?" * len(some))
        sql = f"SELECT case_id, kind, data, at FROM case_events WHERE case_id IN ({marks}) ORDER BY id"  # noqa: S608 - marks only
        for case_id, kind, data, at in connection.execute(sql, some):
            found[case_id].append((kind, data, at))
    return found


def case_row(row: Mapping[str, Any], events: Iterable[tuple[str, str, int]]) -> CaseRow:
    """Make a case's line of its row and its history (kind, data as JSON, at), oldest first. Pure.

    It waits since it was first offered after the last person had it, or since it was raised to its present tier. What
    grows worse in somebody's hands waits for nobody: it is offered when she gives it back, or is lost to her.
    """
    since: int | None = None
    seen_at: int | None = None
    tier, is_held = "", False
    for kind, data, at in events:
        if kind in _TAKEN:
            since, seen_at, is_held = None, None, kind != "handed_back"
        elif kind == "seen":
            seen_at = at
        if kind in _OFFERED:
            is_held = is_held and kind == "raised"
            since = at if since is None and not is_held else since
            new = json.loads(data).get("tier", tier)
            if new != tier or kind in {"raised", "woken"}:  # worse than what was seen
                seen_at = None
                since = at if new != tier and not is_held else since
            tier = new
    if row["state"] == "waiting":
        since, seen_at = row["next_action_at"], None
    return CaseRow(
        id=row["id"],
        code=row["code"],
        tier=row["tier"],
        desk=row["desk"],
        state=row["state"],
        since=row["queued_at"] if since is None else since,
        seen_at=seen_at,
        lease_until=row["lease_until"],
        changed_at=row["changed_at"],
    )


def _people(connection: Any, now_ms: int) -> Iterable[Person]:
    for username, roles, province, chat, shift_seen_at in connection.execute(_STAFF):
        yield Person(
            key=username,
            roles=frozenset(json.loads(roles)),
            province=province,
            on_shift=shift_seen_at is not None and shift_seen_at > now_ms - SHIFT_FRESH_MS,
            addresses={"staffbot": chat} if chat else {},
        )
