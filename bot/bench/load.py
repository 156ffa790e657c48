"""The parent's side of the load client: give an order, say go, read the ledger.

async with Client() as client:
    ledger = await client.run(order, on_tick)
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Self

_LINE_BYTES = 2**26


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the client is to send (bot.bench.client says what each mode means)."""

    port: int
    mode: str
    shape: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    contact: int = 1_000_000  #: contacts are counted from here
    number: int = 0  #: and updates from here
    contacts: int = 0
    at_once: int = 64
    connections: int = 64
    per_s: float = 0.0
    seconds: float = 0.0
    tick_s: float = 60.0
    forgets: bool = False  #: keep no latency of each message over a long run, only the ticks


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What the client saw: the truth that tables are counted against."""

    wall_s: float
    accepted: int
    refused: int
    other: int
    broken: int
    told: int
    chats: int
    waits_s: list[float]
    cpu_s: float = 0.0  #: of this process, meanwhile


class Client:
    """The load client's process."""

    def __init__(self) -> None:
        self.provider_port = 0

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot.bench.client"),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES,
        )
        self.provider_port = (await self._read())["provider"]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    async def run(self, order: Order, on_tick: Callable[[dict[str, Any]], None] = lambda _: None) -> Ledger:
        """Have an order carried out; our own CPU is measured from «go» to the end."""
        await self._write(json.dumps(asdict(order)))
        await self._read()
        cpu_s = time.process_time()
        await self._write("go")
        while "done" not in (found := await self._read()):
            on_tick(found["tick"])
        return Ledger(**found["done"], cpu_s=time.process_time() - cpu_s)

    async def told(self) -> tuple[int, int]:
        """Give how many messages reached the provider, and how many chats they were for."""
        await self._write("told")
        found = await self._read()
        return found["told"], found["chats"]

    async def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        await self._process.stdin.drain()

    async def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise ConnectionError("the load client ended; its own error is above")
        found: dict[str, Any] = json.loads(line)
        return found
