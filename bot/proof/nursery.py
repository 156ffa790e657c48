"""The driver's side of the zygote: start real Panah processes by fork, hear when they end, kill them.

async with Nursery() as nursery:
    child = await nursery.start({"PANAH_VAR": "…"}, log)
    child.kill(); await child.ended
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

_READY_S = 120.0
#: glibc sets 64 MB aside for each thread otherwise, so that a memory would never be used up (mallopt(3)).
_ONE_HEAP = {"MALLOC_ARENA_MAX": "1"}


class Child:
    """One started process."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def is_alive(self) -> bool:
        """True until its end was heard of."""
        return not self.ended.done()

    def signal(self, number: int) -> None:
        """Send a signal; nothing happens to who is gone."""
        if self.is_alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power cut would: kill -9."""
        self.signal(signal.SIGKILL)

    async def wait(self, seconds: float) -> int:
        """Wait for its end; give its exit code, negative for a signal.

        Raises:
            TimeoutError: it lives on.
        """
        return await asyncio.wait_for(asyncio.shield(self.ended), seconds)


class Nursery:
    """The zygote process and its children."""

    def __init__(self) -> None:
        self._children: dict[int, Child] = {}
        self._started: asyncio.Queue[int] = asyncio.Queue()
        self._ready = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()

    async def __aenter__(self) -> Self:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PANAH_")}
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot.proof.zygote"),
            env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **_ONE_HEAP},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._reader = asyncio.create_task(self._listen())
        await asyncio.wait_for(self._ready.wait(), _READY_S)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._reader

    async def start(self, environment: Mapping[str, str], log: Path, argv: Sequence[str] = ("run",)) -> Child:
        """Start `panah …` in an environment of its own; its output goes to the end of `log`."""
        order = {"env": dict(environment), "log": str(log), "argv": list(argv)}
        assert self._process.stdin is not None
        async with self._one_at_a_time:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            pid = await self._started.get()
        return self._children[pid]

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            self._hear(json.loads(line))
        for child in self._children.values():
            if child.is_alive:
                child.ended.set_result(-signal.SIGKILL)

    def _hear(self, fact: dict[str, Any]) -> None:
        match fact:
            case {"ready": True}:
                self._ready.set()
            case {"started": int(pid)}:
                self._children[pid] = Child(pid)
                self._started.put_nowait(pid)
            case {"ended": int(pid), "code": int(code)}:
                self._children.pop(pid).ended.set_result(code)
