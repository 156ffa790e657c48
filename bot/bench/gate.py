"""The gate against slow creep: CPU of a turn in units of a fixed piece of work, beside a number that was committed.

Turn and reference are measured in alternation in one process, inline and without a thread; the least of many short
rounds is taken, since other guests of a machine only ever add. The ratio moves little between machines; a turn that
got a quarter dearer fails, and whoever did it on purpose writes the new number with --accept.
"""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.app import Core, build_core, settle_memory
from bot.bench.dialogue import TURNS, Dialogues
from bot.bench.report import Report
from bot.bench.turns import bench_bundle, count_rows, must_have
from bot.bus import InProcessBus
from bot.content import OneVersion, lines_of, load_screener
from bot.core.clock import SystemClock
from bot.core.ids import seeded_ids
from bot.handlers.telegram_decode import decode_update
from bot.store import schema
from bot.store.crypto import ephemeral_keyring
from bot.store.database import Store
from bot.telemetry import configure

#: The number that turns are held against.
COMMITTED = Path(__file__).with_name("gate.json")
#: A turn may cost so much more than the committed number: what a quiet change of library or machine moves.
ALLOWED = 1.25
_REFERENCE_PASSES = 120
#: A busy machine may spoil one measuring, dearer code spoils each.
ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much to measure. `extra` is work that a test adds to each turn, to see the gate close."""

    rounds: int = 60
    contacts: int = 16
    extra: Callable[[], object] | None = None


class Reference:
    """A fixed piece of work of the kinds a turn is made of: plain Python, JSON, SQLite, AES."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", isolation_level=None)
        self._db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b BLOB)")
        self._db.execute("CREATE INDEX t_a ON t (a)")
        self._aead = AESGCM(bytes(32))

    def run(self) -> None:
        """Do it once; always the same."""
        self._db.execute("BEGIN")
        for number in range(_REFERENCE_PASSES):
            found = json.loads('{"id": 7, "text": "a plain line of text", "rows": [1, 2, 3], "chat": {"id": 5}}')
            words = {word: at for at, word in enumerate(found["text"].split() * 8)}
            text = json.dumps({**words, "sum": sum(at * at for at in range(60))})
            sealed = self._aead.encrypt(number.to_bytes(12, "big"), text.encode(), b"t.b")
            self._db.execute("INSERT INTO t (a, b) VALUES (?, ?)", (text[:20] + str(number), sealed))
            self._db.execute("SELECT b FROM t WHERE a = ?", (text[:20] + str(number),)).fetchone()
        self._db.execute("ROLLBACK")


def measure(plan: Plan) -> Report:
    """Give CPU of a turn, CPU of the reference, and their ratio."""
    core, reference, dialogues = _inline_core(), Reference(), Dialogues()
    turns_s: list[float] = []
    fixed_s: list[float] = []
    with asyncio.Runner() as runner:
        for _ in range(plan.rounds + 1):  # the first round warms up and is not counted
            batch = dialogues.of(plan.contacts)
            begun = time.process_time()
            runner.run(_talk(core, batch, plan.extra))
            middle = time.process_time()
            reference.run()
            fixed_s.append(time.process_time() - middle)
            turns_s.append(middle - begun)
    must_have(count_rows(core), plan.contacts * TURNS * (plan.rounds + 1))
    core.store.close()
    turn_us = min(turns_s[1:]) / plan.contacts / TURNS * 1e6
    fixed_us = min(fixed_s[1:]) / _REFERENCE_PASSES * 1e6
    return {"gate": {"turn_us": turn_us, "reference_us": fixed_us, "ratio": round(turn_us / fixed_us, 3)}}


async def _talk(core: Core, batch: list[list[bytes]], extra: Callable[[], object] | None) -> None:
    for turn in range(TURNS):
        messages = []
        for updates in batch:
            arrival = decode_update(updates[turn], channel="telegram", received_at=core.clock.now(), bot_id="1")
            messages.append(arrival.message)
            if extra is not None:
                extra()
        await core.inbox.accept_batch(messages)


def _inline_core() -> Core:
    """Wire the production core on a database in memory, its writes done where they are asked for."""
    store = Store(None, threaded=False)
    schema.metadata.create_all(store.connection)
    bundle = bench_bundle()
    core = build_core(
        store=store,
        keyring=ephemeral_keyring(),
        bus=InProcessBus(),
        clock=SystemClock(),
        ids=seeded_ids(1),
        screener=load_screener(),
        versions=OneVersion(bundle),
        lines=lambda: lines_of(bundle),
        log=configure(),
    )
    settle_memory()
    return core


def committed() -> float:
    """Give the number that was committed."""
    return float(json.loads(COMMITTED.read_text("ascii"))["ratio"])


def is_open(ratio: float, accepted: float) -> bool:
    """True when a turn costs no more than it may."""
    return ratio <= accepted * ALLOWED


def judged(report: Report, accepted: float) -> Report:
    """Add the committed number and the verdict."""
    found: dict[str, Any] = report["gate"]
    limit = round(accepted * ALLOWED, 3)
    verdict = {"committed": accepted, "limit": limit, "open": is_open(found["ratio"], accepted)}
    return {"gate": {**found, **verdict}}


def look(plan: Plan, accepted: float) -> Report:
    """Measure until the gate is open, a few times at most."""
    for _ in range(ATTEMPTS):
        report = judged(measure(plan), accepted)
        if report["gate"]["open"]:
            break
    return report


def accept(report: Report) -> None:
    """Write a new number."""
    found = {name: round(report["gate"][name], 3) for name in ("ratio", "turn_us", "reference_us")}
    COMMITTED.write_text(json.dumps(found) + "\n", "ascii")
