"""The alert loop's own file: every attempt before and after it is made, and the last look at the main database.

The memory decides and the file remembers for the next process; when the file cannot be written, alerts go on from
memory. A damaged file is moved aside. It holds case ids, user names and the staff's addresses, no content.
"""

import json
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from bot.telemetry import Log
from escalation.watch_model import Attempt, AttemptState, Person
from escalation.watch_rows import CaseRow, Picture

_SCHEMA = """
CREATE TABLE IF NOT EXISTS attempts (id INTEGER PRIMARY KEY, person TEXT NOT NULL, way TEXT NOT NULL,
  level INTEGER NOT NULL, cases TEXT NOT NULL, page INTEGER NOT NULL, at INTEGER NOT NULL, urgent INTEGER NOT NULL,
  state TEXT NOT NULL, error TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS attempt_page ON attempts (page);
CREATE TABLE IF NOT EXISTS pictures (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL);
"""
_KEPT_MS = 30 * 86_400_000
_REMEMBERED_MS = 86_400_000
_REOPEN_S = 30.0
_BUSY_S = 1.0


class WatchFile:
    """What was tried. The caller holds the lock file; one writer."""

    def __init__(self, path: Path, log: Log, now_ms: int) -> None:
        self._path = path
        self._log = log
        self._connection: sqlite3.Connection | None = None
        self._opened_s = float("-inf")
        self._history: dict[int, Attempt] = {}
        self._next_id = 1
        self._picture = ""
        self._recall(now_ms)

    @property
    def history(self) -> list[Attempt]:
        """Give what the rules need of what was tried."""
        return list(self._history.values())

    def shift(self, jump_ms: int) -> None:
        """Move what is remembered with a jump of the wall clock."""
        self._history = {
            number: replace(one, page=one.page + jump_ms, at=one.at + jump_ms) for number, one in self._history.items()
        }

    def begin(self, attempts: Sequence[Attempt]) -> list[int]:
        """Write attempts down before they are made; give their numbers."""
        numbers = list(range(self._next_id, self._next_id + len(attempts)))
        self._next_id += len(attempts)
        made = [replace(attempt, state="trying") for attempt in attempts]
        self._history.update(zip(numbers, made, strict=True))
        sql = "INSERT INTO attempts (id, person, way, level, cases, page, at, urgent, state) VALUES (?,?,?,?,?,?,?,?,?)"
        rows = [
            (number, one.person, one.way, one.level, json.dumps(one.cases), one.page, one.at, one.urgent, one.state)
            for number, one in zip(numbers, made, strict=True)
        ]
        self._write(sql, rows)
        return numbers

    def finish(self, number: int, state: AttemptState, error: str = "") -> None:
        """Write down how an attempt ended."""
        if number in self._history:
            self._history[number] = replace(self._history[number], state=state)
        self._write("UPDATE attempts SET state = ?, error = ? WHERE id = ?", [(state, error, number)])
        needed = {id(one) for one in still_needed(self._history.values())}
        oldest = max((one.page for one in self._history.values()), default=0) - _REMEMBERED_MS
        self._history = {
            key: one
            for key, one in self._history.items()
            if one.state == "trying" or (id(one) in needed and one.page > oldest)
        }

    def keep_picture(self, picture: Picture) -> None:
        """Remember the last look, so that a restart while the main database is away still knows whom to alert."""
        body = json.dumps(
            {"cases": [asdict(row) for row in picture.cases], "people": [_plain(one) for one in picture.people]},
            sort_keys=True,
        )
        if body != self._picture and self._write(
            "INSERT INTO pictures (id, body) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            [(body,)],
        ):
            self._picture = body

    def picture(self) -> Picture | None:
        """Give the look that an earlier process kept."""
        with suppress(ValueError, TypeError, KeyError):
            found = json.loads(self._picture)
            people = tuple(Person(**{**one, "roles": frozenset(one["roles"])}) for one in found["people"])
            cases = tuple(CaseRow(**row) for row in found["cases"])
            return Picture(cases=cases, people=people, beat_at=None, stopped=False, inbox_due_at=None)
        return None

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _recall(self, now_ms: int) -> None:
        """Read what an earlier process left; a damaged file is moved aside, once."""
        for _ in range(2):
            try:
                connection = self._open()
                if connection is not None:
                    self._read(connection, now_ms)
            except (sqlite3.DatabaseError, ValueError, TypeError) as error:
                self._log.error("watch_file_damaged", error=type(error).__name__)
                self._set_aside()
            else:
                return

    def _read(self, connection: sqlite3.Connection, now_ms: int) -> None:
        self._next_id = (connection.execute("SELECT max(id) FROM attempts").fetchone()[0] or 0) + 1
        sql = "SELECT id, person, way, level, cases, page, at, urgent, state FROM attempts WHERE page BETWEEN ? AND ?"
        # one that was being tried when its process died may not have arrived: it is forgotten, and due again; and
        # one from the future was written before the clock was set back: telling twice is better than not telling
        for number, person, way, level, cases, page, at, urgent, state in connection.execute(
            sql + " AND state IN ('sent', 'failed')", (now_ms - _REMEMBERED_MS, now_ms)
        ):
            self._history[number] = Attempt(
                person=person,
                way=way,
                level=level,
                cases=tuple(json.loads(cases)),
                page=page,
                at=at,
                urgent=bool(urgent),
                state=state,
            )
        connection.execute("UPDATE attempts SET state = 'failed', error = 'died' WHERE state = 'trying'")
        connection.execute("DELETE FROM attempts WHERE page < ?", (now_ms - _KEPT_MS,))
        row = connection.execute("SELECT body FROM pictures").fetchone()
        self._picture = row[0] if row else ""

    def _set_aside(self) -> None:
        self.close()
        self._opened_s = float("-inf")
        self._history.clear()
        with suppress(OSError):
            for end in ("-wal", "-shm"):
                self._path.with_name(self._path.name + end).unlink(missing_ok=True)
            self._path.replace(self._path.with_suffix(".damaged"))

    def _open(self) -> sqlite3.Connection | None:
        """Give the open file; None while it cannot be used, which is tried again now and then.

        Raises:
            sqlite3.DatabaseError: the file is damaged.
        """
        if self._connection is not None or time.monotonic() - self._opened_s < _REOPEN_S:
            return self._connection
        self._opened_s = time.monotonic()
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.executescript(_SCHEMA)
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            if not isinstance(error, sqlite3.OperationalError):
                raise
            self._log.error("watch_file_away", error=type(error).__name__)
            return None
        self._connection = connection
        return connection

    def _write(self, sql: str, rows: Sequence[tuple[object, ...]]) -> bool:
        connection: sqlite3.Connection | None = None
        try:
            connection = self._open()
            if connection is None:
                return False
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(sql, rows)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._log.error("watch_file_failed", error=type(error).__name__)
            self.close()
            return False
        return True


def still_needed(attempts: Iterable[Attempt]) -> list[Attempt]:
    """Give the attempts that can still decide something: each person's last two pages, and the last that told a case."""
    kept: list[Attempt] = []
    pages: dict[str, set[int]] = defaultdict(set)
    told: set[tuple[str, str]] = set()
    for attempt in sorted(attempts, key=lambda one: (one.page, one.at), reverse=True):
        mine = pages[attempt.person]
        recent = attempt.page in mine or len(mine) < 2
        news = [case for case in attempt.cases if (attempt.person, case) not in told] if attempt.state == "sent" else []
        if recent:
            mine.add(attempt.page)
        if recent or news:
            kept.append(attempt)
        told.update((attempt.person, case) for case in news)
    return kept[::-1]


def _plain(person: Person) -> dict[str, object]:
    return {
        "key": person.key,
        "roles": sorted(person.roles),
        "province": person.province,
        "on_shift": person.on_shift,
        "addresses": dict(person.addresses),
    }
