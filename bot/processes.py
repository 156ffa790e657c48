"""Who else runs on the same database: one row of `leases` a process, renewed by its heart, gone after a clean stop.

With one process the word in `meta` is enough. Where several share PostgreSQL, a new one must know whether one of its
kind died with something half done (then it is careful), and the last one that stops says that the service is stopped.
Only who sees the same process numbers can look whether one is gone: containers may share a name and not those.
"""

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

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
        """Name the process by where its number means it, so that others there see when it is gone."""
        return holder_of(os.getpid())

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


def holder_of(pid: int) -> str:
    """Name a process: machine, its boot and the namespace of process numbers, the number, and when it started."""
    return f"{socket.gethostname()}:{_place()}:{pid}:{_started(pid)}"


def _place() -> str:
    """Give what two processes share that see the same process numbers; empty where that cannot be told."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}.{str(Path('/proc/self/ns/pid').readlink()).strip('pid:[]')}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """Give when a process started, in the kernel's ticks: its number may be another one's later."""
    with suppress(OSError, IndexError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[19]  # behind the name, which may hold anything
    return ""


def _is_dead(holder: str) -> bool:
    """True for a process that we would see and that is not there any more; of any other only its lease tells."""
    host, *rest = holder.split(":")
    if len(rest) != 3 or not rest[0] or (host, rest[0]) != (socket.gethostname(), _place()):
        return False
    _, number, started = rest
    if not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # another user's
    now = _started(int(number))
    return bool(started and now and started != now)
