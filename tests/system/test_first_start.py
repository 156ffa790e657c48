"""The first start of many processes at once: exactly one makes key, tables and first version; the others wait for it."""

import json
import os
import signal
import subprocess
import sys
import threading

import psycopg
import pytest
from stores import stores_of
from system.harness import ROOT, free_port

pytestmark = pytest.mark.timeout(240)

UP, MISSING = "is up", "put its escrow copy back"


class Started:
    """One process whose words are read as they come."""

    def __init__(self, *arguments, options=(), **settings):
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PANAH_")}
        ports = {"PANAH_WEB_PORT": str(free_port()), "PANAH_CONSOLE_PORT": str(free_port())}
        self._pieces = []
        self._news = threading.Condition()
        self._ended = False
        self.process = subprocess.Popen(
            [sys.executable, *options, "-m", "bot", *arguments],
            cwd=ROOT, env={**clean, **ports, "PYTHONPATH": str(ROOT), **settings}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self._news:
                self._pieces.append(line)
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    @property
    def words(self):
        return "".join(self._pieces)

    def wait_for(self, word):
        """Wait until it said this, or ended; True when it said it."""
        with self._news:
            assert self._news.wait_for(lambda: word in self.words or self._ended, 120), self.words
        return word in self.words

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self._reader.join(10)
        self.process.stdout.close()
        return code


@pytest.fixture
def url():
    """Give a database with nothing in it, not even tables."""
    with stores_of("postgres") as stores:
        name = f"fresh{os.getpid()}"
        yield stores.cluster.create(name)
        stores.cluster.drop(name)


@pytest.fixture
def start():
    running = []

    def begin(*arguments, **settings):
        running.append(Started(*arguments, **settings))
        return running[-1]

    yield begin
    for one in running:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait(30)
        one._reader.join(10)
        one.process.stdout.close()


def ask(url, sql):
    with psycopg.connect(url) as connection:
        return connection.execute(sql).fetchall()


def test_roles_that_start_at_once_make_everything_once(url, start, tmp_path):
    settings = {"PANAH_DATABASE": url, "PANAH_VAR": str(tmp_path / "var")}
    roles = [start("serve", "--role", role, **settings) for role in ("console", "door", "sender")]
    up = [role.wait_for(UP) for role in roles]

    assert [True] * 3 == up, "".join(role.words for role in roles)
    key = json.loads((tmp_path / "var/keys/panah.key").read_text("ascii"))
    assert [(key["key_id"],)] == ask(url, "SELECT value FROM meta WHERE key = 'key_id'")
    assert [("install",)] == ask(url, "SELECT action FROM publications")
    assert [(1, 1)] == ask(url, "SELECT (SELECT count(*) FROM versions), (SELECT count(*) FROM alembic_version)")
    assert ["panah.key"] == [path.name for path in (tmp_path / "var/keys").iterdir() if path.suffix == ".key"]
    assert [0] * 3 == [role.end() for role in roles]


def test_of_two_machines_with_a_key_each_to_make_one_serves_and_the_other_is_told_to_copy_it(url, start, tmp_path):
    both = [
        start("serve", "--role", "sender", PANAH_DATABASE=url, PANAH_VAR=str(tmp_path / name)) for name in ("a", "b")
    ]
    served = [one.wait_for(UP) for one in both]

    assert [False, True] == sorted(served), "".join(one.words for one in both)
    other = both[served.index(False)]
    assert (2, True) == (other.process.wait(30), MISSING in other.words)
    assert 1 == len(list(tmp_path.glob("*/keys/panah.key")))


@pytest.mark.parametrize("imported", ["bot.commands.serve", "telegram.error", "telegram.ext"])
def test_a_staff_bot_that_is_told_to_stop_while_it_still_starts_ends_with_zero(start, tmp_path, imported):
    nobody = f"http://127.0.0.1:{free_port()}"
    staffbot = start(
        "serve", "--role", "staffbot", options=("-X", "importtime"), PANAH_VAR=str(tmp_path / "var"),
        PANAH_STAFFBOT_TOKEN="1:token", PANAH_STAFFBOT_API=nobody,
    )  # fmt: skip
    # the module after it begins when serve() already runs
    assert staffbot.wait_for("bot.commands.staffbot\n" if imported == "bot.commands.serve" else f" {imported}\n")

    assert 0 == staffbot.end()


def test_a_staff_bot_that_waits_for_its_provider_ends_with_zero(start, tmp_path):
    staffbot = start(
        "serve", "--role", "staffbot", PANAH_VAR=str(tmp_path / "var"), PANAH_STAFFBOT_TOKEN="1:token",
        PANAH_STAFFBOT_API=f"http://127.0.0.1:{free_port()}",
    )  # fmt: skip
    assert staffbot.wait_for("staffbot_provider_away")

    assert 0 == staffbot.end()
