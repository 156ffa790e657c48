"""PostgreSQL behind a wire that loses connections without saying so: the writer gives them up, and so do its locks."""

import asyncio

import pytest

from bot.proof.cluster import Cluster
from bot.proof.wire import Trouble
from bot.proof.wire_postgres import PostgresSide
from bot.store.postgres import PostgresStore

WAIT_S = 120
PATIENCE_S = 1.0
NEVER_S = 60.0


@pytest.fixture(scope="module")
def cluster():
    made = Cluster(syncs=False)
    yield made
    made.close()


@pytest.fixture
async def side(cluster):
    """Give an empty database behind the wire."""
    async with PostgresSide(cluster) as side:
        yield side


async def opened(side, patience_s):
    store = await asyncio.to_thread(PostgresStore, side.url, patience_s=patience_s)
    await said(store, lambda tx: tx.raw.execute("CREATE TABLE IF NOT EXISTS written (word text PRIMARY KEY)") and None)
    return store


async def said(store, act):
    return await asyncio.wait_for(asyncio.wrap_future(store.submit(act)), WAIT_S)


def writes(word):
    return lambda tx: tx.raw.execute("INSERT INTO written VALUES (?)", (word,)) and None


async def test_a_write_and_a_read_on_connections_that_nobody_serves_are_done_on_others(side):
    store = await opened(side, PATIENCE_S)
    await asyncio.to_thread(store.read_now, lambda db: db.exec_driver_sql("SELECT 1").scalar())
    side.wire.be(Trouble(half_open=True))
    side.wire.heal()
    await said(store, writes("once"))
    found = await asyncio.to_thread(
        store.read_now, lambda db: db.exec_driver_sql("SELECT count(*) FROM written").scalar()
    )
    await asyncio.to_thread(store.close)

    assert 1 == found


async def test_what_a_lost_connection_had_begun_holds_its_locks_no_longer(side):
    store = await opened(side, NEVER_S)
    tries, cuts = [], [Trouble(half_closed=True)]
    loop = asyncio.get_running_loop()

    async def cut():
        side.wire.be(cuts.pop())
        side.wire.heal()

    def writes_and_is_cut(tx):
        tries.append("a try")
        tx.raw.execute("SET LOCAL lock_timeout = '8s'")  # sooner than the server gives the first one up by itself
        writes("once")(tx)
        if cuts:
            asyncio.run_coroutine_threadsafe(cut(), loop).result(WAIT_S)
        tx.raw.execute("SELECT 1")

    await said(store, writes_and_is_cut)  # its second try waits for the first one's row
    rows = side.reader.rows("SELECT word FROM written", ())
    await asyncio.to_thread(store.close)

    assert ([("once",)], 2) == (rows, len(tries))


async def test_tables_may_be_made_for_longer_than_an_answer_is_waited_for(side):
    store = await asyncio.to_thread(PostgresStore, side.url, patience_s=0.05)
    await asyncio.to_thread(store.connection.exec_driver_sql, "SELECT pg_sleep(0.3)")
    await asyncio.to_thread(store.close)
