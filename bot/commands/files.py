"""Writing what must not be lost or overwritten: durable before it is in sight, readable by its owner only."""

import os
import tempfile
from pathlib import Path

from bot.errors import CommandError


def refuse_existing(target: Path) -> None:
    """Let nothing be overwritten.

    Raises:
        CommandError: there is such a file, or no directory for it.
    """
    if target.exists() or target.is_symlink():
        raise CommandError(f"{target} exists already; nothing is overwritten")
    if not target.parent.is_dir():
        raise CommandError(f"there is no directory {target.parent}")


def copy_private(content: bytes, target: Path) -> None:
    """Write a new file in one step.

    Raises:
        CommandError: it is there already or cannot be written.
    """
    refuse_existing(target)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # mode 0600
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        put_in_place(Path(name), target)
    except OSError as error:
        raise CommandError(f"cannot write {target}: {error.strerror}") from error


def put_in_place(staging: Path, target: Path) -> None:
    """Give a finished file its name, durably; a file of that name stays as it is.

    Raises:
        CommandError: somebody made one meanwhile.
        OSError: it cannot be written.
    """
    sync(staging)
    try:
        os.link(staging, target)
    except FileExistsError as error:
        raise CommandError(f"{target} exists already; nothing is overwritten") from error
    except OSError:  # a file system without links (a memory stick)
        refuse_existing(target)
        staging.rename(target)
    finally:
        staging.unlink(missing_ok=True)
    sync(target.parent)


def sync(path: Path) -> None:
    """Wait until a file or directory is on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
