"""What every bench gives: figures with their spread over the rounds, as JSON and as a table.

A bench that finds fewer rows than answers raises MissingRowsError: speed that loses something is no speed.
"""

import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

#: What a bench gives: sections of figures.
Report = dict[str, dict[str, Any]]
#: Fewer rounds are quoted by nobody; tests ask for one all the same.
ROUNDS_LEAST = 5


class MissingRowsError(Exception):
    """The tables or the ledger hold fewer rows than messages were accepted: something was lost."""


def spread(values: Sequence[float]) -> dict[str, float]:
    """Give median, minimum and maximum over the rounds."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return {"median": round(middle, 2), "min": round(low, 2), "max": round(high, 2)}


def percentile(ordered: Sequence[float], share: float) -> float:
    """Give a percentile of sorted values; 0 of none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def must_be(wanted: int, found: int, what: str) -> None:
    """Count a row for each answer.

    Raises:
        MissingRowsError: there are fewer, or more.
    """
    if wanted != found:
        raise MissingRowsError(f"{wanted} {what} were expected, {found} are there")


def machine() -> dict[str, Any]:
    """Say where it was measured, and how busy that machine was."""
    return {
        "cores": os.cpu_count() or 0,
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
    }


def table(report: Report) -> str:
    """Give a report as lines of text."""
    lines = []
    for name, section in report.items():
        lines.append(name)
        lines.extend(f"  {key:28} {_shown(figure)}" for key, figure in section.items())
    return "\n".join(lines)


def _shown(figure: Any) -> str:
    if isinstance(figure, dict):
        return f"{figure['median']:>12,.2f}   [{figure['min']:,.2f} - {figure['max']:,.2f}]"
    return f"{figure:>12,.2f}" if isinstance(figure, float) else f"{figure!s:>12}"


def cpu_s_of(pid: int) -> float:
    """Give the seconds of CPU that another process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
