"""The crash points of the one path, and which way of an installation meets each (docs/proof.md, kill loops)."""

from dataclasses import dataclass
from random import Random
from typing import Literal

#: How a round brings the process to the point.
Way = Literal["message", "alert", "act", "timer", "rollback", "first start", "backup"]
#: The installation on which a round runs.
Lane = Literal["webhook", "polling", "alerts"]
LANES: tuple[Lane, ...] = ("webhook", "polling", "alerts")

WAYS: dict[str, Way] = {
    **dict.fromkeys(("W1", "W2", "W3", "W4"), "message"),
    **dict.fromkeys(("E1", "E2", "E3", "E4", "E5", "E6"), "message"),
    **dict.fromkeys(("O1", "O2", "O3", "O4"), "message"),
    **dict.fromkeys(("A1", "A2", "A3"), "alert"),
    **dict.fromkeys(("C1", "C2", "C3"), "act"),
    **dict.fromkeys(("F1", "F2"), "timer"),
    "P1": "first start",
    "P2": "rollback",
    "P3": "rollback",
    "X1": "backup",
    "X2": "first start",
}
POINTS: tuple[str, ...] = tuple(WAYS)
#: Only a webhook has these; a poller reads and verifies nothing of its own.
_WEBHOOK_ONLY = frozenset({"W1", "W2"})
#: Passed by every commit, so a later pass is another moment: the intake, the turn, the lease of a row, its record.
_EVERY_COMMIT = frozenset({"E4", "E5", "E6"})
_EVERY_SEND = frozenset({"O2", "O3"})
#: At the first pass of these nothing of a round has come out yet, so nothing may come out twice.
_BEFORE_SENDING = frozenset(
    {"W1", "W2", "W3", "E1", "E2", "E3", "O1", "O2", "P1", "P2", "P3", "X1", "X2", "A1", "A2", "A3"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One round: what dies where. An empty `point` is a random moment, `after_s` after people wrote."""

    number: int
    point: str
    times: int
    after_s: float
    citizens: int
    is_danger: bool
    lane: Lane
    is_ordinary: bool  #: stopped and started cleanly before, so the worker runs batches and is not careful

    @property
    def way(self) -> Way:
        """How the point is brought about."""
        return WAYS.get(self.point, "message")

    @property
    def may_double(self) -> bool:
        """True when the kill may fall between a provider's yes and our record of it."""
        return self.point not in _BEFORE_SENDING or self.times > 1 or self.citizens > 1


def plan(seed: int, number: int) -> Plan:
    """Draw one round; the same seed and number give the same round. A quarter are random moments."""
    dice = Random(f"{seed}:{number}")  # noqa: S311 - repeatable on purpose
    cycle = (*POINTS, *[""] * (len(POINTS) // 3))
    at, turn = number % len(cycle), number // len(cycle)
    point = cycle[at]
    times = dice.randint(1, 4) if point in _EVERY_COMMIT else dice.randint(1, 3) if point in _EVERY_SEND else 1
    return Plan(
        number=number,
        point=point,
        times=times,
        after_s=dice.random() * 0.4,
        citizens=1 if times == 1 and point else dice.randint(1, 4),
        is_danger=dice.random() < 0.5 or point in _EVERY_SEND,
        lane=_lane(point, at + turn),
        is_ordinary=dice.random() < 0.5,
    )


def _lane(point: str, at: int) -> Lane:
    if WAYS.get(point) == "alert":
        return "alerts"
    return "webhook" if point in _WEBHOOK_ONLY or at % 2 == 0 else "polling"
