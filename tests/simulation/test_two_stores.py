"""The same seed on SQLite and on PostgreSQL is the same story: every row that matters, after every step (S14)."""

import os

import pytest

from bot.proof.cluster import Cluster
from bot.proof.simulation.postgres import PostgresHouse, steps_of, trace_of

FIRST = 10_000
#: The long form asks for more; a hundred take three minutes.
COUNT = int(os.environ.get("PANAH_TRACES", "3"))


@pytest.fixture(scope="module")
def server():
    cluster = Cluster(syncs=False)
    PostgresHouse.stand_on(cluster)
    yield cluster
    cluster.close()


@pytest.mark.usefixtures("server")
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_a_seed_tells_the_same_story_on_both_stores(seed):
    steps = steps_of(seed)
    here, there = trace_of(seed, steps), trace_of(seed, steps, PostgresHouse)
    apart = next((at for at, pair in enumerate(zip(here, there, strict=True)) if pair[0] != pair[1]), None)

    assert apart is None, (seed, here[apart][0])
    assert [] == [breach for _, _, broken in there for breach in broken]
