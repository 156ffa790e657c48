"""The invariants of the design that SQL alone can check, and the rows that break them.

`panah doctor` asks them of a living installation, the simulation after every step, the drills at their end: one list
for all. Each query gives the ids of the rows that break one promise; ids are no content. A query looks at the newest
rows only (`newest`), so that a large installation is checked in a second or two.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from bot.proof.invariants_cases import ABOUT_CASES
from bot.proof.invariants_messages import ABOUT_MESSAGES
from bot.proof.promise import Promise

#: What is late and what is not, in milliseconds: a minute for what a loop does, five for what a provider must take.
LATE_MS = 60_000
SENDING_LATE_MS = 300_000
#: How many of the newest rows of a table are looked at unless more are asked for.
NEWEST = 20_000
#: More rows than that of one breach are counted but not named.
NAMED = 20
COUNTED = 10_000

INVARIANTS: tuple[Promise, ...] = (*ABOUT_MESSAGES, *ABOUT_CASES)

#: A safety promise holds after every transaction; the others hold once the loops have had their time.
Kind = Literal["safety", "liveness"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One promise that is broken: how many rows, and the ids of the first of them."""

    promise: Promise
    count: int
    rows: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.promise.code} {self.promise.name}: {self.count} {self.promise.broken} ({', '.join(self.rows)})"


def check(connection: Connection, now_ms: int, *, only: Kind | None = None, newest: int = 10**12) -> list[Breach]:
    """Give every broken promise, all rows of every table looked at unless `newest` says how many.

    `only` safety is what may be asked between any two transactions; liveness once everything due had its time.
    """
    wanted = (promise for promise in INVARIANTS if only is None or promise.late == (only == "liveness"))
    return [breach for promise in wanted for breach in look(connection, promise, now_ms, newest=newest)]


def look(connection: Connection, promise: Promise, now_ms: int, *, newest: int = NEWEST) -> Iterator[Breach]:
    """Give the one promise's breach, if it is broken."""
    times = {"now": now_ms, "late": now_ms - LATE_MS, "sending_late": now_ms - SENDING_LATE_MS, "newest": newest}
    asked = {name: value for name, value in times.items() if f":{name}" in promise.sql}
    sql = f"SELECT * FROM ({promise.sql}) AS broken LIMIT {COUNTED}"  # noqa: S608 - our own constants
    rows = [str(row[0]) for row in connection.exec_driver_sql(sql, asked)]
    if rows:
        yield Breach(promise=promise, count=len(rows), rows=tuple(rows[:NAMED]))
