"""Letting go of a database: no connection of ours stays open behind it."""

import sqlite3
import threading
from contextlib import suppress

import psycopg
from stores import STORES


def is_closed(raw):
    if isinstance(raw, psycopg.Connection):
        return raw.closed
    with suppress(sqlite3.ProgrammingError):
        raw.execute("SELECT 1")
        return False
    return True


def test_a_read_that_nobody_awaits_any_more_leaves_no_connection_open(tmp_path):
    store = STORES.open(tmp_path / "panah.db")
    begun, go, used = threading.Event(), threading.Event(), []

    def look(db):
        used.append(db.connection.driver_connection)
        begun.set()
        assert go.wait(30)

    reader = threading.Thread(target=store.read_now, args=(look,))
    reader.start()
    assert begun.wait(30)
    closing = threading.Thread(target=store.close)
    closing.start()
    closing.join(0.3)  # long enough for a close that waits for nothing to be over
    go.set()
    for thread in (closing, reader):
        thread.join(30)

    assert [True] == [is_closed(raw) for raw in used]
