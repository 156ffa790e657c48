"""PostgreSQL goes away for longer than is waited for it, and comes back: nothing is done twice, and writes go on."""

import asyncio
import subprocess
import sys

import psycopg
import pytest
from fakes.waiting import until

from bot.proof.cluster import Cluster
from bot.store.postgres import PostgresStore
from bot.store.trouble import UnansweredError, is_disk_trouble

SHORT_S = 0.2
WAIT_S = 120


@pytest.fixture(scope="module")
def cluster():
    made = Cluster()  # it syncs: what was answered must outlive the server
    yield made
    made.close()


@pytest.fixture
def url(cluster, request):
    """Give a database with one table, on a server that runs again after the test."""
    name = f"away{len(request.node.name)}"
    url = cluster.create(name)
    cluster.execute("CREATE TABLE written (word text)", database=name)
    yield url
    cluster.drop(name)


def write(store, word):
    return store.submit(lambda tx: tx.raw.execute("INSERT INTO written VALUES (?)", (word,)) and None).result(WAIT_S)


def words(url):
    with psycopg.connect(url) as connection:
        return [word for (word,) in connection.execute("SELECT word FROM written ORDER BY word")]


def test_writes_go_on_after_the_server_was_away_for_longer_than_is_waited_for_it(cluster, url):
    store = PostgresStore(url, reconnect_s=SHORT_S)
    write(store, "before")
    cluster.stop_at_once()
    told = []
    for _ in range(3):
        with pytest.raises(Exception) as error:  # noqa: PT011 - what it must be is asked below
            write(store, "meanwhile")
        told.append(is_disk_trouble(error.value))
    cluster.start()
    write(store, "after")
    store.close()

    assert [True] * 3 == told
    assert ["after", "before"] == words(url)


class IsAwayAtCommit(PostgresStore):
    """A store whose server goes away between a COMMIT and its answer, and is back when it is next looked for."""

    def __init__(self, url, cluster):
        super().__init__(url, reconnect_s=SHORT_S)
        self._cluster = cluster
        self._looked = 0
        self.is_away = False

    def _commit(self, tx):
        super()._commit(tx)
        if not self._looked:
            self.is_away = True
            self._cluster.stop_at_once()
            raise psycopg.OperationalError

    def _reconnect(self, until):
        self._looked += 1
        if self._looked > 1:
            self.come_back()
        return super()._reconnect(until)

    def come_back(self):
        if self.is_away:
            self._cluster.start()
            self.is_away = False


def test_what_may_have_been_kept_is_not_done_again_and_its_caller_is_told(cluster, url):
    store = IsAwayAtCommit(url, cluster)
    with pytest.raises(UnansweredError) as error:
        write(store, "once")
    store.come_back()
    write(store, "then")
    store.close()

    assert is_disk_trouble(error.value)
    assert ["once", "then"] == words(url)


async def standbys(cluster, names):
    """Have each COMMIT wait for these; return when the server does so."""
    cluster.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
    cluster.execute("SELECT pg_reload_conf()")
    await until(lambda: [(names,)] == cluster.execute("SHOW synchronous_standby_names"), WAIT_S)
    cluster.execute("CHECKPOINT")  # the process that makes it reads its settings first, and tells all others


async def test_what_no_standby_has_is_not_confirmed_though_the_server_that_is_there_has_it(cluster, url):
    store = PostgresStore(url, reconnect_s=SHORT_S, patience_s=2.0)
    write(store, "before")
    await standbys(cluster, "nobody")
    try:
        with pytest.raises(UnansweredError):
            await asyncio.to_thread(write, store, "by one alone")
    finally:
        await standbys(cluster, "")
    write(store, "with all")
    store.close()

    assert ["before", "by one alone", "with all"] == words(url)


ENDS = """
from bot.store.database import Store

class Broken(Store):
    def _commit_group(self, group):
        raise MemoryError

Broken(None).submit(lambda tx: None).result()
"""


def test_a_process_whose_writer_thread_fails_ends_instead_of_going_on_mute():
    done = subprocess.run([sys.executable, "-c", ENDS], capture_output=True, timeout=WAIT_S, check=False)

    assert 70 == done.returncode
    assert b"MemoryError" in done.stderr
