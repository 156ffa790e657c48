"""A backup taken beside the writer, the way back from it, and the key that must not be lost."""

import shutil
import sqlite3
import stat
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from commands.conftest import refused

from bot.bus import InProcessBus
from bot.commands.backup import copy_database
from bot.core.messages import InboundMsg, TextInput
from bot.erasing import erase
from bot.errors import CommandError
from bot.installation import open_core
from bot.settings import Settings
from bot.store.crypto import create_key_file
from bot.store.database import Store
from bot.store.vault import contact_key, unseal
from bot.telemetry import configure


@pytest.fixture(scope="module")
def lived_home(first_home):
    """Make an installation in which two people wrote; the messages to them still wait. Copy it, do not touch it."""
    home = Path(tempfile.mkdtemp(prefix="panah-"))
    shutil.copytree(first_home, home, dirs_exist_ok=True)
    core = open_core(Settings(var=home / "var"), configure(), InProcessBus())
    for name in ("first", "second"):
        now = datetime.now(UTC)
        received = TextInput(f"سلام {name}")
        message = InboundMsg(channel="web", external_id=name, provider_id=name, input=received, received_at=now)
        core.inbox.put(message).done.result(30)
    core.store.close()
    yield home
    shutil.rmtree(home)


@pytest.fixture
def lived(panah, lived_home):
    """Give a copy of it."""
    shutil.copytree(lived_home / "var", panah.var)
    return panah


def query(path, sql):
    with sqlite3.connect(path) as db:
        return db.execute(sql).fetchall()


def said(cli):
    """Give what people wrote, opened with the key file."""
    core = open_core(Settings(var=cli.var), configure(), InProcessBus())
    sql = "SELECT contact_id, sealed_body FROM messages WHERE author = 'contact' ORDER BY id"
    rows = core.store.read_now(lambda db: db.exec_driver_sql(sql).all())
    keys = core.store.read_now(lambda db: [contact_key(db, core.keyring, contact) for contact, _ in rows])
    core.store.close()
    return [unseal(key, "messages.body", sealed)["text"] for key, (_, sealed) in zip(keys, rows, strict=True)]


def test_a_backup_is_one_private_file_and_is_remembered(lived, verb):
    target = lived.home / "copy.db"
    done = verb("backup", target)

    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [item.name for item in lived.home.iterdir() if "copy" in item.name] == ["copy.db"]
    assert query(target, "SELECT count(*) FROM contacts") == [(2,)]
    assert query(lived.var / "panah.db", "SELECT count(*) FROM meta WHERE key = 'backup_at'") == [(1,)]
    assert "سلام".encode() not in target.read_bytes()


def test_nothing_is_overwritten(lived, verb):
    target = lived.home / "copy"
    target.write_text("precious", encoding="ascii")

    assert "exists already" in refused(verb("backup", target))
    assert "exists already" in refused(verb("key", "export", target))
    assert target.read_text(encoding="ascii") == "precious"


def test_a_backup_taken_while_somebody_writes_is_whole(lived, tmp_path):
    store = Store(lived.var / "panah.db")
    store.write_now(lambda tx: tx.raw.execute("INSERT INTO meta VALUES ('written', '1')"))
    half = store.submit(lambda tx: (tx.raw.execute("INSERT INTO meta VALUES ('half', '1')"), copy(lived, tmp_path)))
    half.result(30)
    store.close()

    assert query(tmp_path / "copy.db", "SELECT key FROM meta WHERE key IN ('written', 'half')") == [("written",)]


def copy(cli, directory):
    copy_database(cli.var / "panah.db", directory / "copy.db")


def test_a_restored_installation_reads_what_was_written(lived, verb):
    target = lived.home / "copy.db"
    verb("backup", target)
    for path in lived.var.glob("panah.db*"):
        path.unlink()
    done = verb("restore", target)

    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((lived.var / "panah.db").stat().st_mode) == 0o600
    assert said(lived) == ["سلام first", "سلام second"]


def test_a_restore_says_nothing_twice_and_nothing_late(lived, verb):
    source = lived.home / "copy.db"
    verb("backup", source)
    with sqlite3.connect(source) as db:
        first, second, *_ = [row[0] for row in db.execute("SELECT id FROM outbox ORDER BY id")]
        db.execute("UPDATE outbox SET state = 'queued', expires_at = 9999999999999")
        db.execute("UPDATE outbox SET state = 'sending' WHERE id = ?", (first,))
        db.execute("UPDATE outbox SET expires_at = 1 WHERE id = ?", (second,))
    verb("restore", source, "--replace")
    states = dict(query(lived.var / "panah.db", "SELECT id, state FROM outbox"))

    assert (states.pop(first), states.pop(second)) == ("unknown", "expired")
    assert set(states.values()) <= {"queued"}


def test_the_database_that_was_there_is_moved_aside_and_who_was_erased_stays_erased(lived, verb):
    source = lived.home / "copy.db"
    verb("backup", source)
    store = Store(lived.var / "panah.db")
    sql = "SELECT id FROM contacts ORDER BY created_at, id LIMIT 1"
    gone = store.read_now(lambda db: db.exec_driver_sql(sql).scalar())
    store.write_now(lambda tx: erase(tx, contact_id=gone, now_ms=1))
    store.close()
    kept = refused(verb("restore", source))
    done = verb("restore", source, "--replace")
    erased = query(lived.var / "panah.db", "SELECT id FROM contacts WHERE wrapped_key IS NULL")

    assert "--replace moves it aside" in kept
    assert done.returncode == 0, done.stderr
    assert erased == [(gone,)]
    assert len(said(lived)) == 1
    assert len(list(lived.var.glob("panah.db.2*Z"))) == 1


def test_a_backup_that_another_key_sealed_is_refused(lived, verb):
    source = lived.home / "copy.db"
    verb("backup", source)
    (lived.var / "keys" / "panah.key").unlink()
    create_key_file(lived.var / "keys" / "panah.key")
    before = query(lived.var / "panah.db", "SELECT id FROM contacts")

    assert "does not open this backup" in refused(verb("restore", source, "--replace"))
    assert query(lived.var / "panah.db", "SELECT id FROM contacts") == before


@pytest.mark.parametrize("content", [b"", b"no database" * 500], ids=["empty", "words"])
def test_what_is_no_backup_is_refused_and_touches_nothing(lived, content, verb):
    source = lived.home / "copy.db"
    source.write_bytes(content)
    before = (lived.var / "panah.db").read_bytes()

    refused(verb("restore", source, "--replace"))
    assert (lived.var / "panah.db").read_bytes() == before
    assert list(lived.var.glob(".restore-*")) == []


def test_a_backup_from_the_future_is_refused(lived, verb):
    source = lived.home / "copy.db"
    verb("backup", source)
    with sqlite3.connect(source) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")

    assert "newer Panah" in refused(verb("restore", source, "--replace"))


def test_a_damaged_database_is_not_backed_up_as_if_it_were_whole(lived, tmp_path):
    database = tmp_path / "panah.db"
    copy_database(lived.var / "panah.db", database)
    content = bytearray(database.read_bytes())
    content[8192:40960] = b"\xff" * 32768
    database.write_bytes(content)

    with pytest.raises(CommandError):
        copy_database(database, tmp_path / "copy.db")


def test_the_exported_key_opens_a_backup_elsewhere(lived, verb):
    assert verb("backup", lived.home / "copy.db").returncode == 0
    exported = verb("key", "export", lived.home / "escrow.key")
    assert stat.S_IMODE((lived.home / "escrow.key").stat().st_mode) == 0o600
    shutil.rmtree(lived.var)
    (lived.var / "keys").mkdir(parents=True)
    shutil.copy(lived.home / "escrow.key", lived.var / "keys" / "panah.key")
    done = verb("restore", lived.home / "copy.db")

    assert "without it nobody reads anything" in exported.stdout
    assert done.returncode == 0, done.stderr
    assert said(lived) == ["سلام first", "سلام second"]
