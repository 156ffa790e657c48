"""The panic lock: a file in the data directory, and processes that start anew without keys when they see it.

A process cannot wipe its memory, but it can end: within two seconds of the file's appearing it becomes a fresh one in its
own place (exec), which reads neither key file nor database and says only the static help. What arrives meanwhile is
not taken in: messengers keep it for a day and offer it again, and a page says at once that nothing was stored and whom
to call. Nothing that somebody wrote is ever put on a disk unsealed, not even now. Taking the file away ends it.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

from bot.settings import Settings

LOOK_S = 0.5
#: So long a process stays after it saw the file, that whoever pressed reads that it is locked.
LINGER_S = 0.8


def marker(settings: Settings) -> Path:
    """Give where the file stands."""
    return settings.var / "locked"


def is_locked(settings: Settings) -> bool:
    """True while the file is there."""
    return marker(settings).exists()


def lock(settings: Settings) -> None:
    """Put the file there, durably."""
    handle = os.open(marker(settings), os.O_WRONLY | os.O_CREAT, 0o600)
    os.fsync(handle)
    os.close(handle)
    _sync(settings.var)


def unlock(settings: Settings) -> None:
    """Take the file away."""
    marker(settings).unlink(missing_ok=True)
    _sync(settings.var)


async def follow(settings: Settings, *, locked: bool) -> None:
    """Start this process anew as soon as the file says other than `locked`."""
    while is_locked(settings) == locked:  # noqa: ASYNC110 - a file announces nothing
        await asyncio.sleep(LOOK_S)
    await asyncio.sleep(LINGER_S)
    begin_anew()


def wait_until_unlocked(settings: Settings) -> None:
    """Hold a role back while the file is there: it has no page of its own to say anything on."""
    while is_locked(settings):
        time.sleep(LOOK_S)


def begin_anew() -> None:
    """Replace this process by a fresh one with the same arguments: nothing of its memory stays, its ports are free.

    As with a kill, what was not committed was not accepted.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own command line, as we were started


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
