"""`python -m bot.bench.client`: the load, in a process of its own. One JSON object a line in, one a line out.

An order names a port, how requests look and how they come: `closed` (each contact sends its next message when the
last was accepted), `answered` (when it was accepted and the reply has come to this process's provider), `rate` (so
many a second whatever the answers) and `burst` (all at once; a 503 is sent again after the time it names).
"""

import asyncio
import contextlib
import json
import resource
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Any

import uvloop

from bot.bench.dialogue import TURNS, Dialogues
from bot.bench.lines import Asked, Lines
from bot.bench.provider import Provider
from bot.bench.requests import SHAPES

_ACCEPTED = 200
_COME_BACK = 503
_ACCEPT, _TOLD = 1, 2


class Load:
    """One order being carried out, and its ledger."""

    def __init__(self, order: dict[str, Any], provider: Provider) -> None:
        self._order = order
        self._provider = provider
        self._lines = Lines(order["port"], self._answered)
        self._statuses: Counter[int] = Counter()
        self._waits: list[float] = []
        self._tick: list[float] = []
        self._next: dict[int, Iterator[bytes]] = {}
        self._owed: dict[int, int] = {}
        self._fresh: deque[Asked] = deque()
        self._open = 0
        self._done = asyncio.Event()
        self._needs_reply = order["mode"] == "answered"
        provider.told.clear()

    async def prepare(self) -> None:
        """Make the requests and open the connections."""
        order = self._order
        self._shape = SHAPES[order["shape"]](order["path"], order["headers"])
        if order["mode"] != "rate":
            dialogues = Dialogues(order["contact"], order["number"]).of(order["contacts"])
            first = order["contact"] + 1
            if order["mode"] == "burst":
                raws = ((at, updates[0]) for at, updates in enumerate(dialogues, first))
                self._fresh.extend(Asked(self._shape(raw), at) for at, raw in raws)
            else:
                for at, updates in enumerate(dialogues, first):
                    self._next[at] = iter([self._shape(raw) for raw in updates])
        await self._lines.open(order["connections"])

    async def run(self) -> dict[str, Any]:
        """Send everything; give the ledger."""
        begun = time.perf_counter()
        match self._order["mode"]:
            case "rate":
                await self._run_rate(begun)
            case "burst":
                self._open = len(self._fresh)
                while self._fresh:
                    self._lines.ask(self._fresh.popleft())
                await self._done.wait()
            case _:
                await self._run_talks()
        wall_s = time.perf_counter() - begun
        self._lines.close()
        accepted = self._statuses[_ACCEPTED]
        return {
            "wall_s": wall_s,
            "accepted": accepted,
            "refused": self._statuses[_COME_BACK],
            "other": self._statuses.total() - accepted - self._statuses[_COME_BACK],
            "broken": self._lines.broken,
            "told": self._provider.told.total(),
            "chats": len(self._provider.told),
            "waits_s": sorted(round(wait, 6) for wait in self._waits),
        }

    def heard(self, contact: int) -> None:
        """A reply came in."""
        if self._needs_reply:
            self._settle(contact, _TOLD)

    def _settle(self, contact: int, what: int) -> None:
        """A turn is over when it was accepted and answered, in whatever order; a second text of it changes nothing."""
        owed = self._owed.get(contact, 0)
        if owed & what:
            self._owed[contact] = owed & ~what
            if owed == what:
                self._advance(contact)

    def _answered(self, asked: Asked, status: int, again_s: float) -> None:
        self._statuses[status] += 1
        if status == _COME_BACK:
            asyncio.get_running_loop().call_later(again_s or 1.0, self._lines.ask, asked)
            return
        wait_s = time.perf_counter() - asked.due
        self._waits.append(wait_s)
        self._tick.append(wait_s)
        match self._order["mode"]:
            case "answered":
                self._settle(asked.contact, _ACCEPT)
            case "closed":
                self._advance(asked.contact)
            case _:
                self._open -= 1
                if self._open == 0:
                    self._done.set()

    async def _run_talks(self) -> None:
        waiting = iter(list(self._next))
        self._open = len(self._next)
        self._begin_next: Callable[[], int | None] = lambda: next(waiting, None)
        for _ in range(min(self._order["at_once"], self._open)):
            first = self._begin_next()
            assert first is not None
            self._advance(first)
        await self._done.wait()

    def _advance(self, contact: int) -> None:
        raw = next(self._next[contact], None)
        if raw is not None:
            self._owed[contact] = _ACCEPT | _TOLD
            self._lines.ask(Asked(raw, contact))
            return
        self._open -= 1
        following = self._begin_next()
        if following is not None:
            self._advance(following)
        if self._open == 0:
            self._done.set()

    async def _run_rate(self, begun: float) -> None:
        """Send at a fixed rate; latency counts from when a message was due."""
        order = self._order
        per_s, total = order["per_s"], int(order["per_s"] * order["seconds"])
        self._open = total
        tick_at = begun + order["tick_s"]
        for number, (contact, raw) in enumerate(self._stream(max(20, int(per_s)))):
            if number == total:
                break
            due = begun + number / per_s
            late_s = due - time.perf_counter()
            if late_s > 0:
                await asyncio.sleep(late_s)
            self._lines.ask(Asked(self._shape(raw), contact, due))
            if due >= tick_at:
                self._tell_tick()
                tick_at += order["tick_s"]
        if self._open:
            await self._done.wait()
        self._tell_tick()

    def _stream(self, live: int) -> Iterator[tuple[int, bytes]]:
        """Give dialogues without end, `live` of them at once: a contact writes about once a second."""
        dialogues, contact = Dialogues(self._order["contact"], self._order["number"]), self._order["contact"]
        while True:
            block = dialogues.of(live)
            for turn in range(TURNS):
                for at, updates in enumerate(block, contact + 1):
                    yield at, updates[turn]
            contact += live

    def _tell_tick(self) -> None:
        waits, self._tick = sorted(self._tick), []
        self._waits = [] if self._order.get("forgets") else self._waits
        if waits:
            share = waits[min(len(waits) - 1, int(len(waits) * 0.99))]
            tell({"tick": {"count": len(waits), "p50_s": waits[len(waits) // 2], "p99_s": share}})


def tell(found: dict[str, Any]) -> None:
    """Write one line to whoever started us."""
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


async def serve() -> None:
    """Carry out orders until standard input ends."""
    loads: list[Load] = []
    provider = Provider(lambda chat: loads[-1].heard(chat) if loads else None)
    tell({"provider": await provider.open()})
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        if line.strip() == "told":
            tell({"told": provider.told.total(), "chats": len(provider.told)})
            continue
        load = Load(json.loads(line), provider)
        await load.prepare()
        loads[:] = [load]
        tell({"ready": True})
        await loop.run_in_executor(None, sys.stdin.readline)
        tell({"done": await load.run()})
    provider.close()


def main() -> None:
    """Run until told to end."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())


if __name__ == "__main__":
    main()
