"""Durable turns a second on PostgreSQL: one door, and several doors on one database, each a process with its own crowd.

The server is started for the bench, syncs, and shares the machine with the doors: on few cores it is the machine that
is measured. Afterwards the rows are counted.
"""

import asyncio
import multiprocessing
import tempfile
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop

from bot.bench.dialogue import TURNS, Dialogues, Measured, closed_loop
from bot.bench.report import must_be, spread
from bot.proof.cluster import Cluster
from bot.store.crypto import create_key_file

if TYPE_CHECKING:
    from bot.bench.turns import Plan

_WAIT_S = 300.0
_APART = 1_000_000  #: numbers of updates and contacts of one door


def run_shared(plan: "Plan") -> dict[str, Any]:
    """Measure one door, then as many as are wanted."""
    cluster = Cluster()
    try:
        report: dict[str, Any] = {"dialogue": {"turns_a_contact": TURNS, "contacts_at_once": plan.contacts}}
        for doors in dict.fromkeys((1, plan.doors)):
            report[f"postgres_{doors}_door{'s' if doors > 1 else ''}"] = _measure(plan, cluster, doors)
        return report
    finally:
        cluster.close()


def _measure(plan: "Plan", cluster: Cluster, doors: int) -> dict[str, Any]:
    url = cluster.create(f"doors{doors}")
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(doors), context.Queue()
    with tempfile.TemporaryDirectory(prefix="panah-bench-") as name:
        create_key_file(Path(name) / "panah.key")
        made = [
            context.Process(target=_door, args=(_Door(name, url, number, plan.contacts, plan.rounds), barrier, answers))
            for number in range(doors)
        ]
        for process in made:
            process.start()
        found: list[list[Measured]] = [answers.get(timeout=_WAIT_S) for _ in made]
        for process in made:
            process.join()
    rounds = [[door[number] for door in found] for number in range(1, plan.rounds + 1)]
    fed = sum(one.turns for door in found for one in door)
    rows = cluster.execute(
        "SELECT (SELECT count(*) FROM inbox), (SELECT count(*) FROM turns)", database=f"doors{doors}"
    )
    must_be(fed, rows[0][0], "inbox rows")
    must_be(fed, rows[0][1], "turn rows")
    return {
        "turns_per_s": spread([sum(one.turns for one in all_) / max(one.wall_s for one in all_) for all_ in rounds]),
        "cpu_us_per_turn": spread([sum(one.cpu_us for one in all_) / doors for all_ in rounds]),
        "p50_ms": spread([max(one.percentile_ms(0.5) for one in all_) for all_ in rounds]),
        "rows": rows[0][1],
    }


@dataclass(frozen=True, slots=True)
class _Door:
    folder: str
    url: str
    number: int
    contacts: int
    rounds: int


def _door(door: _Door, barrier: Barrier, answers: Any) -> None:
    """Be one door: all begin each round together; the first round warms up."""
    from bot.bench.turns import panah_core, panah_feed  # noqa: PLC0415 - in the child only

    core = panah_core(Path(door.folder), Path(door.folder) / "panah.key", url=door.url)
    dialogues = Dialogues(contact=(door.number + 1) * _APART, number=door.number * _APART)
    measured = []
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        feed = panah_feed(core)
        for _ in range(door.rounds + 1):
            crowd = dialogues.of(door.contacts * 2)
            barrier.wait(_WAIT_S)
            measured.append(runner.run(closed_loop(feed, crowd, door.contacts)))
    core.store.close()
    answers.put(measured)
