"""What a killed backup leaves: no file under the wanted name; the next one is whole; half of one is refused."""

import contextlib
import shutil
import sqlite3
from pathlib import Path

from bot.proof.installation import Installation


async def backup_breaches(installation: Installation, folder: Path) -> list[str]:
    """Look at a folder in which `panah backup` was killed, then make a whole backup, restore it, and half of it."""
    target = folder / "copy.db"
    found = ["X1: a killed backup stands under its name"] if target.exists() else []
    if await installation.verb("backup", str(target)) != 0 or not _is_whole(target):
        return [*found, "X1: the backup after a killed one is not whole"]
    if await _restore(installation, folder / "whole", target) != 0:
        found.append("X1: a whole backup was refused")
    half = folder / "half.db"
    half.write_bytes(target.read_bytes()[: target.stat().st_size // 2])
    if await _restore(installation, folder / "half", half) == 0:
        found.append("X1: half a backup was restored")
    shutil.rmtree(folder)
    return found


async def _restore(installation: Installation, var: Path, file: Path) -> int:
    (var / "keys").mkdir(parents=True)
    shutil.copyfile(installation.var / "keys" / "panah.key", var / "keys" / "panah.key")
    (var / "keys" / "panah.key").chmod(0o600)
    return await installation.verb("restore", str(file), PANAH_VAR=str(var))


def _is_whole(file: Path) -> bool:
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as copy:
        return copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
