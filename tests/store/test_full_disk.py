"""SQLite ends the whole transaction by itself when the disk is full: every caller must hear of that, and nothing is kept."""

import sqlite3

import pytest

from bot.store.database import Store
from bot.store.trouble import is_disk_trouble


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "panah.db", threaded=False)
    store.write_now(lambda tx: tx.raw.execute("CREATE TABLE t (x)"))
    yield store
    store.close()


def fill(tx):
    """Write until the disk is full."""
    pages = tx.raw.execute("PRAGMA page_count").fetchone()[0]
    tx.raw.execute(f"PRAGMA max_page_count={pages + 2}")
    tx.raw.execute("INSERT INTO t VALUES (zeroblob(1000000))")


def count(store):
    return store.read_now(lambda db: db.exec_driver_sql("SELECT count(*) FROM t").scalar())


def test_a_write_that_met_a_full_disk_is_told_so_and_not_of_a_lost_savepoint(store):
    with pytest.raises(sqlite3.OperationalError) as told:
        store.write_now(fill)

    assert is_disk_trouble(told.value)


def test_nothing_of_it_is_kept_and_writes_go_on_when_there_is_room_again(store):
    def first(tx):
        tx.raw.execute("INSERT INTO t VALUES (1)")
        fill(tx)

    with pytest.raises(sqlite3.OperationalError):
        store.write_now(first)
    store.write_now(lambda tx: tx.raw.execute("PRAGMA max_page_count=1000000"))
    store.write_now(lambda tx: tx.raw.execute("INSERT INTO t VALUES (3)"))

    assert count(store) == 1
