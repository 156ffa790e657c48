"""The log is cut after an erasure; a disk that is full just then ends nothing."""

import resource

import pytest

from bot.store.database import Store
from bot.tombstones import cut_log


@pytest.fixture
def full_disk(tmp_path):
    """Give a store whose database file cannot grow, with much in its log."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    store = Store(tmp_path / "panah.db")
    store.write_now(lambda tx: tx.raw.execute("CREATE TABLE t (x)") and None)
    store.write_now(lambda tx: tx.after_commit(lambda: tx.raw.execute("PRAGMA wal_autocheckpoint=0")))
    store.write_now(lambda tx: tx.raw.executemany("INSERT INTO t VALUES (?)", [(b"x" * 8000,)] * 100) and None)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
    yield store
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    store.close()


async def test_a_disk_that_is_full_when_the_log_is_cut_leaves_the_writer_alive(full_disk):
    assert await cut_log(full_disk) is False
    assert await full_disk.read(lambda found: found.exec_driver_sql("SELECT count(*) FROM t").scalar()) == 100
    assert await full_disk.write(lambda tx: tx.raw.execute("SELECT 1").fetchone()[0]) == 1


async def test_with_room_the_log_is_cut(tmp_path):
    store = Store(tmp_path / "panah.db")
    store.write_now(lambda tx: tx.raw.execute("CREATE TABLE t (x)") and None)

    assert await cut_log(store) is True
    assert (tmp_path / "panah.db-wal").stat().st_size == 0
    store.close()
