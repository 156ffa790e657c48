"""What happens in one seed: a list of steps, drawn before anything runs, so that any part of it can be run again.

A step is a name and three numbers; numbers are taken modulo whatever there is when the step runs, so a shorter list
still means something. That is what makes a failing seed small.
"""

import random
from dataclasses import dataclass

#: How often each step is drawn, in proportion.
WEIGHTS: dict[str, int] = {
    # citizens
    "say": 26, "cry": 7, "worry": 6, "press": 16, "sticker": 4, "handler": 4, "burst": 4, "later": 5,
    # the network
    "deliver": 8, "redeliver": 7, "failures": 7, "cut": 2,
    # staff
    "claim": 12, "renew": 4, "write": 8, "note": 3, "release": 2, "hand_back": 3, "close": 5, "undo_claim": 1,
    "undo_close": 2, "lower": 2, "transfer": 2, "see": 3, "old_token": 4, "vanish": 2, "shift": 4, "safe": 2,
    # time and the loops
    "tick": 14, "pump": 16, "send": 10, "minutes": 5, "hours": 2, "jump": 1,
    # the process and its disk
    "crash": 5, "kill": 1, "stop": 1, "disk": 2, "poison": 1,
    # the alert process
    "watch_kill": 2, "watch_crash": 2, "deaf": 3,
    # scripts
    "publish": 1, "rollback": 1,
}  # fmt: skip
_NAMES = tuple(WEIGHTS)
_SHARES = tuple(WEIGHTS.values())
_NUMBER_MAX = 10_000
_LENGTHS = ((12, 32), (33, 60), (61, 120), (200, 200))
_LENGTH_SHARES = (64, 28, 6, 2)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens."""

    name: str
    a: int
    b: int
    c: int

    def __str__(self) -> str:
        return f"{self.name} {self.a} {self.b} {self.c}"


def length(seed: int) -> int:
    """Give how long the story of a seed is: mostly short, for their number; one in fifty is 200 steps long."""
    dice = random.Random(~seed)  # noqa: S311 - repeatable on purpose
    least, most = dice.choices(_LENGTHS, _LENGTH_SHARES)[0]
    return dice.randint(least, most)


def plan(seed: int, steps: int | None = None) -> list[Step]:
    """Draw the steps of a seed: as many as are its own, or so many."""
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    names = dice.choices(_NAMES, _SHARES, k=length(seed) if steps is None else steps)
    return [Step(name, *(dice.randrange(_NUMBER_MAX) for _ in range(3))) for name in names]


def read_kept(line: str) -> tuple[int, list[Step]]:
    """Read a line of seeds.txt: `SEED`, or `SEED: step a b c, step a b c` as a report prints it."""
    number, _, rest = line.partition(":")
    seed = int(number)
    if not rest.strip():
        return seed, plan(seed)
    words = [step.split() for step in rest.split(",")]
    return seed, [Step(name, int(a), int(b), int(c)) for name, a, b, c in words]
