"""Runs seeds: plan, steps, looking, end; makes a failing one small; uses every core by processes."""

import gc
import multiprocessing
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bot.proof.fuzz import where
from bot.proof.simulation.checks import Watcher
from bot.proof.simulation.plan import Step, plan
from bot.proof.simulation.report import Failure, SimReport
from bot.proof.simulation.steps import STEPS
from bot.proof.simulation.template import scratch, template
from bot.proof.simulation.world import World

_NICE = 5
#: Seeds a process takes at a time.
_CHUNK = 10
#: A failing seed is made small by at most so many runs.
_SHRINK_RUNS = 40
#: After so many failures there is nothing more to learn from going on.
_FAILURES_MAX = 20


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
    except Exception as error:  # noqa: BLE001 - whatever it is, the seed must be named
        breaches = [f"broke off: {where(error)}"]
    finally:
        world.shut()
        shutil.rmtree(directory / str(seed), ignore_errors=True)
    if report is not None:
        _count(report, world, steps[:done])
    return list(dict.fromkeys(breaches))


def _count(report: SimReport, world: World, steps: Sequence[Step]) -> None:
    report.seeds += 1
    report.steps += len(steps)
    report.kinds.update(step.name for step in steps)
    for faults in (world.house.faults, world.alarm.faults):
        report.passed.update(faults.passed)
        report.crashed.update(faults.crashed)
    report.faults.update(world.provider.faults_met)
    report.faults["way out"] += world.alarm.failed
    report.met["pages"] += world.vigil.pages
    report.met.update(world.met)


def run_seed(seed: int, report: SimReport | None = None) -> Failure | None:
    """Run one seed; give its failure, made small, or nothing."""
    breaches = run_steps(seed, plan(seed), report)
    return made_small(seed, breaches) if breaches else None


def made_small(seed: int, breaches: Sequence[str]) -> Failure:
    """Give the failure of a seed with the fewest steps that show it."""
    small = shrink(seed, plan(seed))
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


def _warm_up() -> None:
    """Make once in a process what all seeds share, and keep the collector from walking it again and again.

    Nothing waits for a simulated clock: whatever else this machine does, goes first.
    """
    os.nice(_NICE)
    template()
    gc.collect()
    gc.freeze()


def _run_some(first: int, count: int) -> SimReport:
    """Run a chunk of seeds in this process."""
    report = SimReport(first=first)
    gc.disable()  # one seed leaves a few MB; half of a step's time would go into looking at them
    with scratch() as directory:
        for seed in range(first, first + count):
            breaches = _run_in(directory, seed, plan(seed), report)
            if breaches:
                report.failures.append(made_small(seed, breaches))
    gc.collect()
    return report


def run_seeds(
    first: int,
    count: int,
    *,
    until: float | None = None,
    on_progress: Callable[[SimReport], None] | None = None,
    processes: int | None = None,
) -> SimReport:
    """Run `count` seeds from `first`, on all cores; `until` (time.monotonic) ends it before a next chunk begins.

    `on_progress` is given the report so far after every chunk.
    """
    report = SimReport(first=first)
    began = time.monotonic()
    cores = processes or len(os.sched_getaffinity(0))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=cores, mp_context=context, initializer=_warm_up) as pool:
        chunks = _chunks(first, count, until)
        running = [pool.submit(_run_some, *chunk) for _, chunk in zip(range(2 * cores), chunks, strict=False)]
        while running:
            report.add(running.pop(0).result())
            report.seconds = time.monotonic() - began
            if on_progress is not None:
                on_progress(report)
            if len(report.failures) < _FAILURES_MAX:
                running += [pool.submit(_run_some, *chunk) for _, chunk in zip(range(1), chunks, strict=False)]
    return report


def _chunks(first: int, count: int, until: float | None) -> Iterator[tuple[int, int]]:
    for at in range(first, first + count, _CHUNK):
        if until is not None and time.monotonic() >= until:
            return
        yield at, min(_CHUNK, first + count - at)
