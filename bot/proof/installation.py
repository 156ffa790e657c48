"""One installation under proof: a data directory, a ledger as its provider, a counsellor, and the process that serves.

It is started, stopped, killed and armed from outside; what it holds is read beside it, only to be counted against the
ledger.
"""

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import sqlite3
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.proof.ledger import TOKEN, Ledger
from bot.proof.nursery import Child, Nursery

if TYPE_CHECKING:
    from bot.proof.ground import Reader

_LOOK_S = 0.02
_START_S = 180.0  # a starved machine starts slowly; whoever ends at its start is noticed at once
_SECRET = "proof-secret-of-the-webhook"  # noqa: S105 - of a loopback port that lives for a minute


class StartError(Exception):
    """The process ended, or its ports stayed closed."""


def free_port() -> int:
    """Find a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class HeldPort:
    """A free port that nobody else is given while this object lives, also while the process that serves it is down.

    A bound socket that does not listen keeps it: the service binds beside it (SO_REUSEADDR), a client's connection is
    given another one.
    """

    def __init__(self) -> None:
        probe = socket.socket()
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        self.number: int = probe.getsockname()[1]
        weakref.finalize(self, os.close, probe.detach())


class Installation:
    """A data directory and whoever serves it."""

    def __init__(self, directory: Path, nursery: Nursery, ledger: Ledger, *, by_webhook: bool, **settings: str) -> None:
        self.directory = directory
        self.ledger = ledger
        self.by_webhook = by_webhook
        self.log = directory / "panah.log"
        self._ports = HeldPort(), HeldPort()
        self.web_port, self.console_port = (port.number for port in self._ports)
        self.child: Child | None = None
        self.starts = 0
        self._nursery = nursery
        self._nonce = itertools.count()
        self._orders = directory / "orders"
        self._orders.mkdir(parents=True)
        self.environment = self._environment(settings)
        self.reader: Reader | None = None  #: who reads its rows, on PostgreSQL

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        webhook = {"PANAH_BASE_URL": f"http://127.0.0.1:{self.web_port}", "PANAH_TELEGRAM_SECRET": _SECRET}
        return {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "PANAH_VAR": str(self.var),
            "PANAH_WEB_PORT": str(self.web_port),
            "PANAH_CONSOLE_PORT": str(self.console_port),
            "PANAH_TELEGRAM_TOKEN": TOKEN,
            "PANAH_TELEGRAM_API": self.ledger.url,
            "PANAH_FAULT": f"dir:{self._orders}",
            **(webhook if self.by_webhook else {}),
            **settings,
        }

    @property
    def var(self) -> Path:
        """The data directory."""
        return self.directory / "var"

    @property
    def switches(self) -> Path:
        """The directory that PANAH_FAULT names: crash points, the clock, a full database."""
        return self._orders

    @property
    def socket(self) -> Path:
        """Its control socket."""
        return self.var / "panah.sock"

    @property
    def is_alive(self) -> bool:
        """True while its process lives."""
        return self.child is not None and self.child.is_alive

    def arm(self, point: str, times: int = 1) -> None:
        """Have the process die at a crash point, the running one or the next."""
        staging = self._orders / "point.new"
        staging.write_text(f"{point}:kill:{times}:{next(self._nonce)}", encoding="ascii")
        staging.rename(self._orders / "point")

    def disarm(self) -> bool:
        """Take the order back; True when it was carried out."""
        (self._orders / "point").unlink(missing_ok=True)
        met = (self._orders / "point.hit").exists()
        (self._orders / "point.hit").unlink(missing_ok=True)
        return met

    def shift_clock(self, seconds: float) -> None:
        """Make its clock wrong by so much; 0 is right."""
        (self._orders / "clock.new").write_text(str(seconds), encoding="ascii")
        (self._orders / "clock.new").rename(self._orders / "clock")

    async def start(self) -> None:
        """Start it and wait until both ports answer.

        Raises:
            StartError: it ended, or does not come.
        """
        self.starts += 1
        self.child = await self._nursery.start(self.environment, self.log)
        try:
            async with asyncio.timeout(_START_S):
                while not (await _answers(self.web_port) and await _answers(self.console_port)):
                    if not self.child.is_alive:
                        raise StartError(f"it ended with {self.child.ended.result()} while it started")
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            raise StartError("its ports stayed closed") from None

    async def verb(self, *argv: str, seconds: float = 60.0, **settings: str) -> int:
        """Run another verb on the installation; give its exit code.

        Raises:
            TimeoutError: it does not end.
        """
        child = await self._nursery.start({**self.environment, **settings}, self.log, argv)
        return await child.wait(seconds)

    async def kill(self) -> None:
        """Kill -9, and wait until it is gone."""
        if self.child is not None:
            self.child.kill()
            await self.child.wait(20.0)

    async def stop(self) -> None:
        """Stop it as an operator does."""
        if self.child is not None and self.child.is_alive:
            self.child.signal(signal.SIGTERM)
            await self.child.wait(30.0)

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read what it holds, beside it.

        Raises:
            sqlite3.OperationalError: it cannot be read now.
        """
        if self.reader is not None:
            return self.reader.rows(sql, values)
        uri = f"file:{self.var / 'panah.db'}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=10.0)) as connection:
            return connection.execute(sql, values).fetchall()

    @property
    def database(self) -> str | Path:
        """Where its rows are: a file, or an address at which nothing is in the way."""
        return self.reader.url if self.reader is not None else self.var / "panah.db"

    def is_whole(self) -> bool:
        """True when the file is not damaged; PostgreSQL's own checks are its own."""
        return self.reader is not None or self.rows("PRAGMA integrity_check") == [("ok",)]

    def counts(self, sql: str, *values: Any) -> int:
        """Read one number."""
        return int(self.rows(sql, *values)[0][0])


async def until(fact: Callable[[], bool], seconds: float) -> bool:
    """Wait for a fact; False when it does not come true in time."""
    try:
        async with asyncio.timeout(seconds):
            while not fact():  # noqa: ASYNC110 - facts of other processes have no event
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        return fact()
    return True


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
