"""One simulated installation: the real core on a real database file, its process, and how that process dies.

A crash keeps the files exactly as they are at that moment, as kill -9 does; every object in memory is dropped and the
core is built again from what is on disk, by the very functions that `panah run` starts with.
"""

import asyncio
import contextlib
import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from starlette.requests import Request

from bot.app import Core, build_core
from bot.bus import InProcessBus
from bot.core import fault
from bot.core.clock import SteadyClock
from bot.core.ids import seeded_ids
from bot.core.messages import InboundMsg
from bot.handlers.hooks import Door
from bot.handlers.telegram import telegram_routes
from bot.installation import close, pick_up
from bot.proof.simulation.citizens import telegram_body
from bot.proof.simulation.provider import Provider, SimSms, SimTelegram, Update
from bot.proof.simulation.template import SharedVersions, Template
from bot.proof.simulation.virtual import CrashError, Faults, SimClock, VirtualLoop
from bot.sender import Sender
from bot.store.database import Store, Tx
from escalation.office import Office
from escalation.sweeper import sweep_once

T = TypeVar("T")

_SECRET = "s" * 32
_PAGES_MAX = 1_000_000
#: Whether a loop's pass would find anything: asked from outside, because an idle pass costs ten times this question.
_TO_SWEEP = (
    "SELECT 1 FROM cases WHERE (state = 'claimed' AND lease_until <= ?) OR (state = 'waiting' AND next_action_at <= ?)"
    " LIMIT 1"
)
_TO_FIRE = (
    "SELECT 1 FROM sessions WHERE ended_at IS NULL AND (silence_at <= ? OR not_taken_at <= ?)"
    " UNION ALL SELECT 1 FROM due WHERE state = 'planned' AND due_at <= ? LIMIT 1"
)
#: A row that may go out within the second, that is on its way, or that has gone stale; a case whose line is dead.
_TO_SEND = (
    "SELECT 1 FROM outbox WHERE state IN ('queued', 'sending') AND (state = 'sending' OR due_at <= ? OR expires_at <= ?)"
    " UNION ALL SELECT 1 FROM cases c JOIN addresses a ON a.contact_id = c.contact_id"
    " WHERE c.state <> 'closed' AND c.unreachable_at IS NULL AND a.unreachable_at IS NOT NULL LIMIT 1"
)


class SimLog:
    """Counts what is told; keeps no sentence."""

    def __init__(self) -> None:
        self.told: Counter[str] = Counter()

    def info(self, event: str, **keys: object) -> None:
        """Count an event, by its error where it has one."""
        self.told[f"{event}:{keys['error']}" if "error" in keys else event] += 1

    warning = error = info


class House:
    """The installation. `run` and `do` give None when the process died on the way."""

    def __init__(self, template: Template, directory: Path, clock: SimClock, seed: int) -> None:
        self.clock = clock
        self.faults = Faults()
        self.provider = Provider(clock, self.faults)
        self.log = SimLog()
        self.crashes = 0
        self.on_crash: Callable[[], None] = lambda: None  #: called at the moment of death, before anything starts again
        self.disk_is_full = False
        self.unsure = 0  #: starts under a clock that had jumped since the start before: it cannot know of it
        self._jumps = clock.jumps
        self._template = template
        self._directory = directory
        self._ids = seeded_ids(seed)
        self._begin_disk()
        self.faults.on_death = self._keep_disk
        fault.arm(self.faults)
        self._open()

    # -- the process ------------------------------------------------------------------------------------------------

    def _begin_disk(self) -> None:
        """Put the finished installation on disk."""
        self._path = self._new_path()
        self._path.write_bytes(self._template.database)
        self._next_path = self._path

    def _open_store(self) -> Store:
        store = Store(self._path, threaded=False)
        self._template.share_statements(store)
        return store

    def _open_eye(self) -> Any:
        """Open the connection of those who look from outside."""
        return sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, isolation_level=None)

    def _new_path(self) -> Path:
        path = self._directory / str(self.crashes) / "panah.db"
        path.parent.mkdir(parents=True)
        return path

    def _open(self) -> None:
        """Start the process on what is on disk."""
        self.unsure += self._jumps != self.clock.jumps
        self._jumps = self.clock.jumps
        self.bus = InProcessBus()
        self.loop = VirtualLoop(self.clock, self.faults)
        self.store = self._open_store()
        self.eye = self._open_eye()
        self.steady = SteadyClock(self.clock)
        versions = SharedVersions(self.store, self.steady, self._template.bundles)
        self.core: Core = build_core(
            store=self.store,
            keyring=self._template.keyring,
            bus=self.bus,
            clock=self.steady,
            ids=self._ids,
            screener=self._template.screener,
            versions=versions,
            lines=versions.lines,
            log=self.log,
        )
        self.versions = versions
        pick_up(self.core)
        self.office = Office(keyring=self._template.keyring, bus=self.bus, new_id=self._ids)
        telegram = SimTelegram(self.provider)
        core = self.core
        door = Door(inbox=core.inbox, store=core.store, clock=core.clock, log=core.log, bus=core.bus, beats=core.beats)
        self._hook = telegram_routes(telegram, door, path="/hook", secret=_SECRET)[0].endpoint
        channels = (telegram, SimSms(self.provider))
        senders = [
            Sender(
                channel, store=core.store, keyring=core.keyring, bus=core.bus, clock=core.clock, log=core.log,
                beats=core.beats,
            )
            for channel in channels
        ]  # fmt: skip
        for channel in channels:
            self.provider.known_hold(channel.name, self._kept_hold_s(channel.account))
        self._loops = [self.loop.create_task(sender.run()) for sender in senders]
        self.core.timers.fire_due()  # the loop's first pass: from here on a jump of the clock is noticed
        if self.disk_is_full:
            self.fill_disk()

    def _kept_hold_s(self, account: str) -> float:
        """Give for how long the disk says that a provider wants no call: what it said last may have died unwritten."""
        found = self.rows("SELECT value FROM meta WHERE key = ?", (f"hold:{account}",))
        return (json.loads(found[0][0])[0] - self.now_ms()) / 1000 if found else 0.0

    def _keep_disk(self) -> None:
        """Copy the files as the dying process left them; whatever its corpse still writes goes to the old ones."""
        self.crashes += 1
        self._next_path = self._new_path()
        for suffix in ("", "-wal"):
            source = self._path.with_name(self._path.name + suffix)
            if source.exists():
                shutil.copyfile(source, self._next_path.with_name(self._next_path.name + suffix))
        self.on_crash()

    def restart(self) -> None:
        """Start again on what the dead process left."""
        while self.faults.is_dead:
            self._let_go()
            self._take_disk()
            self.faults.is_dead = False
            with contextlib.suppress(CrashError):  # it may die of its start too
                self._open()

    def _take_disk(self) -> None:
        """Go on with the disk as it was kept."""
        shutil.rmtree(self._path.parent)
        self._path = self._next_path

    def kill(self) -> None:
        """Kill the process between two acts, and start it again."""
        with contextlib.suppress(CrashError):
            self.faults.die("idle")
        self.restart()

    def stop_cleanly(self) -> None:
        """Stop as after SIGTERM, and start again; a crash point on the way makes it a kill."""
        crashes = self.crashes
        self.run(self._end_loops())
        if self.crashes != crashes:
            return
        with contextlib.suppress(Exception):  # a full disk: the stop is not marked clean
            self.living(lambda: close(self.core, is_clean=True))
        if self.crashes == crashes:
            self._let_go()
            self.living(self._open)

    async def _end_loops(self) -> None:
        for task in self._loops:
            task.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)

    def _let_go(self) -> None:
        self.loop.bury()
        self.eye.close()
        with contextlib.suppress(Exception):
            self.store.close()

    def shut(self) -> None:
        """End the simulation of this installation."""
        fault.arm(None)
        self._let_go()

    # -- doing things -----------------------------------------------------------------------------------------------

    def living(self, work: Callable[[], T]) -> T | None:
        """Do something in the process; when it dies of it, start it again and give None."""
        try:
            answer = work()
        except CrashError:
            answer = None
        if self.faults.is_dead:
            self.restart()
            return None
        return answer

    def run(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Run a coroutine of the process."""
        return self.living(lambda: self.loop.run(work))

    def act(self, act: Callable[..., T], **arguments: Any) -> T | None:
        """Do one act of staff in one write transaction."""
        now_ms = self.now_ms()
        return self.living(lambda: self.store.write_now(lambda tx: act(tx, self.office, now_ms=now_ms, **arguments)))

    def now_ms(self) -> int:
        """Give the moment by the clock of the process."""
        return int(self.steady.now().timestamp() * 1000)

    def write(self, act: Callable[[Tx], T]) -> T | None:
        """Run one write."""
        return self.living(lambda: self.store.write_now(act))

    # -- the loops, each one pass ---------------------------------------------------------------------------------------

    def offer(self, updates: list[Update]) -> None:
        """Deliver updates once, together: what we say yes to is confirmed."""
        for update in updates:
            if update.channel == "telegram" and self.run(self._post(update)) == 200:
                self.provider.confirmed(update)
        texts = [update for update in updates if update.channel == "sms"]
        if texts:
            for update in self.run(self._accept(texts)) or []:
                self.provider.confirmed(update)

    async def _post(self, update: Update) -> int:
        sent_at = int(self.clock.now().timestamp() - (self.clock.monotonic() - update.made_s))
        body = telegram_body(update, sent_at)
        headers = [(b"x-telegram-bot-api-secret-token", _SECRET.encode()), (b"content-length", str(len(body)).encode())]
        scope = {"type": "http", "method": "POST", "path": "/hook", "headers": headers, "query_string": b""}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        status: int = (await self._hook(Request(scope, receive))).status_code
        return status

    async def _accept(self, updates: list[Update]) -> list[Update]:
        now = self.steady.now()
        messages = [_as_message(update, now) for update in updates]
        try:
            await self.core.inbox.accept_batch(messages)
        except Exception:  # noqa: BLE001 - not stored, for whatever reason: the gateway asks us again later
            return []
        return updates

    def send(self, seconds: float = 1.0) -> None:
        """Let the senders, which run on the loop, have so much time, if there is anything to send."""
        if any(task.done() for task in self._loops):
            self.kill()  # a loop that ends takes the process with it, loudly, and the supervisor starts it again
            self.log.told["loop_died"] += 1
        until_ms = self.now_ms() + int(seconds * 1000)
        if self.rows(_TO_SEND, (until_ms, until_ms)):
            self.run(asyncio.sleep(seconds))

    def run_waiting(self) -> None:
        """Run what waits in the inbox."""
        if self.rows("SELECT 1 FROM inbox WHERE state = 'waiting' LIMIT 1"):
            with contextlib.suppress(Exception):  # a full disk: the loop logs and goes on
                self.living(self.core.waiting.run_due)

    def fire_timers(self) -> None:
        """Fire what is due by the clock."""
        if abs(self.steady.drift_s()) > 1.0 or self.rows(_TO_FIRE, (self.now_ms(),) * 3):
            with contextlib.suppress(Exception):
                self.living(self.core.timers.fire_due)

    def sweep(self) -> None:
        """Put back cases whose lease ran out or whose rest is over."""
        if self.rows(_TO_SWEEP, (self.now_ms(), self.now_ms())):
            with contextlib.suppress(Exception):
                self.run(sweep_once(self.store, self.office, self.steady))

    def pump(self) -> None:
        """Let every loop do one pass."""
        self.run_waiting()
        self.fire_timers()
        self.sweep()
        self.send()

    # -- the disk -------------------------------------------------------------------------------------------------------

    def fill_disk(self) -> None:
        """Let the database grow no more."""
        self.disk_is_full = True
        pages = self.store.connection.exec_driver_sql("PRAGMA page_count").scalar()
        self.store.connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    def free_disk(self) -> None:
        """Give the disk room again."""
        self.disk_is_full = False
        self.store.connection.exec_driver_sql(f"PRAGMA max_page_count={_PAGES_MAX}")

    def rows(self, sql: str, values: tuple[Any, ...] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Look at the database from outside."""
        found: list[tuple[Any, ...]] = self.eye.execute(sql, values).fetchall()
        return found

    def rows_as_dicts(self, sql: str) -> list[dict[str, Any]]:
        """Look at the database from outside, by column name."""
        cursor = self.eye.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _as_message(update: Update, now: datetime) -> InboundMsg:
    return InboundMsg(
        channel=update.channel,
        external_id=update.chat,
        provider_id=update.provider_id,
        input=update.input,
        received_at=now,
        raw=json.dumps({"id": update.provider_id}).encode(),
    )
