"""How long an answer of PostgreSQL is waited for.

A connection through a proxy or a router that forgot it looks whole for ever: what is sent is taken, nothing comes back,
and no timer of TCP ever ends. Without a limit of our own the thread that writes would stand there until somebody
restarts the process.
"""

import contextlib
import time
from collections.abc import Iterator
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

T = TypeVar("T")


class Patience:
    """How long a statement may take on the connections that share this; 0 is as long as it takes."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    @contextlib.contextmanager
    def of(self, seconds: float) -> Iterator[None]:
        """Be patient for no longer than this, for a while."""
        before, self.seconds = self.seconds, seconds
        try:
            yield
        finally:
            self.seconds = before


class PatientConnection(psycopg.Connection[Any]):
    """A connection that counts as lost when an answer does not come."""

    patience = Patience()

    def wait(self, gen: PQGen[T], *arguments: Any, **named: Any) -> T:
        """Wait for the server as always, but not for ever.

        Raises:
            psycopg.OperationalError: it did not answer in time; the connection is closed.
        """
        if not self.patience.seconds:
            return super().wait(gen, *arguments, **named)
        return super().wait(self._limited(gen, time.monotonic() + self.patience.seconds), *arguments, **named)

    def _limited(self, gen: PQGen[T], until: float) -> PQGen[T]:
        """Pass on what the generator wants to wait for, and look at the clock whenever nothing came."""
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() > until:
                    self.pgconn.finish()
                    raise psycopg.OperationalError("the server does not answer")
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
