"""A database that may not grow and a memory that is used up, in a process under proof.

A file is the switch of each; when it has been obeyed, a file beside it says so. The database: SQLite's own
max_page_count on every writing connection, and its free pages taken. The memory: the driver sets the limit, the process
takes what is left of it. Only the zygote's children use this.
"""

import resource
import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

#: The ending of the file that says that a switch has been obeyed.
STRUCK = ".struck"
FULL, HUNGRY = "full", "hungry"
_LOOK_S = 0.05
_PAGES_MAX = 2**30
#: What is taken of the memory, the largest pieces first; smaller gaps are left.
_PIECES = (2**24, 2**20, 2**16, 2**12)


def obey(directory: Path) -> None:
    """Remember every writing connection from now on, and do as the switches in a directory say."""
    writing: list[sqlite3.Connection] = []
    really_connect = sqlite3.connect

    def connect(database: Any, *others: Any, **more: Any) -> sqlite3.Connection:
        made: sqlite3.Connection = really_connect(database, *others, **more)
        if "mode=ro" not in str(database):
            writing.append(made)
        return made

    sqlite3.connect = connect  # type: ignore[assignment]
    threading.Thread(target=_watch, args=(directory, writing), daemon=True).start()


def _watch(directory: Path, writing: list[sqlite3.Connection]) -> None:
    full, hungry = directory / FULL, directory / HUNGRY
    struck = {switch: switch.with_suffix(STRUCK) for switch in (full, hungry)}
    is_full = False
    taken: list[bytearray] = []
    while True:
        if full.exists() != is_full:
            is_full = not is_full
            for connection in writing:
                _limit(connection, full=is_full)
            if is_full:
                struck[full].touch()
        if hungry.exists() and not taken:
            struck[hungry].touch()  # before: afterwards there is no memory for it
            _eat(taken)
        elif taken and not hungry.exists():
            taken.clear()
        time.sleep(_LOOK_S)


def _limit(connection: sqlite3.Connection, *, full: bool) -> None:
    with suppress(sqlite3.Error):  # another database than the main one
        if full:
            free = connection.execute("PRAGMA freelist_count").fetchone()[0]
            size = connection.execute("PRAGMA page_size").fetchone()[0]
            connection.execute("INSERT INTO meta (key, value) VALUES ('ballast', zeroblob(?))", ((free + 2) * size,))
        else:
            connection.execute(f"PRAGMA max_page_count = {_PAGES_MAX}")
            connection.execute("DELETE FROM meta WHERE key = 'ballast'")
    with suppress(sqlite3.Error):  # one that is closed
        pages = connection.execute("PRAGMA page_count").fetchone()[0] if full else _PAGES_MAX
        connection.execute(f"PRAGMA max_page_count = {pages}")


def _eat(taken: list[bytearray]) -> None:
    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        return  # without a limit it would eat the machine's
    for size in _PIECES:
        with suppress(MemoryError):
            while True:
                taken.append(bytearray(size))
