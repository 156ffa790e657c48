"""A state of the explorer: what of a conversation can still change what the script does. Small, hashable, shared.

Named tuples, not dataclasses: a hub has tens of thousands of states, and these copy and hash three times faster.
"""

from typing import Any, NamedTuple

from bot.engine.parts import DANGER_TIER, Danger

RISKS = ("none", "T4", "T3", "T2", "T1")
_DEBT: dict[str, int] = {"low": 0, "high": 1, "immediate": 2}
TIER_PAYS = {"T1": 2, "T2": 1, "T3": 0, "T4": 0}
#: Among the kinds of a state: any of VIOLENCE was told; or an earlier script may have heard of one (both are walked).
VIOLENT, MAYBE_VIOLENT = "violence", "violence?"
Items = tuple[tuple[str, Any], ...]


class Frame(NamedTuple):
    """One flow on the stack: where it stands and what of its answers and vars is live."""

    flow: str
    at: int
    answers: Items = ()
    vars: Items = ()


class State(NamedTuple):
    """A whole conversation. `debt`: 0, 1 (high), 2 (immediate); `said`: 110 or 123 was shown; `facts`: fixed ones."""

    frames: tuple[Frame, ...]
    facts: Items = ()
    debt: int = 0
    risk: str = "none"
    said: bool = False
    consents: Items = ()
    safe: str = "unasked"
    covert: bool = False
    kinds: frozenset[str] = frozenset()
    case: bool = False
    since: int = 0

    @property
    def top(self) -> Frame:
        """The flow that runs."""
        return self.frames[-1]

    def moved(self, at: int) -> "State":
        """Stand at another step of the running flow."""
        return self.with_top(self.top._replace(at=at))

    def with_top(self, frame: Frame) -> "State":
        """Replace the running frame."""
        return self._replace(frames=(*self.frames[:-1], frame))

    def wrote(self, values: dict[str, Any]) -> "State":
        """Write answers of the running flow."""
        top = self.top
        merged = dict(top.answers) | values
        return self.with_top(top._replace(answers=tuple(sorted(merged.items()))))

    def set_vars(self, values: dict[str, Any]) -> "State":
        """Write vars of the running flow."""
        top = self.top
        return self.with_top(top._replace(vars=tuple(sorted((dict(top.vars) | values).items()))))

    def raised(self, danger: Danger | None, kinds: frozenset[str]) -> "State":
        """Raise risk and debt by a tag, and note kinds."""
        if VIOLENT in kinds and MAYBE_VIOLENT in self.kinds:
            return self._replace(kinds=self.kinds - {MAYBE_VIOLENT}).raised(danger, kinds)
        if danger is None:
            return self._replace(kinds=self.kinds | kinds) if kinds - self.kinds else self
        risk = max(self.risk, DANGER_TIER[danger], key=RISKS.index)
        debt = max(self.debt, _DEBT[danger])
        since = self.since if self.debt else 0
        return self._replace(risk=risk, debt=debt, since=since, kinds=self.kinds | kinds)

    def paid(self, up_to: int) -> "State":
        """Escalate: the case is open, and a debt not above `up_to` is paid."""
        if self.debt > up_to:
            return self._replace(case=True)
        return self._replace(case=True, debt=0, since=0)

    def read_facts(self) -> dict[str, Any]:
        """Give the facts that conditions read, besides staff and hour."""
        consents = {f"consent.{key}": "unasked" for key in ("contact", "referral", "record", "health")}
        consents |= {f"consent.{key}": value for key, value in self.consents}
        return {
            **dict(self.facts),
            **consents,
            "risk": self.risk,
            "kinds": tuple(self.kinds),
            "violence": "yes" if VIOLENT in self.kinds else "no",
            "covert": "yes" if self.covert else "no",
            "contact.safe": self.safe,
        }
