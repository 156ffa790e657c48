"""A database that may not grow, in a process under proof: SQLite's own max_page_count on every writing connection.

A file is the switch: while it exists the database is full. Only the zygote's children use this.
"""

import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

_LOOK_S = 0.05
_PAGES_MAX = 2**30


def obey(switch: Path) -> None:
    """Remember every writing connection from now on, and fill or free its database as the switch says."""
    writing: list[sqlite3.Connection] = []
    really_connect = sqlite3.connect

    def connect(database: Any, *others: Any, **more: Any) -> sqlite3.Connection:
        made: sqlite3.Connection = really_connect(database, *others, **more)
        if "mode=ro" not in str(database):
            writing.append(made)
        return made

    sqlite3.connect = connect  # type: ignore[assignment]
    threading.Thread(target=_watch, args=(switch, writing), daemon=True).start()


def _watch(switch: Path, writing: list[sqlite3.Connection]) -> None:
    is_full = False
    while True:
        wanted = switch.exists()
        if wanted != is_full:
            for connection in writing:
                _limit(connection, full=wanted)
            is_full = wanted
        time.sleep(_LOOK_S)


def _limit(connection: sqlite3.Connection, *, full: bool) -> None:
    with suppress(sqlite3.Error):  # one that is closed
        pages = connection.execute("PRAGMA page_count").fetchone()[0] if full else _PAGES_MAX
        connection.execute(f"PRAGMA max_page_count = {pages}")
