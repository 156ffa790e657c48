"""`panah bundle` and the offline set-up: what is in the archive is what is listed; wrong wheels are refused in words.

The whole install without a network is a step of .ci/run of its own (.ci/offline): it takes minutes.
"""

import hashlib
import os
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from bot.cli import main
from bot.commands.bundle import tree_files
from bot.errors import CommandError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def wheels(tmp_path):
    directory = tmp_path / "wheels"
    directory.mkdir()
    for name in ("aiofiles-25.1.0-py3-none-any.whl", "orjson-0-py3-none-any.whl"):
        with zipfile.ZipFile(directory / name, "w") as wheel:
            wheel.writestr("nothing.txt", name)
    return directory


def test_a_bundle_holds_what_its_list_names_with_the_hashes_it_gives(tmp_path, wheels):
    assert main(["bundle", "--wheels", str(wheels), str(tmp_path / "panah.tar")]) == 0

    with tarfile.open(tmp_path / "panah.tar") as archive:
        archive.extractall(tmp_path, filter="data")
    root = tmp_path / "panah-0.1.0"
    listed = dict(reversed(line.split("  ")) for line in (root / "SHA256SUMS").read_text().splitlines())
    files = {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file()}
    files.pop("SHA256SUMS")
    assert set(listed) == set(files)
    assert {"run", ".ci/setup", "requirements.lock", "wheels/orjson-0-py3-none-any.whl"} < set(listed)
    assert any(name.endswith(".woff2") for name in listed)
    assert all(hashlib.sha256(path.read_bytes()).hexdigest() == listed[name] for name, path in files.items())
    assert os.access(root / "run", os.X_OK)
    assert [name for name in tree_files(root) if name.startswith("wheels/")] == []


def test_a_bundle_tells_nothing_of_who_made_it_and_overwrites_nothing(tmp_path, wheels, capsys):
    main(["bundle", "--wheels", str(wheels), str(tmp_path / "panah.tar")])

    with tarfile.open(tmp_path / "panah.tar") as archive:
        assert {(entry.uid, entry.uname) for entry in archive} == {(0, "")}
    assert main(["bundle", "--wheels", str(wheels), str(tmp_path / "panah.tar")]) == 2
    assert "exists already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_bundle_needs_a_tree_whose_files_are_known(tmp_path):
    with pytest.raises(CommandError, match="git checkout"):
        tree_files(tmp_path)


def set_up(tmp_path, *arguments):
    """Run `./run` in a tree that has nothing but what the set-up needs."""
    tree = tmp_path / "tree"
    (tree / ".ci").mkdir(parents=True)
    for name in ("run", ".ci/setup", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tree / name)
    dead = "http://127.0.0.1:9/"
    environment = os.environ | {"PIP_INDEX_URL": dead, "PIP_EXTRA_INDEX_URL": dead, "UV_DEFAULT_INDEX": dead}
    command = [str(tree / "run"), *arguments]
    return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)


def test_wheels_that_are_not_the_pinned_ones_are_refused(tmp_path, wheels):
    refused = set_up(tmp_path, "--offline", "wheels", "doctor")

    assert refused.returncode == 2
    assert "not the ones requirements.lock pins" in refused.stderr
    assert not (tmp_path / "tree/.venv/.stamp").exists()


@pytest.mark.parametrize(("arguments", "words"), [((), "--offline needs"), (("nowhere.tar",), "there is no")])
def test_offline_without_a_place_or_with_one_that_is_not_there_is_refused(tmp_path, arguments, words):
    refused = set_up(tmp_path, "--offline", *arguments)

    assert refused.returncode == 2
    assert words in refused.stderr
