"""What a run of the simulation came to: seeds, steps, crash points met, faults injected, and any breach."""

from collections import Counter
from dataclasses import dataclass, field

from bot.proof.simulation.plan import Step

#: A run has a seed of its own; its worlds are numbered from that seed times this.
SEEDS_OF_A_RUN = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A seed that broke something: what, and the fewest steps that still break it."""

    seed: int
    breaches: tuple[str, ...]
    trace: tuple[Step, ...]

    @property
    def replay(self) -> str:
        """Give the command that plays it again."""
        run, number = divmod(self.seed, SEEDS_OF_A_RUN)
        return f"panah prove --only simulation --seed {run} --round {number}"

    @property
    def line(self) -> str:
        """Give the line that keeps it in tests/simulation/seeds.txt: its steps too, since what is drawn may change."""
        return f"{self.seed}: {', '.join(map(str, self.trace))}"

    def render(self) -> str:
        """Give it as text, with the command that plays it again."""
        lines = [f"seed {self.seed}: {breach}" for breach in self.breaches]
        lines += [f"  {number:>3} {step}" for number, step in enumerate(self.trace, 1)]
        return "\n".join([*lines, f"  again: {self.replay}", f"  to keep: {self.line}"])


@dataclass(slots=True, kw_only=True)
class SimReport:
    """The sum of many seeds."""

    first: int
    seeds: int = 0
    steps: int = 0
    seconds: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)
    passed: Counter[str] = field(default_factory=Counter)  #: how often each crash point was passed
    crashed: Counter[str] = field(default_factory=Counter)  #: how often the process died there
    faults: Counter[str] = field(default_factory=Counter)  #: faults of the world outside
    met: Counter[str] = field(default_factory=Counter)  #: acts that were refused, by reason
    failures: list[Failure] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """True when nothing was broken."""
        return not self.failures

    def add(self, other: "SimReport") -> None:
        """Take in the report of some other seeds."""
        self.seeds += other.seeds
        self.steps += other.steps
        for name in ("kinds", "passed", "crashed", "faults", "met"):
            getattr(self, name).update(getattr(other, name))
        self.failures.extend(other.failures)

    def as_dict(self) -> dict[str, object]:
        """Give it as plain data, for the report of `panah prove`."""
        counters = {name: dict(sorted(getattr(self, name).items())) for name in _COUNTERS}
        return {
            "first": self.first,
            "seeds": self.seeds,
            "steps": self.steps,
            "seconds": round(self.seconds, 1),
            **counters,
            "failures": [
                {"seed": found.seed, "breaches": list(found.breaches), "trace": [str(step) for step in found.trace]}
                for found in self.failures
            ],
        }

    def render(self) -> str:
        """Give it as text."""
        lines = [f"simulation: {self.seeds} seeds from {self.first}, {self.steps} steps, {self.seconds:.0f} s"]
        lines += [f"  {title}: {_counted(getattr(self, name))}" for name, title in _COUNTERS.items()]
        lines.append(f"  breaches: {len(self.failures)}")
        return "\n".join([*lines, *(failure.render() for failure in self.failures)])


_COUNTERS = {
    "kinds": "steps",
    "passed": "crash points passed",
    "crashed": "died at",
    "faults": "faults met",
    "met": "refused",
}


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items())) or "none"
