"""Durable turns a second: Panah on SQLite FULL with encryption and triage, and a peer, round by round in one run.

Every round uses contacts of its own; afterwards the rows are counted, and a missing one fails the bench. Medians of
the rounds are quoted, with minimum and maximum, because machines are noisy.
"""

import asyncio
import tempfile
from collections.abc import Callable
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
from bot.store.opening import open_store
from bot.telemetry import configure

_FLOW = Path(__file__).with_name("screening.yaml")
_TABLES = ("contacts", "addresses", "inbox", "sessions", "turns", "messages", "outbox", "cases")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure."""

    contacts: int
    rounds: int
    peer: str
    store: str = "sqlite"
    doors: int = 1


def bench_bundle() -> Bundle:
    """Give the package's scripts with the screening dialogue as the first one."""
    bundle = load_or_refuse(PACKAGE_FLOWS)
    flow, issues = load_flow(_FLOW.read_text(encoding="utf-8"), _FLOW.name, bundle)
    assert flow is not None, issues
    return with_version(replace(bundle, entry=flow.id, flows={**bundle.flows, flow.id: flow}))


def panah_core(directory: Path, key: Path | None = None, *, url: str = "") -> Core:
    """Wire production's core on a database of its own, or on one that is there with its key."""
    if key is None:
        key = directory / "panah.key"
        create_key_file(key)
    store = open_store(url or directory / "panah.db")
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


def run(plan: Plan) -> dict[str, Any]:
    """Measure on uvloop, as production does; the peer on uvloop too, and on the plain loop that its own docs use."""
    if plan.store == "postgres":
        from bot.bench.turns_shared import run_shared  # noqa: PLC0415 - starts a server

        return run_shared(plan)
    with tempfile.TemporaryDirectory(prefix="panah-bench-") as name, asyncio.Runner(loop_factory=_uvloop) as ours:
        core = panah_core(Path(name))
        peers = _peers(plan.peer)
        try:
            return _rounds(plan, core, ours, peers)
        finally:
            for peer in peers:
                peer.close()
            core.store.close()


def _rounds(plan: Plan, core: Core, ours: asyncio.Runner, peers: "list[_Peer]") -> dict[str, Any]:
    dialogues = Dialogues()
    closed, opened = [], []
    feed = panah_feed(core)
    fed = 0
    for number in range(plan.rounds + 1):  # the first round warms up and is not counted
        mine = ours.run(closed_loop(feed, dialogues.of(plan.contacts * 2), plan.contacts))
        for peer in peers:
            peer.round(dialogues.of(plan.contacts), plan.contacts)
        half = ours.run(open_loop(feed, dialogues.of(plan.contacts), mine.turns_per_s / 2))
        fed += mine.turns + half.turns
        if number:
            closed.append(mine)
            opened.append(half)
    rows = count_rows(core)
    must_have(rows, fed)
    return _report(closed, opened, peers, rows, plan)


def _uvloop() -> asyncio.AbstractEventLoop:
    import uvloop  # noqa: PLC0415

    return uvloop.new_event_loop()


class _Peer:
    """The peer on a loop of its own in the same run. `rounds` begins with the one that warms up."""

    def __init__(self, name: str, loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
        from bot.bench.peer_aiogram import AiogramPeer, RedisServer  # noqa: PLC0415 - takes seconds to import

        self.name = name
        self.rounds: list[Measured] = []
        self._runner = asyncio.Runner(loop_factory=loop)
        self._server = RedisServer()
        self._peer = AiogramPeer(self._server.port)

    def round(self, dialogues: list[list[bytes]], at_once: int) -> None:
        self.rounds.append(self._runner.run(closed_loop(self._peer.feed, dialogues, at_once)))

    def close(self) -> None:
        self._runner.run(self._peer.close())
        self._runner.close()
        self._server.stop()


def _peers(name: str) -> list[_Peer]:
    if name == "none":
        return []
    return [_Peer("aiogram_redis_always", asyncio.new_event_loop), _Peer("aiogram_redis_always_uvloop", _uvloop)]


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
    closed: list[Measured], opened: list[Measured], peers: list[_Peer], rows: dict[str, int], plan: Plan
) -> dict[str, Any]:
    report: dict[str, Any] = {
        "dialogue": {"turns_a_contact": TURNS, "contacts_at_once": plan.contacts, "rounds": plan.rounds},
        "panah": _summary(closed),
        "panah_open_loop_at_half": {**_summary(opened), "p99_ms": spread([m.percentile_ms(0.99) for m in opened])},
        "rows": rows,
    }
    for peer in peers:
        theirs = peer.rounds[1:]
        ratios = [mine.turns_per_s / other.turns_per_s for mine, other in zip(closed, theirs, strict=True)]
        report[peer.name] = {**_summary(theirs), "times_slower": spread(ratios)}
    return report


def _summary(rounds: list[Measured]) -> dict[str, Any]:
    return {
        "turns_per_s": spread([m.turns_per_s for m in rounds]),
        "cpu_us_per_turn": spread([m.cpu_us for m in rounds]),
        "p50_ms": spread([m.percentile_ms(0.5) for m in rounds]),
    }
