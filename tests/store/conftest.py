"""One contract, two databases: every test that asks for `store` runs on SQLite and on PostgreSQL."""

import pytest
from stores import stores_of


@pytest.fixture(params=["sqlite", "postgres"])
def stores(request):
    with stores_of(request.param) as made:
        yield made


@pytest.fixture
def store(stores, tmp_path):
    opened = stores.open(tmp_path / "panah.db")
    yield opened
    opened.close()
