"""`panah doctor`: each invariant that is broken by hand is found, a sound installation passes, nothing is written."""

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.commands.doctor_rows import check_rows
from bot.commands.doctor_settings import check_settings
from bot.core.messages import InboundMsg, TextInput
from bot.proof.invariants import INVARIANTS
from bot.settings import Settings
from bot.store.crypto import create_key_file, ephemeral_keyring

NOW = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
CRY = "شوهرم داره منو میزنه کمک"


@pytest.fixture
def lived(core, clock):
    """Give a core in which a person cried for help and got a case."""
    message = InboundMsg(channel="web", external_id="a", provider_id="1", input=TextInput(CRY), received_at=clock.now())
    core.inbox.put(message).done.result()
    return core


def look(core, keyring=None):
    """Give the state of each check by its name."""
    found = core.store.read_now(lambda db: list(check_rows(db, keyring or core.keyring, NOW)))
    assert not any(CRY in finding.said for finding in found)
    return {finding.name: finding.state for finding in found}


def execute(core, sql, *values):
    core.store.write_now(lambda tx: tx.raw.execute(sql, values))


LATE = NOW_MS - 600_000


def test_a_sound_database_breaks_no_invariant(lived):
    states = look(lived)

    assert {"ok"} == {states[f"{promise.name} ({promise.code})"] for promise in INVARIANTS}
    assert (states["database"], states["key"], states["urgent cases"]) == ("ok", "ok", "ok")


def test_a_broken_invariant_is_told_with_its_rows_and_what_to_do(lived):
    execute(lived, "DELETE FROM turns")
    found = lived.store.read_now(lambda db: list(check_rows(db, lived.keyring, NOW)))
    said = next(finding.said for finding in found if finding.state == "fail")

    assert "1 messages are done without their one turn (1); read these conversations in the console" in said


def test_a_key_of_another_installation_is_found(lived):
    assert look(lived, ephemeral_keyring())["key"] == "fail"


def test_an_urgent_case_that_nobody_takes_is_for_a_person_to_judge(lived):
    execute(lived, "UPDATE cases SET queued_at = ?", LATE)

    assert look(lived)["urgent cases"] == "warn"


@pytest.mark.parametrize(("age_days", "state"), [(None, "warn"), (1, "ok"), (3, "warn")])
def test_the_age_of_the_last_backup_is_told(lived, age_days, state):
    if age_days is not None:
        execute(lived, "INSERT INTO meta VALUES ('backup_at', ?)", str(NOW_MS - age_days * 86_400_000))

    assert look(lived)["backup"] == state


def test_nothing_published_fails(lived):
    assert look(lived)["scripts"] == "fail"


def settings_states(settings):
    return {finding.name: finding.state for finding in check_settings(settings)}


@pytest.fixture
def var(tmp_path):
    create_key_file(tmp_path / "keys" / "panah.key")
    tmp_path.chmod(0o700)
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({}, "ok"),
        ({"console_host": "0.0.0.0"}, "fail"),
        ({"console_host": "0.0.0.0", "behind_tls": True, "console_url": "https://example.org"}, "ok"),
        ({"behind_tls": True}, "warn"),
        ({"console_url": "http://example.org"}, "fail"),
        ({"web_host": "0.0.0.0"}, "warn"),
        ({"base_url": "http://example.org"}, "fail"),
        ({"telegram_secret": "s"}, "warn"),
        ({"twilio_account": "AC1"}, "fail"),
    ],
    ids=str,
)
def test_settings_that_do_not_fit_together_are_told(var, changed, state):
    assert settings_states(Settings(var=var, **changed))["configuration"] == state


def test_a_key_file_that_others_may_read_fails(var):
    (var / "keys" / "panah.key").chmod(0o640)

    assert settings_states(Settings(var=var))["key file"] == "fail"


def test_a_missing_or_damaged_key_file_fails(var):
    (var / "keys" / "panah.key").write_text("{}", encoding="ascii")
    damaged = settings_states(Settings(var=var))["key file"]
    (var / "keys" / "panah.key").unlink()

    assert (damaged, settings_states(Settings(var=var))["key file"]) == ("fail", "fail")


def test_an_open_data_directory_is_warned_of_and_no_way_out_fails(var):
    var.chmod(0o755)
    states = settings_states(Settings(var=var))

    assert (states["data directory"], states["way out"]) == ("warn", "fail")
    assert settings_states(Settings(var=var, staffbot_token="t"))["way out"] == "ok"


def test_an_alert_policy_with_mistakes_fails_with_the_line_of_each(var):
    policy = var / "policy.yaml"
    policy.write_text("page_gap_s: 900\nretry_s: soon\n", encoding="utf-8")

    found = [one for one in check_settings(Settings(var=var, alert_policy=policy)) if one.name == "alert policy"]

    assert {"fail"} == {one.state for one in found}
    assert any(one.said.startswith(f"{policy}:1:13: page_gap_s") for one in found)
    assert any(one.said.startswith(f"{policy}:2:10: retry_s") for one in found)


def test_a_fresh_installation_passes_and_is_only_read(installed):
    before = (installed.var / "panah.db").read_bytes()
    done = installed("doctor", "--json", PANAH_ALERT_COMMAND="true")
    found = json.loads(done.stdout)

    assert done.returncode == 0, done.stdout
    assert (list(found), found["ok"]) == (["ok", "checks"], True)
    assert all(list(check) == ["name", "state", "said"] for check in found["checks"])
    assert (installed.var / "panah.db").read_bytes() == before


def test_without_a_database_it_fails_and_makes_none(panah, verb):
    done = verb("doctor")

    assert done.returncode == 1
    assert "fail  database" in done.stdout
    assert not panah.var.exists()


def test_helplines_that_nobody_verified_for_half_a_year_fail(installed, verb):
    flows = installed.var / "flows" / "helplines.yaml"
    old = flows.read_text("utf-8")
    today = datetime.now(UTC).date().isoformat()
    assert today in old
    installation = Path(installed.var)
    for path in installation.glob("panah.db*"):
        path.unlink()
    flows.write_text(old.replace(today, "2024-01-01"), "utf-8")
    shutil.rmtree(installation / "keys")
    assert verb("staff", "add", "lale", "--role", "counsellor").returncode == 0

    assert "fail  helplines" in verb("doctor").stdout


@pytest.mark.parametrize(
    ("settings", "change", "state"),
    [
        ({}, "", "fail"),
        ({"PANAH_STAFFBOT_TOKEN": "1:a"}, "", "fail"),  # nobody has linked a chat with it
        (
            {"PANAH_STAFFBOT_TOKEN": "1:a"},
            "UPDATE staff SET staffbot_chat = username",
            "fail",
        ),  # no role that is called
        (
            {"PANAH_STAFFBOT_TOKEN": "1:a"},
            "UPDATE staff SET staffbot_chat = username, roles = '[\"supervisor\"]'",
            "ok",
        ),
        (
            {"PANAH_STAFFBOT_TOKEN": "1:a"},
            "UPDATE staff SET staffbot_chat = username, roles = '[\"supervisor\"]', disabled_at = 1",
            "fail",
        ),
        ({"PANAH_ALERT_COMMAND": "true"}, "", "ok"),
    ],
)
def test_who_is_called_counts_people_and_not_tokens(installed, verb, settings, change, state):
    with closing(sqlite3.connect(installed.var / "panah.db")) as connection:
        connection.executescript(change)

    said = {one["name"]: one["state"] for one in json.loads(verb("doctor", "--json", **settings).stdout)["checks"]}

    assert said["who is called"] == state
