"""Who else runs on the same database: one row of `leases` a process, renewed by its heart, gone after a clean stop.

With one process the word in `meta` is enough. Where several share PostgreSQL, a new one must know whether one of its
kind died with something half done (then it is careful), and the last one that stops says that the service is stopped.
"""

import os
import socket
from dataclasses import dataclass

from bot.store.database import Tx

#: A process that was not heard of for so long is dead.
LEASE_MS = 30_000
_PREFIX = "process:"
_RENEW = (
    "INSERT INTO leases (name, holder, lease_until) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET"
    " lease_until = excluded.lease_until"
)
_OTHERS = "SELECT name, holder, lease_until FROM leases WHERE name LIKE ?"
#: What a dead process was sending may go out again now, not only when its lease ends a minute later.
_FREE = (
    "UPDATE outbox SET state = 'queued', lease_until = NULL, lease_by = NULL"
    " WHERE state IN ('queued', 'sending') AND state = 'sending' AND lease_by LIKE ?"
)


@dataclass(frozen=True, slots=True)
class Process:
    """One process by its role and the machine's own number for it."""

    role: str
    boot: str  #: an id of this start

    @property
    def _name(self) -> str:
        return f"{_PREFIX}{self.role}:{self.boot}"

    @property
    def leases(self) -> str:
        """Give what the name of each of its senders in the outbox begins with."""
        return f"{self.boot}/"

    @property
    def holder(self) -> str:
        """Name the process by machine and number, so that others of the machine see when it is gone."""
        return f"{socket.gethostname()}:{os.getpid()}"

    def begin(self, tx: Tx, now_ms: int) -> bool:
        """Enter the process; True when one of its kind ended without a word."""
        died = False
        for name, holder, until in tx.raw.execute(_OTHERS, ("%",)).fetchall():
            is_process = name.startswith(_PREFIX)
            if is_process and _is_dead(holder):
                tx.raw.execute(_FREE, (f"{name.rpartition(':')[2]}/%",))
            if _is_dead(holder) or (is_process and until <= now_ms):  # a dead poller's lease is nobody's to wait for
                tx.raw.execute("DELETE FROM leases WHERE name = ?", (name,))
                died = died or name.startswith(f"{_PREFIX}{self.role}:")
        self.renew(tx, now_ms)
        return died

    def renew(self, tx: Tx, now_ms: int) -> None:
        """Say that it lives; what others of this machine were sending as they died may go out again.

        Their rows stay: the next one of their kind is to find them, and be careful.
        """
        tx.raw.execute(_RENEW, (self._name, self.holder, now_ms + LEASE_MS))
        for name, holder, _ in tx.raw.execute(_OTHERS, (f"{_PREFIX}%",)).fetchall():
            if _is_dead(holder):
                tx.raw.execute(_FREE, (f"{name.rpartition(':')[2]}/%",))

    def end(self, tx: Tx, now_ms: int) -> bool:
        """Take it out after a clean stop; True when no other process lives."""
        tx.raw.execute("DELETE FROM leases WHERE name = ?", (self._name,))
        left = tx.raw.execute(_OTHERS, (f"{_PREFIX}%",)).fetchall()
        return not any(until > now_ms and not _is_dead(holder) for _, holder, until in left)


def _is_dead(holder: str) -> bool:
    """True for a process of this machine that is not there any more; of another machine's only its lease tells."""
    host, _, pid = holder.rpartition(":")
    if host != socket.gethostname() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
