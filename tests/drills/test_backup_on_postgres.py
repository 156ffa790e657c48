"""The same drill on PostgreSQL, small: back up, lose everything, restore, go on; who was erased stays erased."""

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from stores import stores_of

from bot.bus import InProcessBus
from bot.cli import main
from bot.core.messages import InboundMsg, TextInput
from bot.erasing import erase
from bot.installation import open_core
from bot.settings import Settings
from bot.store.database import Store
from bot.store.opening import open_store, reading
from bot.store.vault import contact_key, unseal
from bot.store.walls_ddl import breaches
from bot.telemetry import configure
from bot.tombstones import add_tombstones, path_of

CRY = "شوهرم داره منو می‌زنه"
PEOPLE = ("mina", "sara", "zahra")


class Town:
    """An installation on PostgreSQL, opened in this process."""

    def __init__(self, var, url):
        self.settings = Settings(var=var, database_url=url)

    @property
    def url(self):
        return self.settings.database_url

    def open(self):
        return open_core(self.settings, configure(), InProcessBus())

    def say(self, words):
        """Let each say her words, and stop."""
        core = self.open()
        for name, word in words.items():
            now = datetime.now(UTC)
            message = InboundMsg(
                channel="web", external_id=name, provider_id=f"{name} {now:%f}", input=TextInput(word), received_at=now
            )
            core.inbox.put(message).done.result(60)
        core.store.close()

    def ask(self, sql):
        with reading(self.url) as db:
            return [tuple(row) for row in db.execute(text(sql))]

    def change(self, sql):
        store = open_store(self.url, threaded=False)
        store.write_now(lambda tx: tx.raw.execute(sql) and None)
        store.close()

    def erase(self, contact_id):
        store = open_store(self.url, threaded=False)
        store.write_now(lambda tx: erase(tx, contact_id=contact_id, now_ms=1))
        store.close()

    def said(self):
        """Give what people wrote, opened with the key file."""
        core = self.open()
        rows = self.ask("SELECT contact_id, sealed_body FROM messages WHERE author = 'contact' ORDER BY id")
        keys = core.store.read_now(lambda db: [contact_key(db, core.keyring, contact) for contact, _ in rows])
        core.store.close()
        return {unseal(key, "messages.body", body)["text"] for key, (_, body) in zip(keys, rows, strict=True)}


@pytest.fixture
def stores():
    with stores_of("postgres") as made:
        yield made


@pytest.fixture
def panah(monkeypatch, capsys):
    """Run a verb on a town; give its exit code and what it said."""

    def run(town, *arguments):
        monkeypatch.setenv("PANAH_VAR", str(town.settings.var))
        monkeypatch.setenv("PANAH_DATABASE", town.url)
        code = main([*map(str, arguments)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.fixture
def empty(stores):
    """Give a maker of databases with nothing in them."""
    made = []

    def make():
        made.append(f"drill{len(made)}")
        return stores.cluster.create(made[-1])

    yield make
    for name in made:
        stores.cluster.drop(name)


@pytest.fixture(scope="module")
def lived_once(tmp_path_factory):
    """Let people live in one installation; tests get copies."""
    var = tmp_path_factory.mktemp("lived") / "var"
    with stores_of("postgres") as stores:
        made = Town(var, stores.cluster.create("lived", template="panah_template"))
        made.say(dict.fromkeys(PEOPLE, CRY))
        yield made
        stores.cluster.drop("lived")


@pytest.fixture
def lived(stores, lived_once, tmp_path):
    shutil.copytree(lived_once.settings.var, tmp_path / "var")
    yield Town(tmp_path / "var", stores.cluster.create("lived_here", template="lived"))
    stores.cluster.drop("lived_here")


def moved(lived, url, name):
    """Give another machine with an empty database and the escrow copy of the key."""
    var = lived.settings.var.with_name(name)
    (var / "keys").mkdir(parents=True)
    shutil.copy(lived.settings.key_path, var / "keys")
    return Town(var, url)


def counts(town):
    return {
        name: town.ask(f"SELECT count(*) FROM {name}")[0][0]
        for name in ("contacts", "turns", "messages", "outbox", "cases", "case_events", "due", "audit", "versions")
    }


def test_a_backup_is_restored_elsewhere_and_people_go_on(lived, empty, panah, tmp_path):
    copy = tmp_path / "copy.db"
    lived.change("UPDATE outbox SET state = 'sending' WHERE id = (SELECT min(id) FROM outbox)")
    lived.change("DELETE FROM messages WHERE id = (SELECT max(id) FROM messages)")
    before, newest = counts(lived), lived.ask("SELECT last_value FROM messages_id_seq")[0][0]
    assert (0, True) == (panah(lived, "backup", copy)[0], copy.is_file())
    new = moved(lived, empty(), "new")
    code, said = panah(new, "restore", copy)

    assert 0 == code, said
    assert {**before, "case_events": before["case_events"] + 1} == counts(new)  # that one answer is unknown
    assert [("unknown",)] == new.ask("SELECT state FROM outbox ORDER BY id LIMIT 1")
    assert [("running",)] == new.ask("SELECT value FROM meta WHERE key = 'stop'")  # the next start is careful
    with reading(new.url) as db:
        assert [] == breaches(db)  # the wall between provinces stands in the new place too
    new.say({"mina": "هنوز اینجام"})
    assert {CRY, "هنوز اینجام"} == new.said()
    assert new.ask("SELECT max(id) FROM messages")[0][0] > newest
    assert 3 == new.ask("SELECT count(*) FROM cases")[0][0]


def test_the_backup_of_one_database_restores_into_the_other(lived, empty, panah, tmp_path, monkeypatch):
    copy, before = tmp_path / "copy.db", counts(lived)
    panah(lived, "backup", copy)
    monkeypatch.delenv("PANAH_DATABASE")
    var = moved(lived, empty(), "small").settings.var
    monkeypatch.setenv("PANAH_VAR", str(var))

    assert 0 == main(["restore", str(copy)])
    with closing(sqlite3.connect(var / "panah.db")) as db:
        assert before == {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in before}
    assert 0 == main(["backup", str(tmp_path / "back.db")])
    assert 0 == panah(moved(lived, empty(), "large"), "restore", tmp_path / "back.db")[0]


def test_who_was_erased_after_the_backup_does_not_come_back(lived, panah, tmp_path):
    copy = tmp_path / "copy.db"
    panah(lived, "backup", copy)
    here, elsewhere, _ = [row[0] for row in lived.ask("SELECT id FROM contacts ORDER BY id")]
    lived.erase(here)
    add_tombstones(path_of(lived.settings), [elsewhere])  # known only from the file beside the key
    code, said = panah(lived, "restore", copy, "--replace")

    assert 0 == code, said
    assert {(here,), (elsewhere,)} == set(lived.ask("SELECT id FROM contacts WHERE wrapped_key IS NULL"))
    assert [(1,)] == lived.ask("SELECT count(DISTINCT contact_id) FROM messages")
    assert {CRY} == lived.said()


def test_an_installation_is_replaced_only_when_it_is_asked_for_and_is_kept_aside(lived, panah, tmp_path):
    copy = tmp_path / "copy.db"
    panah(lived, "backup", copy)
    lived.say({"late": "سلام"})
    refused, kept = panah(lived, "restore", copy), counts(lived)
    code, said = panah(lived, "restore", copy, "--replace")
    aside = next(word for word in said.split() if word.startswith("panah_2")).rstrip(";")

    assert (2, True) == (refused[0], "--replace" in refused[1])
    assert 4 == kept["contacts"]
    assert (0, 3) == (code, counts(lived)["contacts"])
    assert [(4,)] == lived.ask(f"SELECT count(*) FROM {aside}.contacts")


def test_a_process_that_runs_is_not_restored_under(lived, panah, tmp_path):
    copy = tmp_path / "copy.db"
    panah(lived, "backup", copy)
    core = lived.open()
    code, said = panah(lived, "restore", copy, "--replace")
    core.store.close()

    assert (2, True) == (code, "stop every role first" in said)


def test_a_backup_is_one_moment_though_people_write_meanwhile(lived, panah, tmp_path):
    store = open_store(lived.url)
    half = store.submit(
        lambda tx: (tx.raw.execute("INSERT INTO meta VALUES ('half', '1')"), panah(lived, "backup", tmp_path / "c.db"))[
            1
        ]
    )

    assert 0 == half.result(120)[0]
    store.close()
    with closing(sqlite3.connect(tmp_path / "c.db")) as db:
        assert [] == db.execute("SELECT key FROM meta WHERE key = 'half'").fetchall()
        assert ("ok",) == db.execute("PRAGMA integrity_check").fetchone()
    assert [(1,)] == lived.ask("SELECT count(*) FROM meta WHERE key = 'backup_at'")


def test_a_check_tries_everything_and_touches_nothing(lived, panah, tmp_path):
    copy = tmp_path / "copy.db"
    panah(lived, "backup", copy)
    before = counts(lived), copy.read_bytes()
    code, said = panah(lived, "restore", copy, "--check")

    assert (0, True) == (code, "3 contacts" in said), said
    assert before == (counts(lived), copy.read_bytes())


def test_a_check_names_what_would_be_wrong(lived, panah, tmp_path):
    copy = tmp_path / "copy.db"
    lived.erase(lived.ask("SELECT min(id) FROM contacts")[0][0])
    panah(lived, "backup", copy)
    store = Store(copy, threaded=False)
    store.connection.exec_driver_sql("DROP TRIGGER audit_stays")
    store.connection.exec_driver_sql("UPDATE audit SET actor = 'nobody'")
    store.close()
    broken = panah(lived, "restore", copy, "--check")
    copy.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])
    half = panah(lived, "restore", copy, "--check")

    assert (2, True) == (broken[0], "audit in this backup breaks" in broken[1]), broken
    assert 2 == half[0]
