"""What a part of the proof gives back: how much was tried, what of the list was covered, and each breach with the
command that shows it again.

A part is `run_x(*, seed, until, on_progress)`: `until` is a monotonic moment to stop at, None is its short form;
`on_progress` is told a short line now and then. It returns a report with `as_json()` and `breaches`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

#: Told a few words about how far a part is, for a person who watches.
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One promise that did not hold: what was seen (no content) and the exact command that shows it again.

    `keep` is the line by which a test remembers it (tests/simulation/seeds.txt), where there is one.
    """

    said: str
    replay: str
    keep: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReport:
    """One part's result. `counts` is how much was done, `covered` how often each point of its list was met."""

    name: str
    seed: int
    took_s: float
    counts: dict[str, int] = field(default_factory=dict)
    covered: dict[str, int] = field(default_factory=dict)
    breaches: tuple[Found, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "name": self.name,
            "seed": self.seed,
            "took_s": round(self.took_s, 1),
            "counts": self.counts,
            "covered": self.covered,
            "breaches": [
                {"said": found.said, "replay": found.replay, **({"keep": found.keep} if found.keep else {})}
                for found in self.breaches
            ],
        }


def ignore(_said: str) -> None:
    """Tell nobody."""
