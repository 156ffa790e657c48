"""The audit's chain: every change of every row breaks it at that row, and a cut end is told by an anchor outside."""

import itertools
import shutil
import sqlite3
from datetime import UTC, datetime

import pytest

from bot.anchors import AuditWatch, read_anchors
from bot.beats import Beats
from bot.core.clock import VirtualClock
from bot.settings import Settings
from bot.store import migrate
from bot.store.audit import Head, append, head, let_go, verify
from bot.store.crypto import ephemeral_keyring
from bot.store.database import Store
from bot.store.sqlite_file import reading
from bot.telemetry import configure

ROWS = 12
KEY = ephemeral_keyring().audit_key
COLUMNS = ("seq", "actor", "action", "target", "target_id", "reason", "at", "prev", "mac")


def add(tx, number, **fields):
    row = {"actor": f"staff{number % 3}", "action": "read", "target": "case", "target_id": f"case{number}"}
    append(tx, **{**row, "reason": "", "at": 1_000 + number, **fields})


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Give a database with a chain of some rows, closed."""
    path = tmp_path_factory.mktemp("chain") / "panah.db"
    store = Store(path)
    store.audit_key = KEY
    migrate.upgrade(store.connection)
    store.write_now(lambda tx: [add(tx, number) for number in range(ROWS)] and None)
    store.close()
    return path


@pytest.fixture
def copies(written, tmp_path):
    """Give copies in which somebody who owns the file has run some SQL."""
    numbers = itertools.count()

    def changed(*statements):
        path = tmp_path / f"copy{next(numbers)}.db"
        shutil.copy(written, path)
        with sqlite3.connect(path) as db:
            db.execute("DROP TRIGGER audit_stays")
            db.execute("DROP TRIGGER audit_kept")
            for statement in statements:
                db.execute(*statement if isinstance(statement, tuple) else (statement,))
        db.close()
        return path

    return changed


def verdict_of(path, anchors=(), key=KEY):
    with reading(path) as connection:
        return verify(connection, key, anchors)


def test_a_chain_that_nobody_touched_holds(written):
    verdict = verdict_of(written)

    assert (ROWS, None, "") == (verdict.rows, verdict.broken, verdict.why)


@pytest.mark.parametrize("column", COLUMNS)
def test_every_change_of_every_row_is_found_at_that_row(copies, column):
    for seq in range(1, ROWS + 1):
        change = f"UPDATE audit SET {column} = CASE WHEN typeof({column}) = 'integer' THEN {column} + 1000 ELSE {column} || 'x' END WHERE seq = ?"
        verdict = verdict_of(copies((change, (seq,))))

        assert seq == verdict.broken, (column, seq, verdict)


def test_every_deleted_row_is_found(copies):
    for seq in range(1, ROWS + 1):
        assert seq == verdict_of(copies(("DELETE FROM audit WHERE seq = ?", (seq,)))).broken


def test_rows_that_changed_places_are_found(copies):
    for seq in range(1, ROWS):
        swap = [
            ("UPDATE audit SET seq = -1 WHERE seq = ?", (seq,)),
            ("UPDATE audit SET seq = ? WHERE seq = ?", (seq, seq + 1)),
            ("UPDATE audit SET seq = ? WHERE seq = -1", (seq + 1,)),
        ]

        assert seq == verdict_of(copies(*swap)).broken


def test_a_row_that_was_put_in_is_found_wherever_it_is(copies):
    row = "INSERT INTO audit (actor, action, target, at, seq, prev, mac) SELECT 'x', 'read', 'case', 5, {}, prev, mac FROM audit WHERE seq = {}"
    for seq in range(1, ROWS + 1):
        later = f"UPDATE audit SET seq = -seq WHERE seq >= {seq}"
        back = "UPDATE audit SET seq = 1 - seq WHERE seq < 0"

        assert (
            seq
            == verdict_of(
                copies(row.format(999, seq), later, f"UPDATE audit SET seq = {seq} WHERE seq = -999", back)
            ).broken
        )
    assert ROWS + 1 == verdict_of(copies(row.format(ROWS + 1, ROWS))).broken
    assert 1 == verdict_of(copies(row.format(0, 1))).broken


def test_a_cut_end_is_told_by_the_head_and_with_a_changed_head_by_the_anchor(copies, written):
    with reading(written) as connection:
        anchor = head(connection)
    cut = "DELETE FROM audit WHERE seq > 7"
    hidden = "UPDATE audit_head SET seq = 7, mac = (SELECT mac FROM audit WHERE seq = 7)"

    assert 8 == verdict_of(copies(cut)).broken
    assert None is verdict_of(copies(cut, hidden)).broken
    assert 8 == verdict_of(copies(cut, hidden), [anchor]).broken
    assert None is verdict_of(written, [anchor]).broken


def test_a_new_chain_written_with_another_key_or_behind_an_anchor_is_found(written):
    assert 1 == verdict_of(written, key=ephemeral_keyring().audit_key).broken
    assert 3 == verdict_of(written, [Head(seq=3, mac="0" * 64)]).broken


def test_where_the_chain_begins_is_signed(tmp_path):
    store = Store(tmp_path / "panah.db")
    store.audit_key = KEY
    migrate.upgrade(store.connection)
    store.write_now(lambda tx: [add(tx, number) for number in range(ROWS)] and None)
    store.write_now(lambda tx: let_go(tx, {"from": 0, "to": 5}))
    assert (ROWS - 5, None) == (verdict_of(tmp_path / "panah.db").rows, verdict_of(tmp_path / "panah.db").broken)

    store.write_now(
        lambda tx: tx.raw.execute("UPDATE meta SET value = '[6, \"x\", \"y\"]' WHERE key = 'audit.floor'") and None
    )
    assert 1 == verdict_of(tmp_path / "panah.db").broken
    store.close()


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x' WHERE seq = 2", "DELETE FROM audit WHERE seq = 2"])
def test_the_database_refuses_to_change_the_audit(written, tmp_path, statement):
    path = shutil.copy(written, tmp_path / "panah.db")
    with pytest.raises(sqlite3.IntegrityError, match="of the audit"), sqlite3.connect(path) as db:
        db.execute(statement)
    db.close()
    assert None is verdict_of(path).broken


def test_an_act_that_is_rolled_back_leaves_no_gap(tmp_path):
    store = Store(tmp_path / "panah.db")
    store.audit_key = KEY
    migrate.upgrade(store.connection)

    def fails(tx):
        add(tx, 1)
        raise ValueError

    futures = [store.submit(lambda tx, n=n: add(tx, n)) for n in range(3)]
    bad = store.submit(fails)
    futures += [store.submit(lambda tx, n=n: add(tx, n)) for n in range(3)]
    for future in futures:
        future.result(10)
    assert isinstance(bad.exception(10), ValueError)
    verdict = verdict_of(tmp_path / "panah.db")
    store.close()

    assert (6, None) == (verdict.rows, verdict.broken)


@pytest.fixture
def watched(written, tmp_path):
    """Give the loop that anchors and verifies, over a copy, with a clock that moves only when told to."""
    shutil.copy(written, tmp_path / "panah.db")
    store, clock = Store(tmp_path / "panah.db"), VirtualClock(datetime(2026, 11, 22, tzinfo=UTC))
    store.audit_key = KEY
    told = tmp_path / "told"
    program = tmp_path / "tell"
    program.write_text(f"#!/bin/sh\ncat >> {told}\n")
    program.chmod(0o700)
    settings = Settings(anchor_file=tmp_path / "anchors", anchor_command=str(program))
    yield AuditWatch(store, clock, settings, log=configure(), beats=Beats(clock)), store, clock, tmp_path
    store.close()


async def test_the_end_of_the_chain_is_told_outside_every_ten_minutes(watched):
    watch, store, clock, place = watched
    await watch.look()
    await store.write(lambda tx: add(tx, 99))
    clock.advance(599)
    await watch.look()
    assert [ROWS] == [anchor.seq for anchor in read_anchors(place / "anchors")]
    clock.advance(1)
    await watch.look()

    assert [ROWS, ROWS + 1] == [anchor.seq for anchor in read_anchors(place / "anchors")]
    assert (place / "anchors").read_text() == (place / "told").read_text()
    clock.advance(600)
    await watch.look()
    assert 2 == len(list(read_anchors(place / "anchors")))


async def test_verifying_each_night_notes_what_it_found_for_the_health_page(watched):
    watch, store, clock, _ = watched

    def broken():
        return store.read_now(
            lambda db: db.exec_driver_sql("SELECT value FROM meta WHERE key = 'audit.broken'").scalar()
        )

    await watch.look()
    assert "0" == broken()

    def tamper(tx):
        tx.raw.execute("DROP TRIGGER audit_stays")
        tx.raw.execute("UPDATE audit SET reason = 'x' WHERE seq = 4")

    await store.write(tamper)
    clock.advance(24 * 3600)
    await watch.look()

    assert "4" == broken()


def test_torn_lines_among_the_anchors_are_passed_over(tmp_path):
    file = tmp_path / "anchors"
    file.write_text('{"at": 1, "seq": 3, "mac": "aa"}\n{"at": 2, "se\n[]\nx\n{"at": 3, "seq": 9, "mac": "bb"}\n')

    assert [Head(seq=3, mac="aa"), Head(seq=9, mac="bb")] == list(read_anchors(file))
