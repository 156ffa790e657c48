"""Who was erased, kept outside the database, so that a backup from before cannot bring anybody back.

The file stands beside the key file, not beside the database: whoever loses the database's disk still has it. It holds
random ids, which without the database are nobody. After each erasing the write-ahead log is folded into the database
and cut, so that the destroyed key is not left there either.
"""

import asyncio
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Connection

from bot.beats import Beats
from bot.settings import Settings
from bot.store.database import Store, Tx
from bot.telemetry import Log

_LOOK_S = 2.0
_ERASED = "SELECT id, target_id FROM audit WHERE action = 'erase' AND id > {} ORDER BY id"
#: So long may readers keep the log from being cut; then it is tried again.
_CUT_MS = 200


def path_of(settings: Settings) -> Path:
    """Give where the file stands: beside the key file, under its name."""
    return settings.key_path.with_suffix(".erased")


def read_tombstones(path: Path) -> list[str]:
    """Give everybody who was erased; a torn last line is passed over."""
    try:
        lines = path.read_text(encoding="ascii", errors="replace").split("\n")
    except FileNotFoundError:
        return []
    return [line for line in lines[:-1] if line]


def add_tombstones(path: Path, contact_ids: Iterable[str]) -> None:
    """Add people to the file, durably, before this returns."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        torn = path.stat().st_size and not path.read_bytes().endswith(b"\n")
        os.write(handle, (("\n" if torn else "") + "".join(f"{one}\n" for one in contact_ids)).encode("ascii"))
        os.fsync(handle)
    finally:
        os.close(handle)


class Tombstones:
    """The loop that follows the audit's erasings."""

    def __init__(self, store: Store, path: Path, *, log: Log, beats: Beats) -> None:
        self._store = store
        self._path = path
        self._log = log
        self._beats = beats
        self._known: set[str] | None = None
        self._after = 0
        self._is_cut = True

    async def run(self) -> None:
        """Follow, for ever."""
        while True:
            self._beats.beat("tombstones")
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - the loop must outlive a full disk; the next look does it all again
                self._log.error("tombstones_failed", error=type(error).__name__)
            await asyncio.sleep(_LOOK_S)

    async def look(self) -> None:
        """Write down who was erased since the last look, then cut the log."""
        if self._known is None:
            self._known = set(await asyncio.to_thread(read_tombstones, self._path))
        after = self._after
        rows = await self._store.read(lambda connection: _erased_after(connection, after))
        fresh = [contact_id for _, contact_id in rows if contact_id not in self._known]
        if fresh:
            await asyncio.to_thread(add_tombstones, self._path, fresh)
            self._known.update(fresh)
            self._is_cut = False
        self._after = rows[-1][0] if rows else after
        if not self._is_cut and not self._store.is_shared:
            self._is_cut = await cut_log(self._store)


def _erased_after(connection: Connection, after: int) -> list[tuple[int, str]]:
    rows = connection.exec_driver_sql(_ERASED.format(int(after)))
    return [(row[0], row[1]) for row in rows]


async def cut_log(store: Store) -> bool:
    """Fold SQLite's write-ahead log into the database and cut it to nothing; False when a reader was in the way."""
    found: list[int] = []

    def cut(tx: Tx) -> None:
        raw = tx.raw

        def act() -> None:  # on the writer's thread and connection, right after the commit: nobody else checkpoints
            raw.execute(f"PRAGMA busy_timeout={_CUT_MS}")
            try:
                found.extend(raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[:1])
            except sqlite3.Error:  # a full disk, say: what was committed stays in the log until the next look
                found.clear()
            finally:
                raw.execute("PRAGMA busy_timeout=10000")

        tx.after_commit(act)

    await store.write(cut)
    return found == [0]
