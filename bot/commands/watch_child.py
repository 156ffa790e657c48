"""The alert loop as a child of `panah run`: started with it, started again when it dies, stopped only by a clean stop.

Its standard input is the thread between the two: when it ends without a signal before, the parent was killed.
"""

import asyncio
import os
import subprocess
import sys
import time

from bot.settings import Settings, ways_configured
from bot.telemetry import Log

_RESTART_S = 1.0
_STOP_S = 5.0
#: How often its beat is looked at, and how long it may stand still. A case of T1 is paged within a minute all the same.
_CHECK_S = 0.5
_STOPPED_S = 0.02
_HANGS_S = 16.0


class WatchChild:
    """Keeps one watch process running."""

    def __init__(self, settings: Settings, log: Log, *, hangs_s: float = _HANGS_S) -> None:
        self._hangs_s = hangs_s
        self._settings = settings
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._lives = 0

    @property
    def is_wanted(self) -> bool:
        """True when there is somebody to tell."""
        return bool(ways_configured(self._settings) or self._settings.heartbeat_url)

    async def run(self) -> None:
        """Start it and start it again, until cancelled; cancelling leaves it running."""
        while self.is_wanted:
            try:
                self._process = self._start()
                code = await self._ended(self._process)
                self._log.error("watch_ended", code=code, attempts=self._lives)
            except OSError as error:
                self._log.error("watch_not_started", error=type(error).__name__)
            await asyncio.sleep(_RESTART_S)

    async def _ended(self, process: subprocess.Popen[bytes]) -> int:
        """Wait for its end. One that lived and hangs is ended: a dead one is started again, a hanging one is not."""
        loop = asyncio.get_running_loop()
        beat, moved_at, has_moved = self._beat_ns(), loop.time(), False
        while (code := process.poll()) is None:
            await asyncio.sleep(_CHECK_S)
            if self._beat_ns() != beat:
                beat, moved_at, has_moved = self._beat_ns(), loop.time(), True
            elif has_moved and loop.time() - moved_at >= self._hangs_s:
                self._log.error("watch_hangs")
                process.kill()
        _let_go(process)
        return code

    def _beat_ns(self) -> int:
        try:
            return (self._settings.var / "watch.beat").stat().st_mtime_ns
        except OSError:
            return 0

    async def stop(self) -> None:
        """Stop it for good: a person stops the service."""
        process = self._process
        if process is None:
            return
        process.terminate()
        ends_at = time.monotonic() + _STOP_S
        while process.poll() is None:
            if time.monotonic() > ends_at:
                process.kill()
            await asyncio.sleep(_STOPPED_S)
        _let_go(process)

    def _start(self) -> subprocess.Popen[bytes]:
        self._lives += 1
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "PANAH_ALERT_COMMAND": self._settings.alert_command,
        }
        if self._lives > 1 and not self._settings.fault.startswith("dir:"):
            environment.pop("PANAH_FAULT", None)  # a crash point is met once, or it would be met for ever
        # not asyncio's: its transport kills the child when a parent that failed lets go of it
        return subprocess.Popen(
            (sys.executable, "-m", "bot", "serve", "--role", "watch", "--with-parent"),
            env=environment,
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C and a closed terminal are for the parent; it stops this one itself
        )


def _let_go(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
