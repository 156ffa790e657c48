"""The staff bot as a child of `panah run`: its own token, its own libraries, its own crashes, and begun again after each."""

import asyncio
import os
import sys
from collections.abc import Sequence

from bot.telemetry import Log

_WORDS = (sys.executable, "-m", "bot", "serve", "--role", "staffbot", "--with-parent")
_PAUSE_S, _PAUSE_MAX_S = 1.0, 60.0
#: One that lived for so long had begun well: the next pause is short again.
_LIVED_S = 60.0
_STOP_S = 5.0


class StaffBotChild:
    """Keeps one staff bot process running."""

    def __init__(self, log: Log, *, words: Sequence[str] = _WORDS, pause_s: float = _PAUSE_S) -> None:
        self._log = log
        self._words = tuple(words)
        self._pause_s = pause_s

    async def run(self) -> None:
        """Start it and start it again, more slowly each time, until cancelled; cancelling ends it."""
        lives, pause_s = 0, self._pause_s
        while True:
            lives += 1
            lived_s = await self._live(lives)
            pause_s = self._pause_s if lived_s >= _LIVED_S else pause_s
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _PAUSE_MAX_S)

    async def _live(self, lives: int) -> float:
        """Run it until it ends; give for how long it ran."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            process = await self._start()
        except OSError as error:
            self._log.error("staffbot_not_started", error=type(error).__name__)
            return 0.0
        try:
            code = await process.wait()
            self._log.error("staffbot_ended", code=code, attempts=lives)
        finally:
            await _end(process)
        return loop.time() - began

    async def _start(self) -> asyncio.subprocess.Process:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        return await asyncio.create_subprocess_exec(*self._words, env=environment, stdin=asyncio.subprocess.PIPE)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
