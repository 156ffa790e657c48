"""Where a fault strikes: one installation with its process, its provider behind a wire, duty, and a counsellor's queue."""

import contextlib
import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bot.proof.counsellor import Counsellor
from bot.proof.crash_alert import Duty, end_watch
from bot.proof.crash_check import Books
from bot.proof.installation import Installation, free_port, until
from bot.proof.ledger import Ledger
from bot.proof.ledger_sms import settings as sms_settings
from bot.proof.ledger_sms import write_sms
from bot.proof.nursery import Nursery
from bot.proof.wire import Wire

if TYPE_CHECKING:
    from bot.proof.wire_postgres import PostgresSide

_START_S = 15.0


@dataclass(slots=True, kw_only=True)
class Site:
    """The place of one fault. `tools` is what a fault has in hand until it is healed."""

    installation: Installation
    ledger: Ledger
    wire: Wire  #: to the provider
    duty: Duty
    counsellor: Counsellor
    by_sms: bool
    redis: "RedisServer | None"
    postgres: "PostgresSide | None" = None
    books: Books = field(default_factory=Books)
    tools: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def pid(self) -> int:
        """The process that serves."""
        assert self.installation.child is not None
        return self.installation.child.pid

    @property
    def database(self) -> Path:
        """Its database file."""
        return self.installation.var / "panah.db"

    async def say(self, chat: int, text: str) -> int:
        """A person writes; give the number of it in the ledger."""
        if not self.by_sms:
            return self.ledger.say(chat, text)
        return await write_sms(self.ledger, f"http://127.0.0.1:{self.installation.web_port}", chat, text)

    def limit(self, which: int, soft: int) -> None:
        """Lower a limit of the process; raised again at the healing."""
        before = resource.prlimit(self.pid, which)
        pid = self.pid

        def back() -> None:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, which, before)

        resource.prlimit(pid, which, (soft, before[1]))
        self.tools.callback(back)

    def freeze(self, pid: int) -> None:
        """Stop a process in its tracks; it goes on at the healing."""
        os.kill(pid, signal.SIGSTOP)

        def thaw() -> None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

        self.tools.callback(thaw)

    def lock(self) -> None:
        """Hold the database's write lock from outside."""
        connection = sqlite3.connect(self.database, isolation_level=None, timeout=10.0, check_same_thread=False)
        connection.execute("BEGIN IMMEDIATE")
        self.tools.callback(connection.close)

    def spin(self, count: int) -> None:
        """Keep so many processes busy."""
        for _ in range(count):
            spinner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            self.tools.callback(spinner.wait)
            self.tools.callback(spinner.kill)

    def crowd(self, count: int) -> None:
        """Open connections to the console that never finish their question."""
        for _ in range(count):
            slow = socket.create_connection(("127.0.0.1", self.installation.console_port), timeout=5.0)
            slow.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            self.tools.callback(slow.close)


class RedisServer:
    """A real Redis of its own, which dies and comes back on the same port."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it, empty."""
        words = ["redis-server", "--port", str(self.port), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL)  # noqa: S603, ASYNC220 - returns at once
        await until(self._answers, _START_S)

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def is_running(self) -> bool:
        """False behind `stop`."""
        return self._process is not None

    def flush(self) -> None:
        """Forget everything, and throw every listener out."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=2.0) as asking:
            asking.sendall(b"FLUSHALL\r\nCLIENT KILL TYPE pubsub\r\nCLIENT KILL TYPE normal SKIPME yes\r\n")
            asking.recv(256)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=0.2).close()
        except OSError:
            return False
        return True


def has_redis() -> bool:
    """True when a Redis server can be started here."""
    return shutil.which("redis-server") is not None


@contextlib.asynccontextmanager
async def site(
    directory: Path, nursery: Nursery, *, by_sms: bool, with_redis: bool, postgres: "PostgresSide | None" = None
) -> AsyncIterator[Site]:
    """Open a place with everything whole, and clear it away afterwards."""
    async with contextlib.AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(Ledger())
        wire = await stack.enter_async_context(Wire("127.0.0.1", ledger.port))
        duty = Duty(directory)
        installation = Installation(directory / "panah", nursery, ledger, by_webhook=False, **duty.settings)
        installation.environment["PANAH_TELEGRAM_API"] = wire.url
        if by_sms:
            base_url = f"http://127.0.0.1:{installation.web_port}"
            installation.environment |= sms_settings(wire.url, base_url)
        if postgres is not None:
            installation.environment["PANAH_DATABASE"] = postgres.url
            installation.reader = postgres.reader
        redis = RedisServer() if with_redis else None
        if redis is not None:
            await redis.start()
            stack.callback(redis.stop)
            redis_wire = await stack.enter_async_context(Wire("127.0.0.1", redis.port))
            installation.environment["PANAH_REDIS_URL"] = f"redis://127.0.0.1:{redis_wire.port}"
        stack.push_async_callback(end_watch, installation)
        stack.push_async_callback(installation.kill)
        await installation.start()
        counsellor = await stack.enter_async_context(Counsellor(installation))
        await counsellor.sign_in()
        place = Site(
            installation=installation,
            ledger=ledger,
            wire=redis_wire if redis is not None else wire,
            duty=duty,
            counsellor=counsellor,
            by_sms=by_sms,
            redis=redis,
            postgres=postgres,
        )
        stack.callback(place.tools.close)
        yield place
