"""`panah move`: copy a whole SQLite installation into PostgreSQL, check it row by row, and set the old file aside.

With `--ahead` Panah goes on serving while most of it is copied; then it is stopped, and the same verb without it brings
what has changed since. Rows are copied in small commits, so a move that broke off is run again and goes on. At the end
each table's count and digest must be equal on both sides; then the SQLite file gets another name, so that nobody
serves from it by mistake, and only after that can anybody serve from the new place. Nothing is opened: sealed stays sealed,
and the key file stays where it is.
"""

import argparse
import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from bot.commands.files import sync
from bot.errors import CommandError
from bot.settings import read_settings
from bot.store import migrate, moving
from bot.store.database import Store, Tx
from bot.store.opening import is_url, moved, open_store
from bot.store.schema import metadata
from bot.store.sqlite_file import fold, holding, reading, set_aside

_CHUNK = 1_000
#: Their rows are never changed, and the database refuses to.
_NEVER_CHANGED = frozenset({"audit"})


def move(args: argparse.Namespace) -> int:
    """Copy, compare, set aside."""
    settings = read_settings()
    if not is_url(args.to):
        raise CommandError("--to is an address such as postgresql://panah@db.example/panah")
    return _ahead(settings.database, args.to) if args.ahead else _move(settings.database, args.to)


def _ahead(source: Path, url: str) -> int:
    if not source.is_file():
        raise _nothing(source)
    with _both(source, url) as (old, store):
        rows = _bring_all(old, store)
    _say(f"{rows} rows were looked through and are in PostgreSQL as they were a moment ago; Panah serves on as before")
    _say("now stop Panah and run this again without --ahead: it brings what has changed since, and compares everything")
    return 0


def _move(source: Path, url: str) -> int:
    aside = moved(source)
    with holding(source):
        here = _what_to_move(source, aside)
        fold(here)
        with _both(here, url) as (old, store):
            if here == aside and not moving.is_under_way(store):
                raise _nothing(source)
            rows = _bring_all(old, store)
            for table in metadata.sorted_tables:
                _require_same(old, store, table)
            # First here, then there: if this ends in between, nobody serves from either until it is run again.
            set_aside(source, aside)
            sync(aside.parent)
            moving.end(store)
    _say(f"{rows} rows are in PostgreSQL, as they were; the old database is now {aside}")
    _say("set PANAH_DATABASE to the new address, keep the key file, and start Panah; then delete the old database")
    return 0


def _what_to_move(source: Path, aside: Path) -> Path:
    """Give the database, or what an earlier move set aside before it broke off."""
    if not aside.exists():
        if source.is_file():
            return source
        raise _nothing(source)
    if source.exists():
        raise CommandError(f"{aside} is there already, from an earlier move; move it away first")
    return aside


def _nothing(source: Path) -> CommandError:
    return CommandError(f"there is nothing to move: no database {source}")


@contextlib.contextmanager
def _both(source: Path, url: str) -> Iterator[tuple[Connection, Store]]:
    """Open the one to read and the other to write."""
    with reading(source) as old:
        if migrate.current(old) != migrate.HEAD:
            raise CommandError("the database is of another release; start this one once before moving")
        store = open_store(url, threaded=False)
        try:
            migrate.upgrade(store.connection)
            yield old, store
        finally:
            store.close()


def _bring_all(old: Connection, store: Store) -> int:
    """Bring what is not there yet and drop what is gone; give how many rows were looked through."""
    tables, goes_on = metadata.sorted_tables, moving.is_under_way(store)
    _require_ours(store, old, goes_on=goes_on)
    moving.begin(store)
    if goes_on:
        for table in reversed(tables):
            _drop_gone(old, store, table)
    return sum(_bring(old, store, table, goes_on=goes_on) for table in tables)


def _require_ours(store: Store, old: Connection, *, goes_on: bool) -> None:
    """Refuse a database that an installation lives in: it is empty, or this very move was begun there."""
    found = store.read_now(schema_ids)
    if (found and not goes_on) or not found <= schema_ids(old):
        raise CommandError("this PostgreSQL database holds another installation, or was used since; give an empty one")


def schema_ids(connection: Connection) -> set[str]:
    """Give the ids of all contacts."""
    contacts = metadata.tables["contacts"]
    return set(connection.execute(select(contacts.c.id)).scalars())


def copy_in(old: Connection, store: Store, table: Table) -> int:
    """Copy one table of a SQLite database into PostgreSQL and compare; give how many rows it has.

    Raises:
        CommandError: the two differ.
    """
    _bring(old, store, table, goes_on=False)
    return _require_same(old, store, table)


def _bring(old: Connection, store: Store, table: Table, *, goes_on: bool) -> int:
    """Copy what is not there yet, or otherwise, and give how many rows were looked through."""
    count = 0
    for rows in _chunks(old, table):
        store.write_now(lambda tx, rows=rows: _put(tx, table, _changed(tx, table, rows) if goes_on else rows))  # type: ignore[misc]
        count += len(rows)
    if _is_numbered(table):
        last = old.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)).scalar() or 0
        sql = f"SELECT setval(?::regclass, greatest((SELECT max(id) FROM {table.name}), ?, 1))"  # noqa: S608 - our own names
        store.write_now(lambda tx: tx.raw.execute(sql, (f"{table.name}_id_seq", last)))
    return count


def _changed(tx: Tx, table: Table, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the rows that are not there as they are here."""
    if _is_numbered(table):
        same = table.c.id.between(rows[0]["id"], rows[-1]["id"])
    else:  # the two databases may put words in another order
        keys = [column.name for column in table.primary_key]
        same = tuple_(*table.primary_key).in_([tuple(row[key] for key in keys) for row in rows])
    there = {repr(tuple(row)) for row in tx.execute(select(table).where(same))}
    return [row for row in rows if repr(tuple(row.values())) not in there]


def _is_numbered(table: Table) -> bool:
    return "id" in table.c and table.c.id.autoincrement is True


def _drop_gone(old: Connection, store: Store, table: Table) -> None:
    """Delete what was deleted here since it was copied."""
    if table.name in _NEVER_CHANGED:
        return
    keys = list(table.primary_key)
    here = set(map(tuple, old.execute(select(*keys))))

    def drop(tx: Tx) -> None:
        gone = [key for row in tx.execute(select(*keys)) if (key := tuple(row)) not in here]
        for at in range(0, len(gone), _CHUNK):
            tx.execute(delete(table).where(tuple_(*keys).in_(gone[at : at + _CHUNK])))

    store.write_now(drop)


def _put(tx: Tx, table: Table, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    changing = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    if changing and table.name not in _NEVER_CHANGED:
        tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=changing), rows)
    else:
        tx.execute(statement.on_conflict_do_nothing(index_elements=keys), rows)


def _chunks(connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    """Give a table's rows in the order of their keys, so many at a time."""
    keys = list(table.primary_key)
    query = select(table).order_by(*keys).limit(_CHUNK)
    rows = connection.execute(query).mappings().all()
    while rows:
        yield [dict(row) for row in rows]
        last = [rows[-1][key.name] for key in keys]
        rows = connection.execute(query.where(tuple_(*keys) > tuple_(*last))).mappings().all()


def _require_same(old: Connection, store: Store, table: Table) -> int:
    here = compare(old, table)
    there = store.write_now(lambda tx: compare(tx.connection, table))  # readers may stand in another schema
    if here != there:
        raise CommandError(
            f"table {table.name} differs: {here[0]} rows here, {there[0]} there. Nothing was changed here;"
            " empty the PostgreSQL database and run it again"
        )
    return here[0]


def compare(connection: Connection, table: Table) -> tuple[int, int]:
    """Give how many rows a table has and one number made of all of them, whatever their order."""
    count, total = 0, 0
    for rows in read_rows(connection, table):
        count, total = count + len(rows), total + sum(digest(row) for row in rows)
    return count, total % 2**256


def read_rows(connection: Connection, table: Table) -> Iterator[Sequence[Row[Any]]]:
    """Give a table's rows, so many at a time; the server keeps the rest."""
    yield from connection.execute(select(table).execution_options(yield_per=_CHUNK)).partitions()


def digest(row: Row[Any]) -> int:
    """Give one number made of a row."""
    return int.from_bytes(hashlib.sha256(repr(tuple(row)).encode("utf-8", "surrogatepass")).digest())


def _say(line: str) -> None:
    print(f"panah: {line}")  # noqa: T201 - the terminal is this verb's business
