"""A long steady load on a real process: memory, open files, the log of the database and delay, minute by minute.

The figures of the first minutes are a start's; what is compared is the middle of the run with its end. Goal: flat.
"""

import contextlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.bench.load import Client
from bot.bench.report import Report, cpu_s_of, machine, must_be, spread
from bot.bench.running import Running, running


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long, and how many messages a second."""

    minutes: float = 1.0
    per_s: float = 200.0
    tick_s: float = 60.0


@dataclass(slots=True)
class _Watched:
    """What was seen of the process at each tick."""

    pid: int
    wal: Path
    ticks: list[dict[str, float]] = field(default_factory=list)

    def note(self, tick: dict[str, Any]) -> None:
        """Keep one tick with the process's own figures."""
        self.ticks.append(
            {
                "messages": tick["count"],
                "p50_ms": round(tick["p50_s"] * 1000, 2),
                "p99_ms": round(tick["p99_s"] * 1000, 2),
                "rss_mb": round(_rss_mb(self.pid), 1),
                "fds": len(list(Path(f"/proc/{self.pid}/fd").iterdir())),
                "wal_mb": round(self.wal.stat().st_size / 1e6, 1) if self.wal.exists() else 0.0,
            }
        )


async def measure(plan: Plan) -> Report:
    """Run it and give the report."""
    async with contextlib.AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="panah-bench-")))
        found = await stack.enter_async_context(running(home))
        client = await stack.enter_async_context(Client())
        watched = _Watched(found.pid, found.installation.var / "panah.db-wal")
        seconds, cpu_s = plan.minutes * 60, cpu_s_of(found.pid)
        order = found.order(per_s=plan.per_s, seconds=seconds, round_=0, tick_s=plan.tick_s, forgets=True)
        ledger = await client.run(order, watched.note)
        cpu_s = cpu_s_of(found.pid) - cpu_s
        must_be(int(plan.per_s * seconds), ledger.accepted, "messages accepted")
        _count(found, ledger.accepted)
    report: Report = {"machine": machine()}
    report["load"] = {
        "messages": ledger.accepted,
        "per_s": round(ledger.accepted / ledger.wall_s, 1),
        "told_to_come_back": ledger.refused,
        "cpu_us_per_message": round(cpu_s / ledger.accepted * 1e6, 1),
    }
    report.update({f"minute_{number}": dict(tick) for number, tick in enumerate(watched.ticks, 1)})
    report["drift"] = _drift(watched.ticks)
    return report


def _count(found: Running, messages: int) -> None:
    counts = found.installation.counts
    must_be(messages, counts("SELECT count(*) FROM inbox WHERE channel = 'rasa' AND state = 'done'"), "inbox rows")
    must_be(messages, counts("SELECT count(*) FROM turns"), "turn rows")
    must_be(0, counts("SELECT count(*) FROM cases WHERE cause = 'failure'"), "cases of a failure")


def _drift(ticks: list[dict[str, float]]) -> dict[str, Any]:
    """Compare the last third with the middle third: a start's growth is no leak."""
    third = max(1, len(ticks) // 3)
    middle, last = ticks[-2 * third : -third] or ticks[-1:], ticks[-third:]
    return {
        f"{name}_last_by_middle": round(_median(last, name) / max(_median(middle, name), 1e-9), 3)
        for name in ("rss_mb", "fds", "wal_mb", "p99_ms")
        if _median(middle, name) > 0
    }


def _median(ticks: list[dict[str, float]], name: str) -> float:
    return spread([tick[name] for tick in ticks])["median"]


def _rss_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
