"""One watch at a time: flock on a file that names the holder. The newcomer asks; an orphan gives; a dead-silent one is killed."""

import asyncio
import fcntl
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

_ASK_EVERY_S = 0.5
#: A holder whose beat has not moved for so long hangs.
_HANGS_S = 30.0


class WatchLock:
    """The lock file of the alert loop, and the file by which the next one asks for it."""

    def __init__(self, path: Path, beat: Path) -> None:
        self._path = path
        self._wish = path.with_suffix(".wanted")
        self._beat = beat
        self._handle: TextIO | None = None
        self._wished_ns = 0

    async def take(self) -> None:
        """Wait until the lock is ours. Where no lock file can be opened, go on without: two watches are no harm."""
        moved: tuple[int, float] = (-1, time.monotonic())
        while not self._try():
            with suppress(OSError):
                self._wish.touch()
            beat = _moved_ns(self._beat)
            if beat != moved[0]:
                moved = (beat, time.monotonic())
            elif time.monotonic() - moved[1] > _HANGS_S:
                self._kill_holder()
                moved = (beat, time.monotonic())
            await asyncio.sleep(_ASK_EVERY_S)
        with suppress(OSError):
            self._wish.unlink(missing_ok=True)

    def is_wanted(self) -> bool:
        """True when another watch has asked again since this was called last; a dead one asks no more."""
        before, self._wished_ns = self._wished_ns, _moved_ns(self._wish)
        return before != self._wished_ns and 0 not in {before, self._wished_ns}

    def release(self) -> None:
        """Let go."""
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def _try(self) -> bool:
        handle = self._open()
        if handle is None:
            return True
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.close()
            return False
        with suppress(OSError, ValueError):  # a full disk, a file that may only be read: the lock needs neither
            handle.truncate(0)
            handle.write(str(os.getpid()))
            handle.flush()
        self._handle = handle
        return True

    def _open(self) -> TextIO | None:
        for mode in ("a+", "r"):
            with suppress(OSError):
                return open(self._path, mode, encoding="ascii")  # noqa: PTH123 - held until release()
        return None

    def _kill_holder(self) -> None:
        """End the process that holds the lock and does nothing, when it is the one that the file names."""
        with suppress(OSError, ValueError):
            number = int(self._path.read_text("ascii"))
            if _holds(number, self._path):
                os.kill(number, signal.SIGKILL)


def _holds(number: int, path: Path) -> bool:
    """True when the kernel says so: a number in a file may have been given to another process long ago."""
    inode = str(path.stat().st_ino)
    locks = (line.split() for line in Path("/proc/locks").read_text("ascii").splitlines())
    return any(
        words[1:2] == ["FLOCK"] and words[4] == str(number) and words[5].rpartition(":")[2] == inode for words in locks
    )


def _moved_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
