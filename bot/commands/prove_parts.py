"""The parts of `panah prove`, in the order they run: what runs each, its short form, its share of a long run."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bot.commands.prove_targets import all_targets
from bot.proof.backup_drill import run_backup_drill
from bot.proof.crash import run_kill_rounds
from bot.proof.fuzz import run_fuzz
from bot.proof.ground import On, is_here
from bot.proof.part import PartReport, Progress
from bot.proof.simulation.part import run_simulation
from bot.proof.upgrade import frozen_databases, run_upgrade_drill
from bot.proof.wire_rounds import run_faults

#: The parts that kill, what their installations stand on, and how often the short form kills; the long form goes on
#: until its time is over.
KILLS: dict[str, tuple[On, int]] = {
    "kills": ("sqlite", 100),
    "kills-postgres": ("postgres", 60),
    "kills-redis": ("redis", 60),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked of a part. `until` is a monotonic moment, None asks for the short form; `only` is one round."""

    seed: int
    until: float | None
    only: int | None
    tell: Progress


Runner = Callable[[Order], PartReport]


def _simulation(order: Order) -> PartReport:
    return run_simulation(seed=order.seed, until=order.until, on_progress=order.tell, only=order.only)


def _kills(order: Order, *, name: str) -> PartReport:
    on, count = KILLS[name]
    if not is_here(on):  # as the Redis faults do: the report says so
        return PartReport(
            name=name, seed=order.seed, took_s=0.0, counts={"kills": 0, "programs not on this machine": 1}
        )
    return run_kill_rounds(
        1 if order.only is not None else count if order.until is None else None,
        seed=order.seed,
        on=on,
        until=order.until,
        on_progress=order.tell,
        first=order.only or 0,
    )


def _faults(order: Order) -> PartReport:
    return run_faults(seed=order.seed, until=order.until, on_progress=order.tell)


def _faults_on_postgres(order: Order) -> PartReport:
    return run_faults(seed=order.seed, until=order.until, on_progress=order.tell, on_postgres=True)


def _fuzz(order: Order) -> PartReport:
    return run_fuzz(all_targets(), seed=order.seed, until=order.until, on_progress=order.tell)


def _drills(order: Order) -> PartReport:
    """Half of the time for the way back, half for the way up; what both did stands in one row."""
    half = None if order.until is None else (time.monotonic() + order.until) / 2
    back = run_backup_drill(seed=order.seed, until=half, on_progress=order.tell)
    up = run_upgrade_drill(frozen_databases(), seed=order.seed, until=order.until, on_progress=order.tell)
    both = {name: back.counts.get(name, 0) + up.counts.get(name, 0) for name in ("drills", "crash points")}
    return PartReport(
        name="drills",
        seed=order.seed,
        took_s=back.took_s + up.took_s,
        counts={**up.counts, **back.counts, **both},
        breaches=back.breaches + up.breaches,
    )


#: Each part: what runs it, and its share of a long run's time.
PARTS: dict[str, tuple[Runner, float]] = {
    "simulation": (_simulation, 0.4),
    "kills": (partial(_kills, name="kills"), 0.15),
    "kills-postgres": (partial(_kills, name="kills-postgres"), 0.06),
    "kills-redis": (partial(_kills, name="kills-redis"), 0.04),
    "faults": (_faults, 0.11),
    "faults-postgres": (_faults_on_postgres, 0.04),
    "fuzz": (_fuzz, 0.12),
    "drills": (_drills, 0.08),
}
