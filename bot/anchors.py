"""How far the audit's chain reaches, told to a place outside each ten minutes, and the chain verified each night.

Whoever cuts off the newest rows, or writes a new chain with the key file, cannot take back what was told outside: a
file on another machine, or a program that sends the line where we cannot reach. A line holds a time, a number and a
digest; nothing of anybody.
"""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

from bot.beats import Beats
from bot.core.clock import TEHRAN, Clock
from bot.settings import Settings
from bot.store.audit import Head, Verdict, head, verify
from bot.store.database import Store, Tx
from bot.telemetry import Log

ANCHOR_EVERY_S = 600.0
_LOOK_S = 10.0
_COMMAND_S = 30.0
#: The hour in Tehran after which a day's verifying begins.
_NIGHT_HOUR = 3
_MARK = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"


def anchor_line(found: Head, at_ms: int) -> str:
    """Give the line that is told outside."""
    return json.dumps({"at": at_ms, "seq": found.seq, "mac": found.mac})


def read_anchors(path: Path) -> Iterator[Head]:
    """Give the anchors of a file; a line that was torn or is none is passed over.

    Raises:
        OSError: it cannot be read.
    """
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        try:
            found = json.loads(line)
            yield Head(seq=int(found["seq"]), mac=str(found["mac"]))
        except (ValueError, KeyError, TypeError):
            continue


def note_verdict(tx: Tx, verdict: Verdict, now_ms: int) -> None:
    """Keep for the health page what verifying found; what was found broken stays so until a whole walk is well."""
    tx.raw.execute(_MARK, ("audit.verified_at", str(now_ms)))
    tx.raw.execute(_MARK, ("audit.broken", str(verdict.broken or 0)))


class AuditWatch:
    """The loop that anchors and verifies."""

    def __init__(self, store: Store, clock: Clock, settings: Settings, *, log: Log, beats: Beats) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._log = log
        self._beats = beats
        self._anchored_at = float("-inf")
        self._told: Head | None = None
        self._verified_on = ""

    async def run(self) -> None:
        """Anchor and verify, for ever: at the start, each ten minutes, each night."""
        while True:
            self._beats.beat("audit")
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - the loop must outlive a full disk; its beat tells that it lives
                self._log.error("audit_watch_failed", error=type(error).__name__)
            await asyncio.sleep(_LOOK_S)

    async def look(self) -> None:
        """Do what is due now."""
        if self._clock.monotonic() - self._anchored_at >= ANCHOR_EVERY_S:
            await self.anchor()
        night = self._clock.now().astimezone(TEHRAN)
        day = night.date().isoformat()
        if not self._verified_on or (self._verified_on != day and night.hour >= _NIGHT_HOUR):
            await self.verify()
            self._verified_on = day

    async def anchor(self) -> None:
        """Tell outside how far the chain reaches, when it reached further since."""
        self._anchored_at = self._clock.monotonic()
        found = await self._store.read(head)
        if found is not None and found != self._told:
            line = anchor_line(found, self._now_ms())
            if self._settings.anchor_file is not None:
                await asyncio.to_thread(_add_line, self._settings.anchor_file, line)
            if self._settings.anchor_command:
                await _run(self._settings.anchor_command, line)
            self._told = found

    async def verify(self) -> Verdict:
        """Walk the whole chain and keep the verdict."""
        key, file = self._store.audit_key, self._settings.anchor_file
        anchors = await asyncio.to_thread(_known, file) if file is not None else []
        verdict = await self._store.read(lambda connection: verify(connection, key, anchors))
        if verdict.broken is not None:
            self._log.error("audit_broken", row_id=verdict.broken)
        now_ms = self._now_ms()
        await self._store.write(lambda tx: note_verdict(tx, verdict, now_ms))
        return verdict

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)


def _add_line(path: Path, line: str) -> None:
    with path.open("a", encoding="ascii") as file:
        file.write(line + "\n")
        file.flush()


def _known(path: Path) -> list[Head]:
    return list(read_anchors(path)) if path.exists() else []


async def _run(command: str, line: str) -> None:
    child = await asyncio.create_subprocess_exec(
        command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(_COMMAND_S):
            await child.communicate(line.encode() + b"\n")
    except TimeoutError:
        child.kill()
        await child.wait()
        raise
    if child.returncode:
        raise OSError(f"the anchor command ended with {child.returncode}")
