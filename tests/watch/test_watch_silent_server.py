"""The alert loop's look at a PostgreSQL that fell silent in its middle: it is given up, and the next one sees."""

import asyncio
import sqlite3

import psycopg
import pytest

from bot.proof.cluster import Cluster
from bot.proof.wire import Trouble
from bot.proof.wire_postgres import PostgresSide
from escalation.watch_rows import look

WAIT_S = 120


@pytest.fixture
async def side():
    """Give a database with the table that is looked at first, behind the wire."""
    cluster = await asyncio.to_thread(Cluster, syncs=False)
    async with PostgresSide(cluster) as side:
        yield side
    await asyncio.to_thread(cluster.close)


async def waits(holder):
    """Wait until somebody waits for the table."""
    while not holder.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():  # noqa: ASYNC110 - there is no event
        await asyncio.sleep(0.01)


async def test_a_look_whose_connection_nobody_serves_any_more_ends(side):
    with psycopg.connect(side.cluster.url(side.name), autocommit=True) as holder:
        holder.execute("CREATE TABLE beats (name text, at bigint)")
        holder.execute("BEGIN; LOCK TABLE beats")
        looking = asyncio.create_task(asyncio.to_thread(look, side.url, 0))
        await asyncio.wait_for(waits(holder), WAIT_S)
        side.wire.be(Trouble(half_open=True))

        with pytest.raises(sqlite3.OperationalError):
            await asyncio.wait_for(looking, WAIT_S)
