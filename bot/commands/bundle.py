"""`panah bundle FILE`: one tar for a machine without a network: this source tree, its wheels, and a list of hashes.

Wheels are fetched by pip from wherever pip is configured to look, for the platform and the Python this runs on, and
only those whose hash stands in requirements.lock. `./run --offline FILE` installs from the result.
"""

import argparse
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import bot
from bot.commands.files import put_in_place, refuse_existing
from bot.errors import CommandError

LIST = "SHA256SUMS"
WHEELS = "wheels"


def bundle(args: argparse.Namespace) -> int:
    """Fetch the wheels and write the archive.

    Raises:
        CommandError: no source tree stands here, a wheel is not to be had, or the file cannot be written.
    """
    target = Path(args.file)
    refuse_existing(target)
    tree = Path(bot.__file__).resolve().parent.parent
    names = tree_files(tree)
    with tempfile.TemporaryDirectory(prefix="panah-bundle-") as scratch:
        wheels = Path(args.wheels) if args.wheels else _fetch(tree / "requirements.lock", Path(scratch))
        count = write_bundle(tree, names, wheels, target)
    print(f"{target}: {len(names)} files and {count} wheels, {target.stat().st_size // 1_000_000} MB")  # noqa: T201
    return 0


def tree_files(tree: Path) -> list[str]:
    """Name the files of the source tree: what git tracks, or what the list of an unpacked bundle names.

    Raises:
        CommandError: neither is there.
    """
    if (tree / LIST).is_file():
        lines = (tree / LIST).read_text(encoding="utf-8").splitlines()
        names = [name for line in lines if not (name := line.split("  ", 1)[1]).startswith(f"{WHEELS}/")]
    elif (tree / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=tree, capture_output=True, check=False)  # noqa: S607
        names = [name for name in listed.stdout.decode().split("\0") if name]
    else:
        names = []
    names = sorted(name for name in names if (tree / name).is_file())
    if "requirements.lock" not in names:
        raise CommandError("a bundle is made in a git checkout or in an unpacked bundle; this is neither")
    return names


def write_bundle(tree: Path, names: list[str], wheels: Path, target: Path) -> int:
    """Write the archive in one step and give how many wheels are in it."""
    inside = [(name, tree / name) for name in names]
    packed = [(f"{WHEELS}/{wheel.name}", wheel) for wheel in sorted(wheels.glob("*.whl"))]
    if not packed:
        raise CommandError(f"there is no wheel in {wheels}")
    root = f"panah-{metadata.version('panah')}"
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as scratch:
            listed, staging = Path(scratch) / LIST, Path(scratch) / "bundle"
            listed.write_text("".join(_sums([*inside, *packed])), encoding="utf-8")
            with tarfile.open(staging, "w") as archive:  # not packed: wheels already are
                for name, path in [(LIST, listed), *inside, *packed]:
                    archive.add(path, f"{root}/{name}", recursive=False, filter=_plain)
            put_in_place(staging, target)
    except OSError as error:
        raise CommandError(f"cannot write {target}: {error.strerror}") from error
    return len(packed)


def _sums(files: list[tuple[str, Path]]) -> Iterator[str]:
    for name, path in files:
        with path.open("rb") as opened:
            yield f"{hashlib.file_digest(opened, 'sha256').hexdigest()}  {name}\n"


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Tell nothing of who made the archive, and let whoever unpacks it read it."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o755 if entry.mode & 0o100 else 0o644
    return entry


def _fetch(lock: Path, into: Path) -> Path:
    print("panah: fetching the pinned wheels (a minute or two)", file=sys.stderr)  # noqa: T201
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    wanted = ["--require-hashes", "--only-binary", ":all:", "--dest", str(into), "--requirement", str(lock)]
    if subprocess.run([*pip, *wanted], check=False).returncode:  # noqa: S603
        raise CommandError("not every pinned wheel could be fetched; pip says why above; nothing was written")
    return into
