"""Kill loops: `panah run` as real processes, kill -9 at every crash point and at random moments, a ledger as judge.

Three installations side by side: one reached by webhook, one polling, one with an alert process; each round runs on
what the rounds before it left.
"""

import asyncio
import itertools
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bot.proof.crash_points import LANES, TRIED, Lane, Plan, plan
from bot.proof.crash_rounds import Rounds
from bot.proof.ground import Ground, On
from bot.proof.ledger import Ledger
from bot.proof.nursery import Nursery
from bot.proof.part import Found, PartReport, Progress, ignore

#: The name of the part of `panah prove`, by what the installations stand on.
NAMES: dict[On, str] = {"sqlite": "kills", "postgres": "kills-postgres", "redis": "kills-redis"}
#: The name under which a round at a random moment is counted.
RANDOM = "random"
#: After so many breaches there is nothing more to learn from going on.
_BREACHES_MAX = 20
_TELL_EVERY = 25
_ENDLESS = 10**9
#: Rounds on one installation: enough to find what earlier ones left, few enough to look at all of it each time.
_MOST = 250


@dataclass(slots=True)
class _Score:
    seed: int
    on: On
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
        replay = f"panah prove --only {NAMES[self.on]} --seed {self.seed} --round {made.number}"
        self.found += [
            Found(said=f"round {made.number} at {made.point or RANDOM}: {said}", replay=replay) for said in broken
        ]
        if self.rounds % _TELL_EVERY == 0:
            self.on_progress(f"{self.rounds} kills, {len(self.found)} breaches")


def run_kill_rounds(
    count: int | None = 300,
    *,
    seed: int,
    on: On = "sqlite",
    until: float | None = None,
    on_progress: Progress = ignore,
    first: int = 0,
) -> PartReport:
    """Kill so many times and report; fewer when the monotonic moment `until` comes first. None kills until then.

    `covered` holds every crash point and `random`, 0 for one that was not met. `first` is the number of the first
    round; the rounds of a number are the same for the same seed.
    """
    began = time.monotonic()
    score = _Score(seed, on, until, on_progress)
    asyncio.run(_all(score, range(first, first + (_ENDLESS if count is None else count))))
    return PartReport(
        name=NAMES[on],
        seed=seed,
        took_s=time.monotonic() - began,
        counts={
            "kills": score.rounds,
            "points missed": score.missed,
            "updates confirmed": score.updates,
            "texts out": score.texts,
            "texts twice, explained": score.doubled,
        },
        covered={point: score.met[point] for point in (*TRIED[on], RANDOM)},
        breaches=tuple(score.found),
    )


async def _all(score: _Score, numbers: range) -> None:
    with tempfile.TemporaryDirectory(prefix="panah-kills-") as name:
        async with Nursery() as nursery:
            await asyncio.gather(*(_lane(Path(name) / kind, nursery, kind, numbers, score) for kind in LANES))


async def _lane(directory: Path, nursery: Nursery, kind: Lane, numbers: range, score: _Score) -> None:
    """Run the rounds of one kind, a few hundred on each installation."""
    mine = (made for number in numbers if (made := plan(score.seed, number, score.on)).lane == kind)
    for turn in itertools.count():
        opened = next(mine, None)
        if opened is None or score.is_over:
            return
        async with Ground(score.on) as ground:
            rounds = itertools.chain([opened], itertools.islice(mine, _MOST))
            await _installation(directory / str(turn), nursery, ground, rounds, score)


async def _installation(directory: Path, nursery: Nursery, ground: Ground, mine: Iterator[Plan], score: _Score) -> None:
    first = next(mine)
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        ledger = await stack.enter_async_context(Ledger())
        rounds = Rounds(directory, nursery, ledger, ground, kind=first.lane)
        await rounds.open()
        stack.push_async_callback(rounds.close)
        for made in itertools.chain([first], mine):
            if score.is_over:
                break
            met, broken = await _tried(rounds, made)
            score.note(made, met=met, broken=broken)
        score.doubled += rounds.books.doubled
        score.updates += len(ledger.confirmed)
        score.texts += len(ledger.said)


async def _tried(rounds: Rounds, made: Plan) -> tuple[bool, list[str]]:
    """Run a round; what goes wrong with it in any other way is a breach too, and the next round starts afresh."""
    try:
        return await rounds.run(made)
    except Exception as error:  # noqa: BLE001 - whatever it is, the report must name the round
        rounds.installation.disarm()
        await rounds.installation.kill()
        await rounds.installation.start()
        return False, [f"the round broke off: {type(error).__name__} {error}"]
