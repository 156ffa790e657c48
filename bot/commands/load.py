"""`panah simulate-load`: what a rush of people does to turns, bots and, above all, to those who wait for a counsellor.

A model and no measurement: people arrive evenly by chance (Poisson), a share of them becomes cases, counsellors take the
most urgent and then the oldest case first, talks last by chance (exponential), nobody gives up waiting and nobody goes
home. Pure Python and a seed: the same arguments give the same table.
"""

import argparse
import heapq
import json
import math
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from statistics import quantiles

from bot.errors import CommandError

#: How full a door or a bot may be on purpose.
_FULL = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Rush:
    """How many come, and who is there for them."""

    people: int
    minutes: float
    turns: int
    urgent: float
    important: float
    counsellors: int
    at_once: int
    talk_minutes: float
    door_turns: float
    bot_turns: float
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long the cases of one tier waited, in minutes."""

    tier: str
    cases: int
    median: float
    p95: float
    longest: float


def simulate_load(args: argparse.Namespace) -> int:
    """Print the table, or the same as JSON.

    Raises:
        CommandError: the numbers describe no rush.
    """
    rush = Rush(**{name: getattr(args, name) for name in Rush.__dataclass_fields__})
    counts = (rush.people, rush.minutes, rush.turns, rush.counsellors, rush.at_once, rush.talk_minutes)
    if min(*counts, rush.door_turns, rush.bot_turns) <= 0 or min(rush.urgent, rush.important) < 0:
        raise CommandError("people, minutes, turns, counsellors and rates must be above zero, shares not below")
    if rush.urgent + rush.important > 1 or rush.people * (rush.urgent + rush.important) > 2_000_000:
        raise CommandError("the shares are above one, or over two million cases are more than this model walks")
    waits, empty_minutes = wait_for_counsellors(rush)
    machines = machines_of(rush)
    if args.json:
        print(json.dumps({**machines, "waits": [asdict(row) for row in waits], "empty_minutes": empty_minutes}))  # noqa: T201
    else:
        print("\n".join(_table(rush, machines, waits, empty_minutes)))  # noqa: T201
    return 0


def machines_of(rush: Rush) -> dict[str, float]:
    """Give turns a second, and how many doors and bots bear them without being full."""
    rate = rush.people * rush.turns / (rush.minutes * 60)
    return {
        "turns_s": round(rate, 1),
        "doors": math.ceil(rate / (rush.door_turns * _FULL)),
        "bots": math.ceil(rate / rush.bot_turns),
    }


def wait_for_counsellors(rush: Rush) -> tuple[list[Waits], float]:
    """Walk all cases through the queue; give the waits by tier, and when the last one was taken."""
    chance = random.Random(rush.seed)  # noqa: S311 - a model, no secret
    coming = list(_arrivals(rush, chance))
    free = [0.0] * (rush.counsellors * rush.at_once)  # when each place is free; a heap
    queue: list[tuple[int, float]] = []
    waited: dict[int, list[float]] = {1: [], 2: []}
    now, after = 0.0, 0
    while queue or after < len(coming):
        now = max(now, free[0])
        if not queue:
            now = max(now, coming[after][0])
        while after < len(coming) and coming[after][0] <= now:
            at, tier = coming[after]
            heapq.heappush(queue, (tier, at))
            after += 1
        tier, at = heapq.heappop(queue)
        waited[tier].append(now - at)
        heapq.heapreplace(free, now + chance.expovariate(1 / rush.talk_minutes))
    return [_row(f"T{tier}", found) for tier, found in waited.items()], round(now, 1)


def _arrivals(rush: Rush, chance: random.Random) -> Iterator[tuple[float, int]]:
    """Give (minute, tier) of each case, in order of time."""
    rate = rush.people * (rush.urgent + rush.important) / rush.minutes
    share = rush.urgent / (rush.urgent + rush.important) if rate else 0.0
    at = chance.expovariate(rate) if rate else rush.minutes
    while at < rush.minutes:
        yield at, 1 if chance.random() < share else 2
        at += chance.expovariate(rate)


def _row(tier: str, waited: list[float]) -> Waits:
    parts = quantiles(waited * 2 or [0.0, 0.0], n=20, method="inclusive")  # doubled: one case alone has quantiles too
    longest = max(waited, default=0.0)
    return Waits(
        tier=tier, cases=len(waited), median=round(parts[9], 1), p95=round(parts[18], 1), longest=round(longest, 1)
    )


def _table(rush: Rush, machines: dict[str, float], waits: list[Waits], empty_minutes: float) -> Iterator[str]:
    yield "A model, no measurement."
    yield f"{machines['turns_s']:,.0f} turns a second for {rush.minutes:g} minutes"
    yield f"  doors  {machines['doors']:>8,}   at {rush.door_turns:,.0f} turns a second each, 60 % full"
    yield f"  bots   {machines['bots']:>8,}   at {rush.bot_turns:,.0f} messages a second each"
    yield f"{rush.counsellors:,} counsellors, {rush.at_once} talks at once, {rush.talk_minutes:g} minutes each"
    yield "  tier      cases   median min      95 % min   longest min"
    for row in waits:
        yield f"  {row.tier}   {row.cases:>10,} {row.median:>12,.1f} {row.p95:>13,.1f} {row.longest:>13,.1f}"
    yield f"the last case is taken after {empty_minutes:,.0f} minutes"
