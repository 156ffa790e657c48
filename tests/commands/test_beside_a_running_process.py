"""While `panah run` is up, verbs that write go through it, those that read look beside it, and neither stops it."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator

import pytest
from commands.conftest import ROOT, Cli, refused


@pytest.fixture
def running(installed: Cli) -> Iterator[Cli]:
    command = [sys.executable, "-m", "bot", "run"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=installed.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    while "make the first account" not in (line := process.stdout.readline()):
        assert line, process.stderr and process.stderr.read()
    yield installed
    process.terminate()
    out, err = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in out + err) == (0, False), err


def test_everything_that_writes_goes_through_the_running_process(running):
    welcome = running.var / "flows" / "welcome.yaml"
    welcome.write_text(welcome.read_text("utf-8").replace("owner: ", "owner: بخش ", 1), "utf-8")
    added = running("staff", "add", "lale", "--role", "counsellor", "--province", "IR-23")
    twice = running("staff", "add", "lale", "--role", "counsellor")
    published = running("flows", "publish", "--author", "sara", "--by", "mina")
    back = running("flows", "rollback", "--by", "mina", "--reason", "آزمایش")
    saved = running("backup", running.home / "copy.db")
    looked = running("doctor", PANAH_ALERT_COMMAND="/bin/true")

    assert re.fullmatch(r"http://127\.0\.0\.1:0/invite/[a-z2-7]{20,}\n", added.stdout), added.stderr
    assert "there is an account lale already" in refused(twice)
    assert published.stdout.startswith("published "), published.stderr
    assert back.stdout.startswith("published "), back.stderr
    assert "another Panah process" in refused(running("restore", running.home / "copy.db", "--replace"))
    assert (saved.returncode, looked.returncode) == (0, 0), looked.stdout
    assert "ok    running" in looked.stdout
    assert "ok    backup" in looked.stdout
    with sqlite3.connect(running.home / "copy.db") as db:
        assert db.execute("SELECT action FROM publications ORDER BY id").fetchall() == [
            ("install",),
            ("publish",),
            ("rollback",),
        ]
