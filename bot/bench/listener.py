"""A counsellor's browser as far as it listens: the console's live stream over HTTP, and when each event came."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp


class Listener:
    """The stream of one signed-in person; `heard` is when each case's first event came."""

    def __init__(self) -> None:
        self.heard: dict[str, float] = {}
        self.ready = asyncio.Event()
        self.beats = 0
        self._news = asyncio.Event()

    async def listen(self, http: aiohttp.ClientSession, base: str) -> None:
        """Listen until cancelled, answering each beat as the console's script does."""
        async with http.get(base + "/stream", timeout=aiohttp.ClientTimeout(total=None)) as answer:
            answer.raise_for_status()
            async for name, data in _events(answer.content):
                if name == "case":
                    self.heard.setdefault(data["case"], time.perf_counter())
                    self._news.set()
                self.beats += name == "beat"
                self.ready.set()

    async def wait_for(self, case_ids: set[str], seconds: float) -> bool:
        """Wait until every one of these cases was heard of."""
        until = time.perf_counter() + seconds
        while not case_ids <= self.heard.keys():
            left_s = until - time.perf_counter()
            if left_s <= 0:
                return False
            self._news.clear()
            try:
                async with asyncio.timeout(left_s):
                    await self._news.wait()
            except TimeoutError:
                return case_ids <= self.heard.keys()
        return True


async def _events(lines: aiohttp.StreamReader) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    name = ""
    async for raw in lines:
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))
