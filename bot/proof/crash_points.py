"""The crash points of the one path, and which way of an installation meets each (docs/proof.md, kill loops)."""

from dataclasses import dataclass
from random import Random
from typing import Literal

from bot.proof.ground import On, RedisTrouble

#: How a round brings the process to the point.
Way = Literal["message", "alert", "act", "timer", "rollback", "first start", "backup", "server"]
#: The installation on which a round runs; that of `server` has a PostgreSQL that nobody else uses.
Lane = Literal["webhook", "polling", "alerts", "server"]
LANES: tuple[Lane, ...] = ("webhook", "polling", "alerts", "server")

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
#: What strikes PostgreSQL, or the wire to it, while the process lives on.
SERVER: tuple[str, ...] = ("server killed", "server restarted", "backend killed", "COMMIT lost", "its answer lost")
#: What is tried on each ground: a backup copies a file, and with Redis it is people and acts that count.
TRIED: dict[On, tuple[str, ...]] = {
    "sqlite": POINTS,
    "postgres": (*(point for point in POINTS if point != "X1"), *SERVER, *SERVER),
    "redis": tuple(point for point, way in WAYS.items() if way in {"message", "act"}),
}
_TROUBLES: tuple[RedisTrouble, ...] = ("down", "flushed", "slow")
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
    trouble: RedisTrouble = ""  #: what Redis suffers from before the first word until all is settled

    @property
    def way(self) -> Way:
        """How the point is brought about."""
        return "server" if self.point in SERVER else WAYS.get(self.point, "message")

    @property
    def may_double(self) -> bool:
        """True when the kill may fall between a provider's yes and our record of it."""
        return self.point not in _BEFORE_SENDING or self.times > 1 or self.citizens > 1


def plan(seed: int, number: int, on: On = "sqlite") -> Plan:
    """Draw one round; the same seed and number give the same round. A quarter are random moments."""
    dice = Random(f"{seed}:{number}")  # noqa: S311 - repeatable on purpose
    cycle = (*TRIED[on], *[""] * (len(TRIED[on]) // 3))
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
        trouble=_TROUBLES[number % len(_TROUBLES)] if on == "redis" else "",
    )


def _lane(point: str, at: int) -> Lane:
    if WAYS.get(point) == "alert":
        return "alerts"
    if point in SERVER:
        return "server"
    return "webhook" if point in _WEBHOOK_ONLY or at % 2 == 0 else "polling"
