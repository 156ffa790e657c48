"""A service of many years: how quick the console's pages are beside a million closed cases, and what a turn costs there.

The database is made in bulk (bot.bench.crowd); its pages are asked of a real `panah run` over HTTP by a signed-in
account, and turns are run on it and on an empty database in alternation.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.bench.crowd import Crowd, Size
from bot.bench.dialogue import TURNS, Dialogues, Measured, closed_loop
from bot.bench.report import Report, machine, must_be, percentile, spread
from bot.bench.running import running
from bot.bench.turns import count_rows, panah_core, panah_feed


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much to measure. `share` makes a smaller database of the same shape."""

    rounds: int = 5
    share: float = 1.0
    contacts: int = 100
    looks: int = 40  #: at each page, each round


async def measure(plan: Plan) -> Report:
    """Run everything and give the report."""
    report: Report = {"machine": machine()}
    size = Size().scaled(plan.share)
    with tempfile.TemporaryDirectory(prefix="panah-bench-") as name:
        home = Path(name)
        full, empty = home / "full" / "var", home / "empty"
        for directory in (full / "keys", empty):
            directory.mkdir(parents=True)
        report["database"] = await _fill(full, size)
        report["turn"] = await _turns(full, empty, plan)
        report["pages"] = await _pages(home / "full", plan)
    return report


async def _fill(directory: Path, size: Size) -> dict[str, Any]:
    begun = time.perf_counter()
    core = panah_core(directory)
    try:
        await Crowd(core, int(core.clock.now().timestamp() * 1000)).fill(size)
        sql = "SELECT state, count(*) FROM cases GROUP BY state"
        count: dict[str, int] = core.store.read_now(lambda db: dict(map(tuple, db.exec_driver_sql(sql))))
        must_be(size.closed, count.get("closed", 0), "closed cases")
        must_be(size.live, count.get("claimed", 0), "live chats")
        sessions = count_rows(core)["sessions"]
        must_be(size.waiting + 1, sessions, "sessions")
    finally:
        await asyncio.to_thread(core.store.close)
    (directory / "panah.key").rename(directory / "keys" / "panah.key")
    return {
        "closed_cases": size.closed,
        "waiting_sessions": size.waiting,
        "live_chats": size.live,
        "size_mb": round((directory / "panah.db").stat().st_size / 1e6, 1),
        "made_in_s": round(time.perf_counter() - begun, 1),
    }


async def _turns(full: Path, empty: Path, plan: Plan) -> dict[str, Any]:
    """Run the same dialogues on both databases, in alternation."""
    cores = {"full": panah_core(full, full / "keys" / "panah.key"), "empty": panah_core(empty)}
    dialogues = Dialogues()
    before = {name: count_rows(core)["turns"] for name, core in cores.items()}
    found: dict[str, list[Measured]] = {name: [] for name in cores}
    try:
        for number in range(plan.rounds + 1):  # the first round warms up and is not counted
            for name, core in cores.items():
                measured = await closed_loop(panah_feed(core), dialogues.of(plan.contacts), plan.contacts)
                if number:
                    found[name].append(measured)
        for name, core in cores.items():
            wanted = before[name] + plan.contacts * TURNS * (plan.rounds + 1)
            must_be(wanted, count_rows(core)["turns"], f"turns on the {name} database")
    finally:
        for core in cores.values():
            await asyncio.to_thread(core.store.close)
    pairs = list(zip(found["full"], found["empty"], strict=True))
    return {
        "cpu_us_full": spread([one.cpu_us for one in found["full"]]),
        "cpu_us_empty": spread([one.cpu_us for one in found["empty"]]),
        "cpu_times_empty": spread([mine.cpu_us / other.cpu_us for mine, other in pairs]),
        "wall_times_empty": spread([mine.wall_s / other.wall_s for mine, other in pairs]),
    }


async def _pages(directory: Path, plan: Plan) -> dict[str, Any]:
    """Ask for the queue and for cases, over HTTP."""
    found: dict[str, Any] = {}
    async with running(directory) as served:
        rows = served.installation.rows
        live = [row[0] for row in rows("SELECT id FROM cases WHERE state = 'claimed' LIMIT 1000")]
        closed = [row[0] for row in rows("SELECT id FROM cases WHERE state = 'closed' LIMIT 1000")]
        base = f"http://127.0.0.1:{served.installation.console_port}"
        http = served.counsellor.http

        async def get(path: str) -> None:
            async with http.get(base + path) as answer:
                answer.raise_for_status()
                await answer.read()

        asked: dict[str, Callable[[int], Awaitable[None]]] = {
            "queue": lambda _: get("/"),
            "live_case": lambda at: get(f"/cases/{live[at % len(live)]}"),
            "closed_case": lambda at: get(f"/cases/{closed[at % len(closed)]}"),
        }
        for name, ask in asked.items():
            found.update(await _asked(name, ask, plan))
        reads = served.installation.counts("SELECT count(*) FROM audit WHERE action IN ('read', 'glanced')")
        must_be(2 * plan.looks * (plan.rounds + 1), reads, "audit rows of pages that were read")
    return found


async def _asked(name: str, ask: Callable[[int], Awaitable[None]], plan: Plan) -> dict[str, Any]:
    p50, p95 = [], []
    for number in range(plan.rounds + 1):  # the first round warms up and is not counted
        took = []
        for look in range(plan.looks):
            begun = time.perf_counter()
            await ask(number * plan.looks + look)
            took.append(time.perf_counter() - begun)
        if number:
            took.sort()
            p50.append(percentile(took, 0.5) * 1000)
            p95.append(percentile(took, 0.95) * 1000)
    return {f"{name}_p50_ms": spread(p50), f"{name}_p95_ms": spread(p95)}
