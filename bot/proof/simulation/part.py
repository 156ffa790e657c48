"""The simulation as a part of `panah prove`: its short form, its long one, and one seed again."""

from bot.proof.part import Found, PartReport, Progress, ignore
from bot.proof.simulation.provider import FAILURES
from bot.proof.simulation.report import SEEDS_OF_A_RUN, Failure, SimReport
from bot.proof.simulation.runner import run_seeds
from bot.proof.simulation.steps import POINTS, WATCH_POINTS

#: How many seeds the short form runs.
SHORT = 200


def run_simulation(
    *, seed: int = 1, until: float | None = None, on_progress: Progress = ignore, only: int | None = None
) -> PartReport:
    """Run the seeds of one run: the short form, until a moment (time.monotonic), or only the one of that number."""
    first = seed * SEEDS_OF_A_RUN + (only or 0)
    count = 1 if only is not None else SHORT if until is None else SEEDS_OF_A_RUN

    def tell(report: SimReport) -> None:
        on_progress(f"{report.seeds} seeds, {len(report.failures)} breaches")

    report = run_seeds(first, count, until=until, on_progress=tell, processes=1 if only is not None else None)
    return PartReport(
        name="simulation",
        seed=seed,
        took_s=report.seconds,
        counts={"seeds": report.seeds, "steps": report.steps, "refused acts": sum(report.met.values())},
        covered=_covered(report),
        breaches=tuple(_found(failure) for failure in report.failures),
    )


def _covered(report: SimReport) -> dict[str, int]:
    """Count every crash point and every fault of the world, 0 for one that was not met."""
    died = {f"died at {point}": report.crashed[point] for point in (*POINTS, *WATCH_POINTS)}
    return {**died, **{name: report.faults[name] for name in (*FAILURES, "way out")}}


def _found(failure: Failure) -> Found:
    return Found(
        said=f"seed {failure.seed}: {'; '.join(failure.breaches)} ({len(failure.trace)} steps show it)",
        replay=failure.replay,
        keep=failure.line,
    )
