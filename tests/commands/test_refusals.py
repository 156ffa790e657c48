"""Whatever is wrong with an installation is one clear sentence on standard error, exit code 2, and nothing is lost."""

import socket
import sqlite3
import subprocess
import sys

import pytest
from commands.conftest import ROOT, refused

from bot.store.sqlite_file import holding


def rows(cli):
    """Give the contents of the installation that must survive a refusal."""
    with sqlite3.connect(cli.var / "panah.db") as db:
        return db.execute("SELECT username FROM staff ORDER BY 1").fetchall(), db.execute(
            "SELECT version FROM publications"
        ).fetchall()


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("PANAH_WEB_PORT", "ninety", "PANAH_WEB_PORT must be a whole number"),
        ("PANAH_CONSOLE_PORT", "99999", "PANAH_CONSOLE_PORT must be a whole number"),
        ("PANAH_BEHIND_TLS", "perhaps", "PANAH_BEHIND_TLS must be 1 or 0"),
        ("PANAH_TELEGRAM_TOKE", "1", "PANAH_TELEGRAM_TOKE is not a setting of Panah"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(panah, verb, setting, value, said):
    assert said in refused(verb("doctor", **{setting: value}))
    assert not panah.var.exists()


@pytest.mark.parametrize("wanted", ["fa,tr", "kurdish"])
def test_a_language_that_cannot_be_offered_keeps_the_service_from_starting(panah, verb, wanted):
    said = refused(verb("run", PANAH_LANGUAGES=wanted))

    assert "is none of fa, fa-AF, azb, ckb, ar, en" in said
    assert not (panah.var / "panah.db").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["flows", "publish"],
        ["flows", "check", "nowhere"],
        ["flows", "read", "nowhere.yaml"],
        ["flows", "format", "nowhere.yaml"],
        ["replay", "nowhere.jsonl"],
        ["staff", "add", "sara", "--role", "queen"],
        ["staff", "add", "sara", "--role", "counsellor", "--province", "IR-99"],
        ["restore", "nowhere.db"],
        ["backup", "copy.db"],
        ["key", "export", "copy.key"],
        ["flows", "diff"],
        ["flows", "publish", "--by", "mina", "--author", "sara"],
        ["flows", "rollback", "--by", "mina", "--reason", "x"],
        ["serve", "--role", "staffbot"],
    ],
    ids=" ".join,
)
def test_a_verb_that_cannot_do_what_is_asked_says_so(panah, verb, arguments):
    refused(verb(*arguments))

    assert not panah.var.exists()


def test_a_process_says_it_on_standard_error_and_leaves_with_two(panah):
    assert "PANAH_WEB_PORT" in refused(panah("run", PANAH_WEB_PORT="ninety"))


def test_a_data_directory_that_is_a_file_is_refused(panah):
    panah.var.write_text("not a directory", encoding="utf-8")

    assert "data directory" in refused(panah("run"))
    assert panah.var.read_text(encoding="utf-8") == "not a directory"


def test_a_taken_port_is_named_before_anything_is_made(panah):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused(panah("run", PANAH_WEB_PORT=str(port)))

    assert f"cannot listen on 127.0.0.1:{port}" in said
    assert not panah.var.exists()


def test_a_missing_key_file_stops_the_start_and_makes_no_new_key(installed):
    key = installed.var / "keys" / "panah.key"
    kept = key.read_bytes()
    key.unlink()
    said = refused(installed("run"))
    made = key.exists()
    key.write_bytes(kept)

    assert "is missing; put its escrow copy back" in said
    assert not made
    assert rows(installed)[0] == [("mina",), ("sara",)]


def test_a_damaged_key_file_is_refused(installed):
    (installed.var / "keys" / "panah.key").write_text("{}", encoding="ascii")

    assert "key file" in refused(installed("run"))


def test_a_broken_script_is_one_for_check_and_two_for_publish(installed, verb):
    broken = installed.var / "flows" / "welcome.yaml"
    broken.write_text("flow: [", encoding="utf-8")
    before = rows(installed)
    checked = verb("flows", "check", "--lang", "en")

    assert (checked.returncode, "welcome.yaml:" in checked.stdout) == (1, True)
    assert "errors" in refused(verb("flows", "publish", "--author", "sara", "--by", "mina", "--accept-warnings"))
    assert rows(installed) == before
    assert broken.read_text(encoding="utf-8") == "flow: ["


def test_a_second_process_on_the_same_data_is_refused(installed, verb):
    with holding(installed.var / "panah.db"):
        assert "another Panah process" in refused(installed("run"))
        assert "another Panah process" in refused(verb("staff", "add", "lale", "--role", "counsellor"))
        assert "another Panah process" in refused(verb("restore", installed.var / "panah.db", "--replace"))

    assert rows(installed)[0] == [("mina",), ("sara",)]


def test_a_database_from_the_future_is_refused_and_left_alone(installed):
    with sqlite3.connect(installed.var / "panah.db") as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    before = rows(installed)

    assert "newer Panah" in refused(installed("run"))
    assert rows(installed) == before


def test_a_file_that_is_no_database_is_refused(installed, verb):
    database = installed.var / "panah.db"
    for name in ("panah.db-wal", "panah.db-shm"):
        (installed.var / name).unlink(missing_ok=True)
    database.write_bytes(b"these are not the rows you are looking for" * 200)
    before = database.read_bytes()
    looked = verb("doctor")

    assert "it is damaged or none" in refused(installed("run"))
    assert (looked.returncode, "fail  database" in looked.stdout) == (1, True)
    assert database.read_bytes() == before


def test_a_reader_that_goes_away_is_no_error(panah):
    command = f"{sys.executable} -m bot flows read bot/flows/violence.yaml | head -n 1"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=ROOT,
        env=panah.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr
