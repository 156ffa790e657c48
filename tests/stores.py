"""Stores for tests: SQLite, or with `pytest --store postgres` databases of one PostgreSQL server started for the run."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.proof.cluster import Cluster
from bot.store import migrate
from bot.store.database import Store
from bot.store.postgres import PostgresStore

_TEMPLATE = "panah_template"


class TestStores:
    """Makes stores of one kind; a file that is opened again is the same database."""

    __test__ = False

    def __init__(self) -> None:
        self.kind = "sqlite"
        self._cluster: Cluster | None = None
        self._numbers = itertools.count(1)
        self._databases: dict[Path, str] = {}

    @property
    def cluster(self) -> Cluster:
        """The server, started when it is first wanted."""
        if self._cluster is None:
            self._cluster = Cluster(syncs=False)
            store = PostgresStore(self._cluster.create(_TEMPLATE), threaded=False)
            migrate.upgrade(store.connection)
            store.close()
        return self._cluster

    def open(self, path: Path | None = None, *, threaded: bool = True, tables: bool = True) -> Store:
        """Open a database with all tables in it."""
        if self.kind == "sqlite":
            store = Store(path, threaded=threaded)
            if tables:
                migrate.upgrade(store.connection)
            return store
        return _Disposable(self.database(path), threaded=threaded, on_close=None if path else self._drop)

    def database(self, path: Path | None = None) -> str:
        """Give the address of a PostgreSQL database with all tables in it."""
        if path is not None and path in self._databases:
            return self._databases[path]
        url = self.cluster.create(f"t{next(self._numbers)}", template=_TEMPLATE)
        if path is not None:
            self._databases[path] = url
        return url

    def _drop(self, url: str) -> None:
        self.cluster.drop(url.partition("@/")[2].partition("?")[0])

    def end_test(self) -> None:
        """Drop what this test had by name."""
        for url in self._databases.values():
            self._drop(url)
        self._databases.clear()

    def close(self) -> None:
        """Stop the server."""
        if self._cluster is not None:
            self._cluster.close()
            self._cluster = None


class _Disposable(PostgresStore):
    def __init__(self, url: str, *, threaded: bool, on_close: object) -> None:
        super().__init__(url, threaded=threaded)
        self._gone = on_close

    def close(self) -> None:
        super().close()
        if self._gone is not None:
            self._gone(self._url)


@contextmanager
def stores_of(kind: str) -> Iterator[TestStores]:
    """Give stores of another kind for a while."""
    before, STORES.kind = STORES.kind, kind
    try:
        yield STORES
    finally:
        STORES.kind = before


STORES = TestStores()
