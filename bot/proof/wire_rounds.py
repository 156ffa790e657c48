"""The fault list: each single fault × before, at and after an escalation, on real processes, healed, then judged.

While a fault lasts that leaves the way in open, the urgent case must be on the queue's page within ten seconds; on
call is told within sixty of the first word under every fault; after the healing all of it must be whole.
"""

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from bot.proof.cluster import has_postgres
from bot.proof.nursery import Nursery
from bot.proof.part import Found, PartReport, Progress, ignore
from bot.proof.wire_faults import FAULTS, Fault
from bot.proof.wire_postgres import PostgresSide, Servers
from bot.proof.wire_postgres_faults import POSTGRES_FAULTS
from bot.proof.wire_site import Site, has_redis, site
from bot.proof.wire_story import MOMENTS, Moment, Story

_AT_ONCE = 6
#: Those of PostgreSQL wait most of their time.
_AT_ONCE_THERE = 13
#: So many faults that are over in a moment share an installation.
_BRIEF = 3


@dataclass(slots=True)
class _Score:
    seed: int
    until: float | None
    on_progress: Progress
    part: str
    survived: dict[str, int]
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
        replay = f"panah prove --only {self.part} --seed {self.seed}"
        self.found += [Found(said=f"{fault.name}, {moment}: {said}", replay=replay) for said in broken]
        self.on_progress(f"{self.tried} faults, {len(self.found)} breaches")


def run_faults(
    *,
    seed: int,
    until: float | None = None,
    on_progress: Progress = ignore,
    only: str = "",
    on_postgres: bool = False,
) -> PartReport:
    """Strike with every fault at every moment once; with `until` again and again, begun before that monotonic moment.

    `covered` counts for each fault the moments that were survived. `only` names one fault. `on_postgres`: those of it.
    """
    began = time.monotonic()
    name = "faults-postgres" if on_postgres else "faults"
    every = POSTGRES_FAULTS if on_postgres else FAULTS
    score = _Score(seed, until, on_progress, name, {fault.name: 0 for fault in every})
    at_once = _AT_ONCE_THERE if on_postgres else _AT_ONCE
    asyncio.run(_all(score, [fault for fault in every if only in {"", fault.name}], at_once))
    return PartReport(
        name=name,
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


async def _all(score: _Score, faults: list[Fault], at_once: int) -> None:
    with tempfile.TemporaryDirectory(prefix="panah-faults-", ignore_cleanup_errors=True) as name:
        async with Nursery() as nursery:
            ground = _Ground(Path(name), nursery, Servers(), asyncio.Semaphore(at_once))
            try:
                while True:
                    works = _works(faults)
                    await asyncio.gather(*(_some(fault, moments, ground, score) for fault, moments in works))
                    if score.until is None or time.monotonic() >= score.until:
                        return
            finally:
                await ground.servers.close()


@dataclass(slots=True)
class _Ground:
    """Where faults are tried."""

    directory: Path
    nursery: Nursery
    servers: Servers
    free: asyncio.Semaphore
    number: int = 0

    @contextlib.asynccontextmanager
    async def site(self, fault: Fault) -> AsyncIterator[Site]:
        """Give a fresh installation, and clear it away."""
        self.number += 1
        directory = self.directory / str(self.number)
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(shutil.rmtree, directory, ignore_errors=True)
            postgres: PostgresSide | None = None
            if fault.on_postgres:
                postgres = await stack.enter_async_context(self.servers.side(own=fault.own_server))
            yield await stack.enter_async_context(
                site(directory, self.nursery, by_sms=fault.by_sms, with_redis=fault.with_redis, postgres=postgres)
            )


def _works(faults: list[Fault]) -> list[tuple[tuple[Fault, ...], tuple[Moment, ...]]]:
    """Give what follows each other on one installation: which faults, at which moments; a start costs more than most."""
    works: list[tuple[tuple[Fault, ...], tuple[Moment, ...]]] = []
    for fault in faults:
        if fault.is_apart:
            works += [((fault,), (moment,)) for moment in MOMENTS]
        elif not fault.is_brief:
            works.append(((fault,), MOMENTS))
    brief = [fault for fault in faults if fault.is_brief]
    return works + [(tuple(brief[first : first + _BRIEF]), MOMENTS) for first in range(0, len(brief), _BRIEF)]


async def _some(faults: tuple[Fault, ...], moments: tuple[Moment, ...], ground: _Ground, score: _Score) -> None:
    if (faults[0].with_redis and not has_redis()) or (faults[0].on_postgres and not has_postgres()):
        score.not_here += len(moments) * len(faults)
        return
    async with ground.free:
        if all(score.is_over(fault) for fault in faults):
            return
        broken: dict[tuple[str, Moment], list[str]] = {}
        try:
            async with ground.site(faults[0]) as place:
                await _tell(faults, moments, place, score, broken)
        except Exception as error:  # noqa: BLE001 - whatever it is, the report must name the fault
            said = f"broke off: {type(error).__name__} {error}"
            broken = {(fault.name, moment): [said] for fault in faults for moment in moments}
    for fault in faults:
        for moment in moments:
            score.note(fault, moment, broken[fault.name, moment])


async def _tell(
    faults: tuple[Fault, ...],
    moments: tuple[Moment, ...],
    place: Site,
    score: _Score,
    broken: dict[tuple[str, Moment], list[str]],
) -> None:
    stories = []
    for fault in faults:
        place.books.may_expire = fault.may_expire
        story = Story(fault, place, Random(f"{score.seed}:{fault.name}"))  # noqa: S311 - repeatable on purpose
        stories.append((fault, story))
        for moment in moments:
            broken[fault.name, moment] = await story.tell(moment)
    for fault, story in stories:
        for moment, said in await story.called():
            broken[fault.name, moment].append(said)
        score.restarts += story.restarts
