"""A TCP proxy that misbehaves on order: between Panah and its providers, its Redis, its browsers, its PostgreSQL.

    async with Wire("127.0.0.1", port) as wire:      # listens on wire.port
        wire.be(Trouble(latency_s=0.2, jitter_s=0.1))
        wire.be(Trouble(black_hole=True)); wire.heal()

Connections that were lost by `half_open` stay lost after healing, as with a router that forgot them; a black hole
gives back what it held, as TCP's own repetition would.
"""

import asyncio
import contextlib
import random
import socket
import struct
from dataclasses import dataclass
from typing import Self

_CHUNK = 16_384
_LINGER_0 = struct.pack("ii", 1, 0)  # close() then sends RST


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """How a wire misbehaves. Everything off is a good wire."""

    latency_s: float = 0.0
    jitter_s: float = 0.0
    bytes_per_s: float = 0.0  #: 0: no limit
    refuse: bool = False  #: nobody listens
    reset: bool = False  #: every connection, open or new, ends in RST
    black_hole: bool = False  #: nothing passes until it is healed
    half_open: bool = False  #: nothing passes, and what was lost stays lost
    cut_after: int = 0  #: RST after so many bytes of the answer
    corrupt_at: int = 0  #: this byte of each answer is turned over
    drop_share: float = 0.0  #: so many of the new connections are reset
    half_closed: bool = False  #: open connections end for the client, and the server is told nothing
    only: bytes = b""  #: reset only connections whose first words have this in them


_GOOD = Trouble()


class _Pair:
    """One connection through the wire: the client's side and the server's."""

    def __init__(self, ours: asyncio.StreamWriter, theirs: asyncio.StreamWriter) -> None:
        self.ours = ours
        self.theirs = theirs
        self.is_lost = False
        self.answered = 0
        self.first = b""  #: the client's first words

    def reset(self) -> None:
        """End both sides with RST."""
        for writer in (self.ours, self.theirs):
            found = writer.get_extra_info("socket")
            with contextlib.suppress(OSError, AttributeError):
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0)
            writer.transport.abort()


def _ends(trouble: Trouble, first: bytes) -> bool:
    """True when a connection with these first words, empty while it has said none, ends in RST."""
    return (trouble.reset or trouble.refuse) and (not trouble.only or trouble.only in first)


class Wire:
    """One wire to one address."""

    def __init__(self, host: str, port: int, *, seed: int = 0) -> None:
        self._target = (host, port)
        self._dice = random.Random(seed)  # noqa: S311 - jitter, repeatable on purpose
        self._pairs: set[_Pair] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._good = asyncio.Event()
        self._good.set()
        self.trouble = _GOOD
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for pair in list(self._pairs):
            pair.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """Give the address of this end."""
        return f"http://127.0.0.1:{self.port}"

    def be(self, trouble: Trouble) -> None:
        """Misbehave from now on."""
        self.trouble = trouble
        if trouble.black_hole or trouble.half_open:
            self._good.clear()
        else:
            self._good.set()
        for pair in list(self._pairs):
            pair.is_lost = pair.is_lost or trouble.half_open or trouble.half_closed
            if trouble.half_closed:
                pair.ours.close()
            if _ends(trouble, pair.first):
                pair.reset()

    def heal(self) -> None:
        """Be a good wire again."""
        self.be(_GOOD)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            back, forth = await self._reach()
        except OSError:
            writer.transport.abort()
            return
        pair = _Pair(writer, forth)
        pair.is_lost = self.trouble.half_open
        if _ends(self.trouble, b"") or self._dice.random() < self.trouble.drop_share:
            pair.reset()
            return
        self._pairs.add(pair)
        try:
            await asyncio.gather(
                self._pump(reader, forth, pair, answers=False), self._pump(back, writer, pair, answers=True)
            )
        except asyncio.CancelledError:
            return  # the wire is taken down; a cancelled connection would be reported as an error of the server
        finally:
            self._pairs.discard(pair)
            pair.ours.close()
            pair.theirs.close()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to what is behind the wire."""
        return await asyncio.open_connection(*self._target)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pair: _Pair, *, answers: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while some := await reader.read(_CHUNK):
                if not answers and not pair.first:
                    pair.first = some
                    if _ends(self.trouble, some):
                        pair.reset()
                        return
                if not pair.is_lost:
                    await self._good.wait()
                if pair.is_lost:
                    continue  # swallowed; nobody is told that the other side is gone
                await self._pass_on(some, writer, pair, answers=answers)
        if pair.is_lost:
            await asyncio.Event().wait()  # its end is not told either
        with contextlib.suppress(OSError, RuntimeError):
            writer.write_eof()

    async def _pass_on(self, some: bytes, writer: asyncio.StreamWriter, pair: _Pair, *, answers: bool) -> None:
        trouble = self.trouble
        wait_s = trouble.latency_s + trouble.jitter_s * self._dice.random()
        if trouble.bytes_per_s:
            wait_s += len(some) / trouble.bytes_per_s
        if wait_s:
            await asyncio.sleep(wait_s)
        if answers:
            some = self._spoilt(some, pair, trouble)
        writer.write(some)
        await writer.drain()
        if answers and trouble.cut_after and pair.answered >= trouble.cut_after:
            pair.reset()

    def _spoilt(self, some: bytes, pair: _Pair, trouble: Trouble) -> bytes:
        begun = pair.answered
        pair.answered += len(some)
        if trouble.cut_after:
            return some[: max(0, trouble.cut_after - begun)]
        if trouble.corrupt_at:
            spoilt = bytearray(some)
            at = min(trouble.corrupt_at, len(spoilt)) - 1
            spoilt[at] ^= 0xFF
            return bytes(spoilt)
        return some
