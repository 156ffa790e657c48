"""The migrations end at the schema, step by step, and a database from the future is refused."""

import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bot.store import migrate, schema
from bot.store.database import Store


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "panah.db")
    yield made
    made.close()


def shape(store):
    found = store.read_now(lambda db: db.exec_driver_sql("SELECT name, sql FROM sqlite_master").all())
    return {name: " ".join((sql or "").split()) for name, sql in found if not name.startswith(("alembic", "sqlite_"))}


def test_the_migrations_end_where_the_schema_stands(store):
    migrate.upgrade(store.connection)

    assert [] == compare_metadata(MigrationContext.configure(store.connection), schema.metadata)


def test_the_simulator_stands_on_the_same_tables_and_conditional_indexes(store, tmp_path):
    migrate.upgrade(store.connection)
    simulated = Store(None, threaded=False)
    schema.metadata.create_all(simulated.connection)

    assert set(shape(store)) == set(shape(simulated))
    conditions = {name: sql.partition(" WHERE ")[2] for name, sql in shape(store).items() if "INDEX" in sql}
    assert conditions == {name: sql.partition(" WHERE ")[2] for name, sql in shape(simulated).items() if "INDEX" in sql}
    simulated.close()


def test_upgrading_twice_changes_nothing(store):
    migrate.upgrade(store.connection)
    before = shape(store)
    migrate.upgrade(store.connection)

    assert before == shape(store)
    assert migrate.HEAD == migrate.current(store.connection)


def test_a_database_from_the_future_is_refused_and_left_alone(store):
    migrate.upgrade(store.connection)
    store.write_now(lambda tx: tx.raw.execute("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(migrate.FromTheFutureError):
        migrate.upgrade(store.connection)
    assert "9999" == migrate.current(store.connection)


def test_the_database_runs_with_a_write_ahead_log_and_full_syncs(store):
    found = store.write_now(
        lambda tx: tx.raw.execute("PRAGMA journal_mode").fetchone() + tx.raw.execute("PRAGMA synchronous").fetchone()
    )

    assert ("wal", 2) == found


def test_a_reader_cannot_write(store):
    migrate.upgrade(store.connection)

    with pytest.raises(Exception, match="readonly"):
        store.read_now(lambda db: db.exec_driver_sql("INSERT INTO meta VALUES ('a', 'b')"))


def test_a_write_that_fails_takes_nobody_with_it(store):
    migrate.upgrade(store.connection)
    good = [
        store.submit(lambda tx, n=n: tx.raw.execute("INSERT INTO meta VALUES (?, 'x')", (str(n),))) for n in range(3)
    ]
    bad = store.submit(lambda tx: tx.raw.execute("INSERT INTO meta VALUES ('0', 'again')"))
    more = store.submit(lambda tx: tx.raw.execute("INSERT INTO meta VALUES ('9', 'x')"))

    for future in (*good, more):
        future.result(10)
    assert isinstance(bad.exception(10), sqlite3.IntegrityError)
    assert 4 == store.read_now(lambda db: db.exec_driver_sql("SELECT count(*) FROM meta").scalar())
