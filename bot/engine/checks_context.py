"""What every check is given, and small walks over a flow that several checks share."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from bot.core.screening import Screening
from bot.engine.issues import Issue, issue
from bot.engine.model import Ask, Bundle, Flow, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The bundle, the flows to be judged, the day, and the screening of a text if there is one."""

    bundle: Bundle
    flows: tuple[Flow, ...]
    today: date
    screen: Callable[[str], Screening] | None = None

    def steps(self) -> Iterator[tuple[Flow, Step]]:
        """Give every step with its flow, copies of always' safe questions only in `always` itself."""
        for flow in self.flows:
            for step in flow.steps:
                if not (isinstance(step, Ask) and step.safe):
                    yield flow, step

    def asks(self) -> Iterator[tuple[Flow, Ask]]:
        """Give every wait with its flow."""
        for flow, step in self.steps():
            if isinstance(step, Ask):
                yield flow, step


def at_step(rule: str, flow: Flow, step: Step, /, **words: str | int) -> Issue:
    """Make an issue at a step; `name` is the step's id unless given."""
    return issue(rule, f"{flow.id}.yaml", step.at, **{"name": step.id, **words})
