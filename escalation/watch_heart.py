"""Where the watch says that it lives: a file touched at each look, and a ping to whoever watches from outside.

The ping stops when pages are due and none leaves: then the outside watcher is the last one who can call a person.
Source: healthchecks.io/docs/http_api (any such service, or a script of one's own, that alarms when a ping is missed).
"""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

from bot.core.clock import Clock
from bot.telemetry import Log
from escalation.watch_ways import Threads, WayError, fetch

PING_EVERY_S = 30.0


class FileHeart:
    """A file whose time moves, and a URL that is fetched every 30 s when there is one."""

    def __init__(self, file: Path, *, url: str, clock: Clock, log: Log) -> None:
        self._file = file
        self._url = url
        self._clock = clock
        self._log = log
        self._said: int | None = None
        self._pinged_s = float("-inf")
        self._threads = Threads(at_once=1)
        self._ping: asyncio.Task[None] | None = None

    def beat(self, *, reaching: bool, people: int) -> None:
        """Touch the file, which says how many can be paged; ping when it is time, unless no page leaves."""
        with suppress(OSError):  # a full disk: the ping and the pages go on
            self._touch()
            self._say(people)
        now_s = self._clock.monotonic()
        if self._url and reaching and now_s - self._pinged_s >= PING_EVERY_S and self._is_idle():
            self._pinged_s = now_s
            self._ping = asyncio.create_task(self._fetch())

    def _touch(self) -> None:
        try:
            os.utime(self._file)
        except FileNotFoundError:
            self._file.touch(mode=0o600)

    def _say(self, people: int) -> None:
        if people != self._said:
            self._file.write_text(str(people), "ascii")
            self._said = people

    def _is_idle(self) -> bool:
        return self._ping is None or self._ping.done()

    async def _fetch(self) -> None:
        try:
            await fetch(self._threads, self._url)
        except WayError as error:
            self._log.warning("heartbeat_failed", code=error.code)
