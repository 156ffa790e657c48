"""The bill of materials: everything that is installed, with the lock's hashes, the same at each run."""

import json
from importlib import metadata

from commands.conftest import ROOT

from bot.cli import main
from bot.commands.sbom import bill_of, normal, read_lock


def test_it_lists_every_installed_package_once_with_a_hash_of_the_lock():
    bill = bill_of(ROOT / "requirements.lock")
    parts = {part["name"]: part for part in bill["components"]}

    assert ("CycloneDX", "1.6") == (bill["bomFormat"], bill["specVersion"])
    assert {normal(found.metadata["Name"]) for found in metadata.distributions()} - {"panah"} == set(parts)
    assert len(parts) == len(bill["components"])
    for name in ("cryptography", "starlette", "sqlalchemy", "argon2-cffi", "pyotp"):
        assert {"alg", "content"} == set(parts[name]["hashes"][0]), name
        assert f"pkg:pypi/{name}@{parts[name]['version']}" == parts[name]["purl"]


def test_the_lock_is_read_to_the_last_hash():
    found = read_lock(ROOT / "requirements.lock")

    assert all(hashes for hashes in found.values())
    text = (ROOT / "requirements.lock").read_text()
    assert text.count("--hash=sha256:") == sum(map(len, found.values()))


def test_it_is_printed_or_written_to_a_new_file(tmp_path, capsys):
    assert 0 == main(["sbom", "--lock", str(ROOT / "requirements.lock")])
    printed = capsys.readouterr().out
    assert 0 == main(["sbom", str(tmp_path / "bill.json"), "--lock", str(ROOT / "requirements.lock")])

    assert printed == (tmp_path / "bill.json").read_text(encoding="utf-8")
    assert json.loads(printed)["components"]
