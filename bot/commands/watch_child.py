"""The alert loop as a child of `panah run`: started with it, started again when it dies, stopped only by a clean stop.

Its standard input is the thread between the two: when it ends without a signal before, the parent was killed.
"""

import asyncio
import os
import sys
from contextlib import suppress

from bot.settings import Settings, ways_configured
from bot.telemetry import Log

_RESTART_S = 1.0
_STOP_S = 5.0
#: How often its beat is looked at, and how long it may stand still. A case of T1 is paged within a minute all the same.
_CHECK_S = 2.0
_HANGS_S = 16.0


class WatchChild:
    """Keeps one watch process running."""

    def __init__(self, settings: Settings, log: Log, *, hangs_s: float = _HANGS_S) -> None:
        self._hangs_s = hangs_s
        self._settings = settings
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._lives = 0

    @property
    def is_wanted(self) -> bool:
        """True when there is somebody to tell."""
        return bool(ways_configured(self._settings) or self._settings.heartbeat_url)

    async def run(self) -> None:
        """Start it and start it again, until cancelled; cancelling leaves it running."""
        while self.is_wanted:
            try:
                self._process = await self._start()
                code = await self._ended(self._process)
                self._log.error("watch_ended", code=code, attempts=self._lives)
            except OSError as error:
                self._log.error("watch_not_started", error=type(error).__name__)
            await asyncio.sleep(_RESTART_S)

    async def _ended(self, process: asyncio.subprocess.Process) -> int:
        """Wait for its end. One that lived and hangs is ended: a dead one is started again, a hanging one is not."""
        loop = asyncio.get_running_loop()
        beat, moved_at, has_moved = self._beat_ns(), loop.time(), False
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CHECK_S):
                    return await process.wait()
            if self._beat_ns() != beat:
                beat, moved_at, has_moved = self._beat_ns(), loop.time(), True
            elif has_moved and loop.time() - moved_at >= self._hangs_s:
                self._log.error("watch_hangs")
                with suppress(ProcessLookupError):
                    process.kill()

    def _beat_ns(self) -> int:
        try:
            return (self._settings.var / "watch.beat").stat().st_mtime_ns
        except OSError:
            return 0

    async def stop(self) -> None:
        """Stop it for good: a person stops the service."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
            try:
                async with asyncio.timeout(_STOP_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()

    async def _start(self) -> asyncio.subprocess.Process:
        self._lives += 1
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "PANAH_ALERT_COMMAND": self._settings.alert_command,
        }
        if self._lives > 1 and not self._settings.fault.startswith("dir:"):
            environment.pop("PANAH_FAULT", None)  # a crash point is met once, or it would be met for ever
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "serve", "--role", "watch", "--with-parent"),
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C and a closed terminal are for the parent; it stops this one itself
        )
