"""`panah move` on databases that were lived in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from stores import stores_of

from bot.cli import main
from bot.commands.move import schema_ids
from bot.core.ids import system_ids
from bot.core.messages import InboundMsg, TextInput
from bot.store import moving
from bot.store.crypto import create_key_file
from bot.store.database import Store
from bot.store.opening import reading
from bot.store.trouble import StoreUnwritableError

ROOT = Path(__file__).resolve().parents[2]
CRY = "شوهرم داره منو می‌زنه"


@pytest.fixture
def stores():
    with stores_of("postgres") as made:
        yield made


@pytest.fixture
def lived(make_core, tmp_path, monkeypatch):
    with stores_of("sqlite"):
        core = make_core(tmp_path / "panah.db")
    for number in range(5):
        for text in ("سلام", CRY):
            message = InboundMsg(
                channel="telegram", external_id=f"u{number}", provider_id=system_ids(), input=TextInput(text),
                received_at=core.clock.now(),
            )  # fmt: skip
            core.inbox.put(message).done.result(10)
    core.store.close()
    monkeypatch.setenv("PANAH_VAR", str(tmp_path))
    return tmp_path


def counts(path):
    tables = ("contacts", "turns", "messages", "outbox", "cases", "case_events", "due")
    with reading(path) as db:
        return {name: db.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar() for name in tables}


def refused_start(**settings):
    """Start Panah, which must not start, and give the one sentence that it ends with."""
    ports = {"PANAH_WEB_PORT": "0", "PANAH_CONSOLE_PORT": "0", "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-m", "bot", "run"], env={**os.environ, **ports, **settings}, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    [sentence] = ended.stderr.splitlines()
    assert (2, "") == (ended.returncode, ended.stdout)
    return sentence


def test_everything_is_there_and_the_old_file_is_set_aside(lived, stores, capsys):
    url, before = stores.database(lived / "new"), counts(lived / "panah.db")

    assert 0 == main(["move", "--to", url])
    assert before == counts(url)
    assert before["cases"] == 5
    assert not (lived / "panah.db").exists()
    assert (lived / "panah.db.moved").exists()
    assert "as they were" in capsys.readouterr().out


def test_new_rows_get_new_numbers_afterwards(lived, stores):
    url = stores.database(lived / "new")
    main(["move", "--to", url])
    with stores_of("postgres"):
        store = stores.open(lived / "new", threaded=False)
    newest = store.read_now(lambda db: db.exec_driver_sql("SELECT max(id) FROM inbox").scalar())

    assert [newest + 1] == list(store.write_now(lambda tx: tx.next_ids("inbox", 1)))
    store.close()


def test_a_move_that_broke_off_is_run_again(lived, stores):
    url, before = stores.database(lived / "new"), counts(lived / "panah.db")
    main(["move", "--to", url])
    (lived / "panah.db.moved").rename(lived / "panah.db")
    store = stores.open(lived / "new", threaded=False)
    moving.begin(store)
    for sql in ("DELETE FROM outbox WHERE id > 3", "DELETE FROM turns", "UPDATE cases SET tier = 'T4'"):
        store.write_now(lambda tx, sql=sql: tx.raw.execute(sql))
    store.close()

    assert 0 == main(["move", "--to", url])
    assert before == counts(url)


def test_a_move_that_broke_off_between_the_two_places_is_served_from_neither_and_ends_when_run_again(
    lived, stores, capsys, monkeypatch
):
    url, before = stores.database(lived / "new"), counts(lived / "panah.db")

    class PowerLossError(Exception):
        pass

    def fails(_store):
        raise PowerLossError

    with monkeypatch.context() as patch:
        patch.setattr(moving, "end", fails)
        with pytest.raises(PowerLossError):
            main(["move", "--to", url])
    store = stores.open(lived / "new", threaded=False)
    with pytest.raises(StoreUnwritableError):
        moving.require_whole(store)
    assert not (lived / "panah.db").exists()

    assert 0 == main(["move", "--to", url])
    moving.require_whole(store)
    assert before == counts(url) == counts(lived / "panah.db.moved")
    assert 2 == main(["move", "--to", url])
    assert "nothing to move" in capsys.readouterr().err
    store.close()


def test_what_a_killed_process_left_in_its_log_is_moved_and_no_log_stays_behind(lived, stores):
    url, running = stores.database(lived / "new"), Store(lived / "panah.db", threaded=False)
    running.write_now(lambda tx: tx.raw.execute("INSERT INTO meta (key, value) VALUES ('last', '1')") and None)
    left = {name: (lived / name).read_bytes() for name in ("panah.db", "panah.db-wal")}
    running.close()
    assert len(left["panah.db-wal"]) > 0
    for name, content in left.items():
        (lived / name).write_bytes(content)

    assert 0 == main(["move", "--to", url])
    assert [] == [path.name for path in lived.glob("panah.db*") if path.stat().st_size and "moved" not in path.name]
    for place in (url, lived / "panah.db.moved"):
        with reading(place) as db:
            assert "1" == db.exec_driver_sql("SELECT value FROM meta WHERE key = 'last'").scalar()


def test_most_is_copied_while_it_serves_and_the_rest_once_it_is_stopped(lived, stores, capsys):
    url, running = stores.database(lived / "new"), Store(lived / "panah.db")

    assert 0 == main(["move", "--to", url, "--ahead"])
    assert "serves on" in capsys.readouterr().out
    for sql in (
        "UPDATE cases SET tier = 'T4'",
        "DELETE FROM messages WHERE id <= 3",
        "DELETE FROM case_events",
        "INSERT INTO meta (key, value) VALUES ('later', '1')",
        "INSERT INTO messages (contact_id, author, sealed_body, at) SELECT id, 'bot', x'00', 1 FROM contacts",
    ):
        running.submit(lambda tx, sql=sql: tx.raw.execute(sql) and None).result(10)
    running.close()
    before = counts(lived / "panah.db")

    assert 0 == main(["move", "--to", url])
    assert before == counts(url)
    assert not (lived / "panah.db").exists()
    with reading(url) as db:
        assert {"T4"} == set(db.exec_driver_sql("SELECT tier FROM cases").scalars())


def test_nobody_serves_from_a_database_that_is_only_partly_copied(lived, stores):
    url = stores.database(lived / "new")
    store = stores.open(lived / "new", threaded=False)
    moving.require_whole(store)
    main(["move", "--to", url, "--ahead"])

    create_key_file(lived / "keys" / "panah.key")
    assert "a move into this database has not ended" in refused_start(PANAH_DATABASE=url)
    main(["move", "--to", url])
    moving.require_whole(store)
    store.close()


def test_nobody_begins_an_empty_installation_where_the_moved_one_was(lived, stores):
    main(["move", "--to", stores.database(lived / "new")])
    create_key_file(lived / "keys" / "panah.key")

    assert "was moved" in refused_start()
    assert not (lived / "panah.db").exists()


def test_a_database_that_was_served_from_since_is_not_written_over(lived, stores, capsys):
    url = stores.database(lived / "new")
    main(["move", "--to", url])
    (lived / "panah.db.moved").rename(lived / "panah.db")

    assert 2 == main(["move", "--to", url])
    assert "was used since" in capsys.readouterr().err


def test_another_installation_is_not_mixed_with_ours(lived, stores, capsys):
    url = stores.database(lived / "new")
    store = stores.open(lived / "new", threaded=False)
    row = "INSERT INTO contacts (id, key_id, created_at, seen_at) VALUES ('stranger', 'k', 1, 1)"
    store.write_now(lambda tx: tx.raw.execute(row))
    store.close()

    assert 2 == main(["move", "--to", url])
    assert "another installation" in capsys.readouterr().err
    assert (lived / "panah.db").exists()


def test_a_running_installation_is_not_moved(lived, stores, capsys):
    running = Store(lived / "panah.db")

    assert 2 == main(["move", "--to", stores.database(lived / "new")])
    assert "stop it first" in capsys.readouterr().err
    running.close()


def test_a_row_that_is_only_in_the_new_place_is_noticed(lived, stores, capsys):
    url = stores.database(lived / "new")
    store = stores.open(lived / "new", threaded=False)
    store.write_now(lambda tx: tx.raw.execute("INSERT INTO meta (key, value) VALUES ('stray', '1')"))
    store.close()

    assert 2 == main(["move", "--to", url])
    assert "table meta differs" in capsys.readouterr().err
    with reading(lived / "panah.db") as db:
        assert len(schema_ids(db)) == 5
