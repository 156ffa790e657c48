"""A database that was made a minute ago, under a flood: nothing in it has been counted yet."""

import pytest
from stores import stores_of

from bot.worker import SEEN


@pytest.fixture
def store(tmp_path):
    with stores_of("postgres") as stores:
        opened = stores.open(tmp_path / "one")
        yield opened
        opened.close()


def test_whether_an_arrival_is_there_already_is_asked_of_the_index_also_when_the_table_is_young(store):
    asked = ["web"] * SEEN.count("?")

    plan = store.submit(lambda tx: tx.raw.execute(f"EXPLAIN {SEEN}", asked).fetchall()).result(60)

    assert "Index" in str(plan)
    assert "Seq Scan on inbox" not in str(plan)


def test_a_statement_without_an_index_is_not_compiled_for_the_price_that_forbids_reading_whole_tables(store):
    """The price of a forbidden way counts for JIT too: the first such statement would take the writer 300 ms."""
    asked = "EXPLAIN SELECT count(*) FROM cases WHERE province = 'x'"

    plan = store.submit(lambda tx: tx.raw.execute(asked).fetchall()).result(60)
    setting = store.submit(lambda tx: tx.raw.execute("SHOW jit").fetchone()).result(60)

    assert "JIT" not in str(plan)
    assert ("off",) == tuple(setting)
