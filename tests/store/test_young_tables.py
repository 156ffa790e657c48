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
