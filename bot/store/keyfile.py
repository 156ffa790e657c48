"""The key file while its wrapping key is changed: for a time it holds two, the new one and those that are retired.

The new key is durable in the file before anything is wrapped by it, and the old one leaves the file only when nothing
is wrapped by it any more. So whoever is killed anywhere in between starts with both, and runs the change again.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from bot.store.crypto import KeyFileError


def begin_rotation(path: Path) -> bool:
    """Put a fresh wrapping key into the file beside the old one; False when an earlier change was not finished.

    Raises:
        KeyFileError: the file is not there or damaged.
    """
    found = read(path)
    if found.get("retired"):
        return False
    old = {found["key_id"]: found["wrapping"]}
    found["wrapping"] = os.urandom(32).hex()
    found["key_id"] = hashlib.sha256(bytes.fromhex(found["wrapping"])).hexdigest()[:12]
    replace(path, {**found, "retired": old})
    return True


def end_rotation(path: Path) -> None:
    """Take the retired keys out of the file: nothing is wrapped by them any more."""
    found = read(path)
    found.pop("retired", None)
    replace(path, found)


def read(path: Path) -> dict[str, Any]:
    """Read the file as it stands.

    Raises:
        KeyFileError: it is not there or damaged.
    """
    try:
        found = json.loads(path.read_text(encoding="ascii"))
        return {**found, **{name: found[name] for name in ("wrapping", "index", "signing", "key_id")}}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeyFileError(f"cannot read the key file {path.name}: restore it from its escrow copy") from error


def replace(path: Path, content: dict[str, Any]) -> None:
    """Write the file anew in one durable step, readable by its owner only."""
    staging = path.with_name(f".{path.name}.new")
    staging.unlink(missing_ok=True)
    handle = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    staging.rename(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
