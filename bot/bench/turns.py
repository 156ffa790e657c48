"""Durable turns a second: Panah on SQLite FULL with encryption and triage, and a peer, round by round in one run.

Every round uses contacts of its own; afterwards the rows are counted, and a missing one fails the bench. Medians of
the rounds are quoted, with minimum and maximum, because machines are noisy.
"""

import asyncio
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot.app import Core, build_core, settle_memory
from bot.bench.dialogue import TURNS, Dialogues, Feed, Measured, closed_loop, open_loop
from bot.bench.report import must_be, spread
from bot.bus import InProcessBus
from bot.content import PACKAGE_FLOWS, OneVersion, lines_of, load_or_refuse, load_screener
from bot.core.clock import SystemClock
from bot.core.ids import system_ids
from bot.engine.codec import with_version
from bot.engine.loader import load_flow
from bot.engine.model import Bundle
from bot.handlers.telegram_decode import decode_update
from bot.store import migrate
from bot.store.crypto import create_key_file, load_keyring
from bot.store.database import Store
from bot.telemetry import configure

_FLOW = Path(__file__).with_name("screening.yaml")
_TABLES = ("contacts", "addresses", "inbox", "sessions", "turns", "messages", "outbox", "cases")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure."""

    contacts: int
    rounds: int
    peer: str


def bench_bundle() -> Bundle:
    """Give the package's scripts with the screening dialogue as the first one."""
    bundle = load_or_refuse(PACKAGE_FLOWS)
    flow, issues = load_flow(_FLOW.read_text(encoding="utf-8"), _FLOW.name, bundle)
    assert flow is not None, issues
    return with_version(replace(bundle, entry=flow.id, flows={**bundle.flows, flow.id: flow}))


def panah_core(directory: Path, key: Path | None = None) -> Core:
    """Wire production's core on a database of its own, or on one that is there with its key."""
    if key is None:
        key = directory / "panah.key"
        create_key_file(key)
    store = Store(directory / "panah.db")
    migrate.upgrade(store.connection)
    bundle = bench_bundle()
    screener = load_screener()
    lines = lines_of(bundle)
    core = build_core(
        store=store,
        keyring=load_keyring(key),
        bus=InProcessBus(),
        clock=SystemClock(),
        ids=system_ids,
        screener=screener,
        versions=OneVersion(bundle),
        lines=lambda: lines,
        log=configure(),
    )
    settle_memory()
    return core


def panah_feed(core: Core) -> Feed:
    """Give what takes one update's bytes to its commit."""

    async def feed(raw: bytes) -> None:
        arrival = decode_update(raw, channel="telegram", received_at=core.clock.now(), bot_id="1")
        await core.inbox.accept(arrival.message)

    return feed


async def measure(plan: Plan) -> dict[str, Any]:
    """Run all rounds and give the report."""
    with tempfile.TemporaryDirectory(prefix="panah-bench-") as name:
        core = panah_core(Path(name))
        try:
            return await _rounds(plan, core)
        finally:
            core.store.close()


async def _rounds(plan: Plan, core: Core) -> dict[str, Any]:
    dialogues = Dialogues()
    ours, theirs, opened = [], [], []
    feed = panah_feed(core)
    peer = _Peer(plan.peer)
    fed = 0
    try:
        for number in range(plan.rounds + 1):  # the first round warms up and is not counted
            mine = await closed_loop(feed, dialogues.of(plan.contacts * 2), plan.contacts)
            other = await peer.round(dialogues.of(plan.contacts), plan.contacts)
            half = await open_loop(feed, dialogues.of(plan.contacts), mine.turns_per_s / 2)
            fed += mine.turns + half.turns
            if number:
                ours.append(mine)
                theirs.extend(other)
                opened.append(half)
    finally:
        await peer.close()
    rows = count_rows(core)
    must_have(rows, fed)
    return _report(ours, theirs, opened, rows, plan)


class _Peer:
    """The peer in the same run; `none` measures nothing."""

    def __init__(self, name: str) -> None:
        self._server = self._peer = None
        if name == "aiogram":
            from bot.bench.peer_aiogram import AiogramPeer, RedisServer  # noqa: PLC0415 - takes seconds to import

            self._server = RedisServer()
            self._peer = AiogramPeer(self._server.port)

    async def round(self, dialogues: list[list[bytes]], at_once: int) -> list[Measured]:
        return [] if self._peer is None else [await closed_loop(self._peer.feed, dialogues, at_once)]

    async def close(self) -> None:
        if self._peer is not None and self._server is not None:
            await self._peer.close()
            self._server.stop()


def count_rows(core: Core) -> dict[str, int]:
    """Count every table a turn writes."""

    def count(db: Any) -> dict[str, int]:
        return {table: db.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() for table in _TABLES}  # noqa: S608

    return core.store.read_now(count)


def must_have(rows: dict[str, int], turns: int) -> None:
    """Find the rows of so many turns.

    Raises:
        MissingRowsError: some are missing.
    """
    must_be(turns, rows["inbox"], "inbox rows")
    must_be(turns, rows["turns"], "turn rows")


def _report(
    ours: list[Measured], theirs: list[Measured], opened: list[Measured], rows: dict[str, int], plan: Plan
) -> dict[str, Any]:
    report: dict[str, Any] = {
        "dialogue": {"turns_a_contact": TURNS, "contacts_at_once": plan.contacts, "rounds": plan.rounds},
        "panah": _summary(ours),
        "panah_open_loop_at_half": {**_summary(opened), "p99_ms": spread([m.percentile_ms(0.99) for m in opened])},
        "rows": rows,
    }
    if theirs:
        report["aiogram_redis_always"] = _summary(theirs)
        ratios = [mine.turns_per_s / other.turns_per_s for mine, other in zip(ours, theirs, strict=True)]
        report["times_the_peer"] = spread(ratios)
    return report


def _summary(rounds: list[Measured]) -> dict[str, Any]:
    return {
        "turns_per_s": spread([m.turns_per_s for m in rounds]),
        "cpu_us_per_turn": spread([m.cpu_us for m in rounds]),
        "p50_ms": spread([m.percentile_ms(0.5) for m in rounds]),
    }


def run(plan: Plan) -> dict[str, Any]:
    """Run the bench on uvloop, as production does."""
    import uvloop  # noqa: PLC0415

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measure(plan))
