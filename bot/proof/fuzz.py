"""Fuzzing (S6): whatever comes in ends as a decoded thing or a clear refusal, soon, and never as another exception.

A seed, a target's name and a number are the whole of an input: `panah prove --only fuzz --input TARGET:SEED:NUMBER`
makes and tries it again. Time is the process's own CPU time, memory what Python itself allocated.
"""

import random
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.proof.fuzz_seeds import Mutator
from bot.proof.part import Found, PartReport, Progress, ignore

#: How many inputs the short form tries of each target; slow ones say so themselves.
SHORT = 1500
#: A slow input is tried again: the machine may have been busy.
_TRIES = 3
#: Every so many inputs the memory of one is measured, which is slow.
_MEASURED_EVERY = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One decoder. `make` gives an input, `read` reads it and raises AssertionError when the outcome is no good one.

    `refusals` are the decoder's own errors. `cpu_s` and `memory_bytes` bound one input.
    """

    name: str
    make: Callable[[Mutator], Any]
    read: Callable[[Any], None]
    refusals: tuple[type[Exception], ...] = ()
    cpu_s: float = 0.05
    memory_bytes: int = 64_000_000
    short: int = SHORT


@dataclass(frozen=True, slots=True)
class _Outcome:
    fault: str = ""
    refused: bool = False


def run_fuzz(
    targets: Sequence[Target],
    *,
    seed: int = 1,
    until: float | None = None,
    on_progress: Progress = ignore,
) -> PartReport:
    """Try inputs of every target in turn: so many of each once, and with `until` again until that monotonic moment."""
    began = time.monotonic()
    counts: dict[str, int] = {}
    refused = 0
    breaches: dict[str, Found] = {}
    rounds = 0
    while rounds == 0 or (until is not None and time.monotonic() < until):
        for target in targets:
            for number in range(rounds * target.short, (rounds + 1) * target.short):
                if rounds and until is not None and time.monotonic() >= until:
                    break
                outcome = try_input(target, seed, number)
                counts[target.name] = counts.get(target.name, 0) + 1
                refused += outcome.refused
                if outcome.fault:  # one of each kind is enough to mend it
                    replay = f"panah prove --only fuzz --input {target.name}:{seed}:{number}"
                    breaches.setdefault(f"{target.name}: {outcome.fault}", Found(said="", replay=replay))
            on_progress(f"{target.name}: {counts.get(target.name, 0)} inputs, {len(breaches)} breaches")
        rounds += 1
    return PartReport(
        name="fuzz",
        seed=seed,
        took_s=time.monotonic() - began,
        counts={"inputs": sum(counts.values()), "refused": refused},
        covered=counts,
        breaches=tuple(Found(said=said, replay=found.replay) for said, found in breaches.items()),
    )


def make_input(target: Target, seed: int, number: int) -> Any:
    """Give the input that a seed and a number name."""
    rng = random.Random(f"{target.name}:{seed}:{number}")  # noqa: S311 - repeatable on purpose
    return target.make(Mutator(rng))


def try_input(target: Target, seed: int, number: int) -> _Outcome:
    """Make one input and read it."""
    return try_one(target, make_input(target, seed, number), measured=number % _MEASURED_EVERY == 0)


def try_one(target: Target, given: Any, *, measured: bool = True) -> _Outcome:
    """Read one input; the fault names what is wrong with the outcome, never the input itself."""
    outcome, cpu_s = _timed(target, given)
    for _ in range(_TRIES - 1):
        if outcome.fault or cpu_s <= target.cpu_s:
            break
        cpu_s = min(cpu_s, _timed(target, given)[1])
    if not outcome.fault and cpu_s > target.cpu_s:
        return _Outcome(f"it took more than {target.cpu_s * 1000:.0f} ms of CPU")
    if measured and not outcome.fault and _peak(target, given) > target.memory_bytes:
        return _Outcome(f"it took more than {target.memory_bytes // 1_000_000} MB")
    return outcome


def _timed(target: Target, given: Any) -> tuple[_Outcome, float]:
    began = time.process_time()
    outcome = _read(target, given)
    return outcome, time.process_time() - began


def _read(target: Target, given: Any) -> _Outcome:
    try:
        target.read(given)
    except target.refusals:
        return _Outcome(refused=True)
    except Exception as error:  # noqa: BLE001 - any other exception is what is looked for
        return _Outcome(where(error))
    return _Outcome()


def _peak(target: Target, given: Any) -> int:
    tracemalloc.start()
    try:
        _read(target, given)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def where(error: Exception) -> str:
    """Name the error by its type and the innermost line: its text may quote the input."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    place = "" if step is None else f" at {step.tb_frame.f_globals.get('__name__', '?')}:{step.tb_lineno}"
    return f"{type(error).__name__}{place}"
