"""Erasing on paper, tombstones that outlive the database, and changing the key: the verbs, without a running process."""

import json
import shutil

import pytest
from commands.conftest import refused
from commands.test_backup import lived, lived_home, query  # noqa: F401 - fixtures

from bot.store.crypto import load_keyring
from bot.tombstones import read_tombstones


def contact_ids(cli):
    return [row[0] for row in query(cli.var / "panah.db", "SELECT id FROM contacts ORDER BY created_at, id")]


@pytest.fixture
def asked(lived):  # noqa: F811
    """Give an installation, its backup, and one person who then was erased on paper."""
    backup = lived.home / "backup.db"
    assert 0 == lived("backup", backup).returncode
    contact_id = contact_ids(lived)[0]
    done = lived("erase", "--contact", contact_id, "--by", "mina")
    assert 0 == done.returncode, done.stderr
    return lived, backup, contact_id


def test_erasing_on_paper_destroys_the_key_and_says_who_did_it(asked):
    cli, _, contact_id = asked
    found = query(cli.var / "panah.db", f"SELECT wrapped_key, erased_at FROM contacts WHERE id = '{contact_id}'")

    assert [None] == [row[0] for row in found]
    audit = query(cli.var / "panah.db", "SELECT actor, target_id, reason FROM audit WHERE action = 'erase'")
    assert [("mina", contact_id, "asked on paper")] == audit
    assert [contact_id] == read_tombstones(cli.var / "keys" / "panah.erased")
    assert "erased already" in refused(cli("erase", "--contact", contact_id, "--by", "mina"))
    assert "no such contact" in refused(cli("erase", "--case", "00000", "--by", "mina"))


def test_the_destroyed_key_is_in_no_byte_of_the_database_or_its_log(lived):  # noqa: F811
    contact_id = contact_ids(lived)[0]
    wrapped = query(lived.var / "panah.db", f"SELECT wrapped_key FROM contacts WHERE id = '{contact_id}'")[0][0]
    files = list(lived.var.glob("panah.db*"))
    assert any(wrapped in file.read_bytes() for file in files)
    assert 0 == lived("erase", "--contact", contact_id, "--by", "mina").returncode

    assert not [file for file in lived.var.glob("panah.db*") if wrapped in file.read_bytes()]


def test_a_backup_from_before_erases_again_though_the_database_itself_is_lost(asked):
    cli, backup, contact_id = asked
    for file in cli.var.glob("panah.db*"):
        file.unlink()
    done = cli("restore", backup)
    assert 0 == done.returncode, done.stderr

    keys = dict(query(cli.var / "panah.db", "SELECT id, wrapped_key FROM contacts"))
    assert None is keys.pop(contact_id)
    assert [True] == [key is not None for key in keys.values()]


def test_somebody_with_an_open_case_is_not_erased(lived):  # noqa: F811
    contact_id = contact_ids(lived)[0]
    put = (
        "INSERT INTO cases (id, code, contact_id, session_id, tier, kinds, cause, state, desk, opened_at, queued_at, channel, changed_at)"
        f" VALUES ('k', '12345', '{contact_id}', '', 'T1', '[]', 'step', 'queued', 'national', 1, 1, 'web', 1)"
    )
    query(lived.var / "panah.db", put)

    assert "a case of hers is open" in refused(lived("erase", "--case", "12345", "--by", "mina"))


def test_a_rotated_key_opens_everything_and_an_old_backup_with_the_old_copy(lived):  # noqa: F811
    backup, escrow = lived.home / "backup.db", lived.home / "old.key"
    assert 0 == lived("backup", backup).returncode
    assert 0 == lived("key", "export", escrow).returncode
    done = lived("key", "rotate")
    assert (0, True) == (done.returncode, "2 keys" in done.stdout), done.stderr
    fresh, old = load_keyring(lived.var / "keys" / "panah.key"), load_keyring(escrow)
    wrapped = [row[0] for row in query(lived.var / "panah.db", "SELECT wrapped_key FROM contacts")]
    assert [fresh.unwrap(key) for key in wrapped]
    assert 0 == lived("audit", "verify").returncode

    assert "does not open this backup" in refused(lived("restore", "--replace", backup))
    done = lived("restore", "--replace", backup, "--old-key", escrow)
    assert 0 == done.returncode, done.stderr
    restored = query(lived.var / "panah.db", "SELECT wrapped_key, key_id FROM contacts")
    assert [fresh.unwrap(key) for key, _ in restored]
    assert {fresh.key_id} == {key_id for _, key_id in restored} != {old.key_id}


def test_a_key_of_another_installation_is_no_old_key(lived):  # noqa: F811
    backup, strange = lived.home / "backup.db", lived.home / "strange.key"
    assert 0 == lived("backup", backup).returncode
    shutil.copy(lived.var / "keys" / "panah.key", strange)
    found = json.loads(strange.read_text())
    strange.write_text(json.dumps({**found, "signing": "ab" * 32}))

    assert "another installation" in refused(lived("restore", "--replace", backup, "--old-key", strange))


def test_locking_takes_the_key_away_only_for_a_true_copy_and_unlocking_brings_it_back(lived):  # noqa: F811
    key, copy = lived.var / "keys" / "panah.key", lived.home / "copy.key"
    assert "cannot be read" in refused(lived("lock", "--escrow", copy))
    assert "no copy" in refused(lived("lock", "--escrow", key))
    before = key.read_bytes()
    assert 0 == lived("key", "export", copy).returncode
    assert 0 == lived("lock", "--escrow", copy).returncode
    assert not key.exists()
    assert (lived.var / "locked").exists()
    assert "key file" in refused(lived("unlock"))
    assert 0 == lived("unlock", "--key", copy).returncode

    assert before == key.read_bytes()
    assert not (lived.var / "locked").exists()
