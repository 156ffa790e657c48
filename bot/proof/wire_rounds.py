"""The fault list: each single fault × before, at and after an escalation, on real processes, healed, then judged.

While a fault lasts that leaves the way in open, the urgent case must be on the queue's page within ten seconds; on
call is told within sixty of the first word under every fault; after the healing all of it must be whole.
"""

import asyncio
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from bot.proof.nursery import Nursery
from bot.proof.part import Found, PartReport, Progress, ignore
from bot.proof.wire_faults import FAULTS, Fault
from bot.proof.wire_site import has_redis, site
from bot.proof.wire_story import MOMENTS, Story

_AT_ONCE = 6


@dataclass(slots=True)
class _Score:
    seed: int
    until: float | None
    on_progress: Progress
    survived: dict[str, int] = field(default_factory=lambda: {fault.name: 0 for fault in FAULTS})
    times: Counter[str] = field(default_factory=Counter)  #: how often each fault was tried
    tried: int = 0
    restarts: int = 0
    not_here: int = 0
    found: list[Found] = field(default_factory=list)

    def is_over(self, fault: Fault) -> bool:
        """True when a fault that was tried once is not to be tried again: the time is over."""
        return bool(self.times[fault.name]) and self.until is not None and time.monotonic() >= self.until

    def note(self, fault: Fault, moment: str, broken: list[str]) -> None:
        """Enter one fault at one moment."""
        self.tried += 1
        self.times[fault.name] += 1
        self.survived[fault.name] += not broken
        replay = f"panah prove --only faults --seed {self.seed}"
        self.found += [Found(said=f"{fault.name}, {moment}: {said}", replay=replay) for said in broken]
        self.on_progress(f"{self.tried} faults, {len(self.found)} breaches")


def run_faults(
    *,
    seed: int,
    until: float | None = None,
    on_progress: Progress = ignore,
    only: str = "",
) -> PartReport:
    """Strike with every fault at every moment once; with `until` again and again, begun before that monotonic moment.

    `covered` counts for each fault the moments that were survived. `only` names one fault.
    """
    began = time.monotonic()
    score = _Score(seed, until, on_progress)
    asyncio.run(_all(score, [fault for fault in FAULTS if only in {"", fault.name}]))
    return PartReport(
        name="faults",
        seed=seed,
        took_s=time.monotonic() - began,
        counts={
            "faults": score.tried,
            "survived": sum(score.survived.values()),
            "restarts by the supervisor": score.restarts,
            "not possible here": score.not_here,
        },
        covered=dict(score.survived),
        breaches=tuple(score.found),
    )


async def _all(score: _Score, faults: list[Fault]) -> None:
    free = asyncio.Semaphore(_AT_ONCE)
    with tempfile.TemporaryDirectory(prefix="panah-faults-", ignore_cleanup_errors=True) as name:
        async with Nursery() as nursery:
            number = 0
            while True:
                work = []
                for fault in faults:
                    number += 1
                    work.append(_one(fault, Path(name) / str(number), nursery, free, score))
                await asyncio.gather(*work)
                if score.until is None or time.monotonic() >= score.until:
                    return


async def _one(fault: Fault, directory: Path, nursery: Nursery, free: asyncio.Semaphore, score: _Score) -> None:
    if fault.with_redis and not has_redis():
        score.not_here += len(MOMENTS)
        return
    async with free:
        if score.is_over(fault):
            return
        try:
            async with site(directory, nursery, by_sms=fault.by_sms, with_redis=fault.with_redis) as place:
                place.books.may_expire = fault.may_expire
                story = Story(fault, place, Random(f"{score.seed}:{fault.name}"))  # noqa: S311 - repeatable on purpose
                broken = {moment: await story.tell(moment) for moment in MOMENTS}
                for moment, said in await story.called():
                    broken[moment].append(said)
                score.restarts += story.restarts
        except Exception as error:  # noqa: BLE001 - whatever it is, the report must name the fault
            broken = {moment: [f"broke off: {type(error).__name__} {error}"] for moment in MOMENTS}
    shutil.rmtree(directory, ignore_errors=True)
    for moment, found in broken.items():
        score.note(fault, moment, found)
