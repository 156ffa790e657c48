"""What a run of `panah prove` found, as JSON and as a page to keep; and the running total that a document carries.

A report names no host and no path: what it says can be published. Every breach stands with the command that shows it
again.
"""

import json
import os
import platform
import sqlite3
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.proof.part import PartReport

#: The count of each part that the running total adds up.
MAIN_COUNT: dict[str, str] = {
    "simulation": "seeds",
    "kills": "kills",
    "faults": "faults",
    "fuzz": "inputs",
    "drills": "drills",
}
BEGIN, END = "<!-- runs -->", "<!-- /runs -->"
_HEAD = (
    "| Begun (UTC) | Hours | Seed | Simulations | Kills | Faults | Fuzzed inputs | Drills | Breaches |",
    "|---|" + "--:|" * 8,
)


class NoTableError(Exception):
    """The document has no table of runs between `<!-- runs -->` and `<!-- /runs -->`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run: when it began, what it ran with, and each part's report."""

    began_at: datetime
    seed: int
    version: str
    took_s: float
    parts: tuple[PartReport, ...]

    @property
    def breaches(self) -> int:
        """Count what did not hold."""
        return sum(len(part.breaches) for part in self.parts)

    def as_json(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "began_at": self.began_at.astimezone(UTC).isoformat(timespec="seconds"),
            "seed": self.seed,
            "panah": self.version,
            "machine": machine(),
            "took_s": round(self.took_s, 1),
            "breaches": self.breaches,
            "parts": [part.as_json() for part in self.parts],
        }

    def as_markdown(self) -> str:
        """Give it as a page."""
        began = self.began_at.astimezone(UTC)
        on = ", ".join(f"{name} {value}" for name, value in machine().items())
        said = "Every promise held." if not self.breaches else f"**{self.breaches} promises did not hold.**"
        lines = [
            f"# Proof of {began:%Y-%m-%d}",
            "",
            f"Begun {began:%Y-%m-%d %H:%M} UTC with seed {self.seed}, {_duration(self.took_s)}, Panah {self.version}; {on}.",
            "",
            said,
            "",
            "| Part | Seed | Time | Done | Breaches |",
            "|---|--:|--:|---|--:|",
            *(_row(part) for part in self.parts),
        ]
        for part in self.parts:
            lines += _details(part)
        return "\n".join(lines) + "\n"


def machine() -> dict[str, str | int]:
    """Say on what it ran, without a name or a path."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.machine()}",
        "python": ".".join(map(str, sys.version_info[:3])),
        "sqlite": sqlite3.sqlite_version,
    }


def write_report(report: Report, stem: str) -> tuple[str, str]:
    """Write NAME.md and NAME.json beside each other; give both names."""
    base = stem.removesuffix(".md").removesuffix(".json")
    with open(f"{base}.md", "w", encoding="utf-8") as page:  # noqa: PTH123 - a plain name from the command line
        page.write(report.as_markdown())
    with open(f"{base}.json", "w", encoding="utf-8") as data:  # noqa: PTH123
        json.dump(report.as_json(), data, ensure_ascii=False, indent=1)
        data.write("\n")
    return f"{base}.md", f"{base}.json"


def added_to(document: str, report: Report) -> str:
    """Give a document with the run added to its table and the total reckoned again.

    Raises:
        NoTableError: there is no table of runs in it.
    """
    head, table, tail = table_of(document)
    rows = [line for line in table.strip().split("\n") if line.startswith("| 2")]
    rows.append(_run_row(report))
    lines = [*_HEAD, *rows, _total(rows)]
    return f"{head}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{tail}"


def table_of(document: str) -> tuple[str, str, str]:
    """Give what stands before the table of runs, the table, and what stands behind it.

    Raises:
        NoTableError: there is no table of runs in it.
    """
    head, begin, rest = document.partition(BEGIN)
    table, end, tail = rest.partition(END)
    if not begin or not end:
        raise NoTableError
    return head, table, tail


def _run_row(report: Report) -> str:
    done: Counter[str] = Counter()
    for part in report.parts:
        name = part.name.partition("-")[0]  # kills are kills, whatever the rows lie on
        done[name] += part.counts.get(MAIN_COUNT.get(name, ""), 0)
    numbers = [f"{done[name]:,}" for name in MAIN_COUNT]
    hours = f"{report.took_s / 3600:.2f}"
    began = f"{report.began_at.astimezone(UTC):%Y-%m-%d %H:%M}"
    return f"| {began} | {hours} | {report.seed} | {' | '.join(numbers)} | {report.breaches} |"


def _total(rows: Sequence[str]) -> str:
    cells = [[cell.strip().replace(",", "") for cell in row.strip("|").split("|")] for row in rows]
    hours = sum(float(row[1]) for row in cells)
    sums = [f"{sum(int(row[at]) for row in cells):,}" for at in range(3, 9)]
    return f"| **Total** | {hours:.2f} | | {' | '.join(sums)} |"


def _row(part: PartReport) -> str:
    done = ", ".join(f"{value:,} {name}" for name, value in part.counts.items())
    return f"| {part.name} | {part.seed} | {_duration(part.took_s)} | {done} | {len(part.breaches)} |"


def _details(part: PartReport) -> list[str]:
    lines: list[str] = []
    if part.covered:
        met = ", ".join(f"{name} {count:,}" for name, count in sorted(part.covered.items()) if count)
        missed = ", ".join(sorted(name for name, count in part.covered.items() if not count))
        lines += [
            "",
            f"## {part.name.capitalize()}",
            "",
            f"Met: {met or 'none'}.",
            *([f"Not met: {missed}."] if missed else []),
        ]
    if part.breaches:
        lines += ["", f"### Breaches of {part.name}", ""]
        lines += [f"- {found.said}\n  `{found.replay}`" for found in part.breaches]
    kept = [found.keep for found in part.breaches if found.keep]
    if kept:
        lines += ["", "For `tests/simulation/seeds.txt`:", "", "```", *kept, "```"]
    return lines


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 3600:.2f} h"
