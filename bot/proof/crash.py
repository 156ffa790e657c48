"""Kill loops: `panah run` as real processes, kill -9 at every crash point and at random moments, a ledger as judge.

Two installations side by side, one reached by webhook and one polling, each round on what the rounds before left.
"""

import asyncio
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bot.proof.crash_points import POINTS, Plan, plan
from bot.proof.crash_rounds import Lane
from bot.proof.ledger import Ledger
from bot.proof.nursery import Nursery
from bot.proof.part import Found, PartReport, Progress, ignore

#: The name under which a round at a random moment is counted.
RANDOM = "random"
#: After so many breaches there is nothing more to learn from going on.
_BREACHES_MAX = 20
_TELL_EVERY = 25


@dataclass(slots=True)
class _Score:
    seed: int
    until: float | None
    on_progress: Progress
    rounds: int = 0
    met: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    doubled: int = 0
    updates: int = 0
    texts: int = 0
    found: list[Found] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """True when no further round is to be begun."""
        return len(self.found) >= _BREACHES_MAX or (self.until is not None and time.monotonic() >= self.until)

    def note(self, made: Plan, *, met: bool, broken: list[str]) -> None:
        """Enter one round."""
        self.rounds += 1
        self.missed += not met
        if met:
            self.met[made.point or RANDOM] += 1
        replay = f"panah prove --only kills --seed {self.seed} --round {made.number}"
        self.found += [
            Found(said=f"round {made.number} at {made.point or RANDOM}: {said}", replay=replay) for said in broken
        ]
        if self.rounds % _TELL_EVERY == 0:
            self.on_progress(f"{self.rounds} kills, {len(self.found)} breaches")


def run_kill_rounds(
    count: int = 300, *, seed: int, until: float | None = None, on_progress: Progress = ignore, first: int = 0
) -> PartReport:
    """Kill so many times (fewer when the monotonic moment `until` comes first) and report.

    `covered` holds every crash point and `random`, 0 for one that was not met. `first` is the number of the first
    round; the rounds of a number are the same for the same seed.
    """
    began = time.monotonic()
    score = _Score(seed, until, on_progress)
    plans = [plan(seed, number) for number in range(first, first + count)]
    asyncio.run(_all(plans, score))
    return PartReport(
        name="kills",
        seed=seed,
        took_s=time.monotonic() - began,
        counts={
            "rounds": score.rounds,
            "kills": score.rounds,
            "points missed": score.missed,
            "updates confirmed": score.updates,
            "texts out": score.texts,
            "texts twice, explained": score.doubled,
        },
        covered={point: score.met[point] for point in (*POINTS, RANDOM)},
        breaches=tuple(score.found),
    )


async def _all(plans: list[Plan], score: _Score) -> None:
    with tempfile.TemporaryDirectory(prefix="panah-kills-") as name:
        async with Nursery() as nursery:
            ways = [
                (by_webhook, [made for made in plans if made.by_webhook == by_webhook]) for by_webhook in (True, False)
            ]
            await asyncio.gather(
                *(_lane(Path(name) / str(by_webhook), nursery, mine, score) for by_webhook, mine in ways if mine)
            )


async def _lane(directory: Path, nursery: Nursery, plans: list[Plan], score: _Score) -> None:
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(Ledger())
        lane = Lane(directory, nursery, ledger, by_webhook=plans[0].by_webhook)
        await lane.open()
        stack.push_async_callback(lane.close)
        for made in plans:
            if score.is_over:
                break
            met, broken = await _tried(lane, made)
            score.note(made, met=met, broken=broken)
        score.doubled += lane.books.doubled
        score.updates += len(ledger.confirmed)
        score.texts += len(ledger.said)


async def _tried(lane: Lane, made: Plan) -> tuple[bool, list[str]]:
    """Run a round; what goes wrong with it in any other way is a breach too, and the next round starts afresh."""
    try:
        return await lane.run(made)
    except Exception as error:  # noqa: BLE001 - whatever it is, the report must name the round
        lane.installation.disarm()
        await lane.installation.kill()
        await lane.installation.start()
        return False, [f"the round broke off: {type(error).__name__} {error}"]
