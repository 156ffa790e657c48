"""Runs seeds: plan, steps, looking, end; makes a failing one small; uses every core by processes."""

import multiprocessing
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bot.proof.simulation.checks import Watcher
from bot.proof.simulation.plan import Step, plan
from bot.proof.simulation.report import Failure, SimReport
from bot.proof.simulation.steps import STEPS
from bot.proof.simulation.template import scratch, template
from bot.proof.simulation.world import World

STEPS_A_SEED = 200
#: Seeds a process takes at a time.
_CHUNK = 5
#: A failing seed is made small by at most so many runs.
_SHRINK_RUNS = 40


def run_steps(seed: int, steps: Sequence[Step], report: SimReport | None = None) -> list[str]:
    """Run some steps in a world of their own; give what was broken."""
    with scratch() as directory:
        return _run_in(directory, seed, steps, report)


def _run_in(directory: Path, seed: int, steps: Sequence[Step], report: SimReport | None) -> list[str]:
    world = World(template(), directory / str(seed), seed)
    watcher = Watcher(world)
    breaches: list[str] = []
    done = 0
    try:
        for done, step in enumerate(steps, 1):  # noqa: B007 - counted below
            STEPS[step.name](world, step)
            breaches = watcher.look()
            if breaches:
                break
        breaches = breaches or watcher.finish()
    finally:
        world.house.shut()
        shutil.rmtree(directory / str(seed), ignore_errors=True)
    if report is not None:
        _count(report, world, steps[:done])
    return list(dict.fromkeys(breaches))


def _count(report: SimReport, world: World, steps: Sequence[Step]) -> None:
    report.seeds += 1
    report.steps += len(steps)
    report.kinds.update(step.name for step in steps)
    report.passed.update(world.house.faults.passed)
    report.crashed.update(world.house.faults.crashed)
    report.faults.update(world.provider.faults_met)
    report.met.update(world.met)


def run_seed(seed: int, steps: int = STEPS_A_SEED, report: SimReport | None = None) -> Failure | None:
    """Run one seed; give its failure, made small, or nothing."""
    drawn = plan(seed, steps)
    breaches = run_steps(seed, drawn, report)
    if not breaches:
        return None
    small = shrink(seed, drawn)
    return Failure(seed=seed, breaches=tuple(run_steps(seed, small) or breaches), trace=tuple(small))


def shrink(seed: int, steps: Sequence[Step], most: int = _SHRINK_RUNS) -> list[Step]:
    """Leave out steps as long as the rest still breaks something (ddmin); first what came after the breach."""
    met = SimReport(first=seed)
    run_steps(seed, steps, met)
    left = list(steps[: met.steps])
    runs, size = 1, max(1, len(left) // 2)
    while runs < most:
        at, is_smaller = 0, False
        while at < len(left) and runs < most:
            fewer = left[:at] + left[at + size :]
            runs += 1
            if fewer and run_steps(seed, fewer):
                left, is_smaller = fewer, True
            else:
                at += size
        if size == 1 and not is_smaller:
            break
        size = max(1, size // 2)
    return left


def _run_some(first: int, count: int, steps: int) -> SimReport:
    """Run a chunk of seeds in this process."""
    report = SimReport(first=first)
    with scratch() as directory:
        for seed in range(first, first + count):
            breaches = _run_in(directory, seed, plan(seed, steps), report)
            if breaches:
                failure = run_seed(seed, steps)
                report.failures.append(failure or Failure(seed=seed, breaches=tuple(breaches), trace=()))
    return report


def run_seeds(
    first: int,
    count: int,
    *,
    until: float | None = None,
    on_progress: Callable[[SimReport], None] | None = None,
    steps: int = STEPS_A_SEED,
    processes: int | None = None,
) -> SimReport:
    """Run `count` seeds from `first`, on all cores; `until` (time.monotonic) ends it before a next chunk begins.

    `on_progress` is given the report so far after every chunk.
    """
    report = SimReport(first=first)
    began = time.monotonic()
    cores = processes or os.cpu_count() or 1
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=cores, mp_context=context) as pool:
        chunks = _chunks(first, count, until)
        running = [pool.submit(_run_some, *chunk, steps) for _, chunk in zip(range(2 * cores), chunks, strict=False)]
        while running:
            report.add(running.pop(0).result())
            report.seconds = time.monotonic() - began
            if on_progress is not None:
                on_progress(report)
            running += [pool.submit(_run_some, *chunk, steps) for _, chunk in zip(range(1), chunks, strict=False)]
    return report


def _chunks(first: int, count: int, until: float | None) -> Iterator[tuple[int, int]]:
    for at in range(first, first + count, _CHUNK):
        if until is not None and time.monotonic() >= until:
            return
        yield at, min(_CHUNK, first + count - at)
