"""The second wall between provinces, on PostgreSQL: what a transaction of the desk can see at all.

The first wall is the code's own scope (escalation.policy). Behind it the console's transactions take on the role
`panah_desk`, whose row-level policies know who asks; a query that forgot its WHERE gives her own province and no more.
The looks that all open streams share run as `panah_lists`, which sees every desk's codes and none of the sealed
columns. SQLite has no roles; there the first wall stands alone.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection

from bot.store.database import Store, Tx

T = TypeVar("T")

_RAISE = (
    "SELECT set_config('role', ?, true), set_config('panah.all', ?, true), set_config('panah.desk', ?, true),"
    " set_config('panah.near', ?, true), set_config('panah.staff', ?, true), set_config('panah.late', ?, true),"
    " set_config('panah.contact', '', true)"
)
_LOWER = (
    "SELECT set_config('role', 'none', true), set_config('panah.all', '', true), set_config('panah.desk', '', true),"
    " set_config('panah.staff', '', true), set_config('panah.contact', '', true)"
)
_KEEP = "SELECT set_config('panah.contact', contact_id, true) FROM cases WHERE id = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Which cases a transaction may see: those of `desk`, what `staff_id` holds, and of desks `near` what waits too long.

    `late` gives by tier the moment (ms) since which a case must have waited for that. `everything`: the national desk.
    """

    staff_id: str = ""
    desk: str = ""
    near: tuple[str, ...] = ()
    late: Mapping[str, int] = field(default_factory=dict)
    everything: bool = False
    role: str = "panah_desk"


#: The shared look of all streams: every desk's codes, nothing sealed.
LISTS = Sight(everything=True, role="panah_lists")


@contextmanager
def wall(connection: Connection, sight: Sight) -> Iterator[None]:
    """Let what is done meanwhile see only this. Whoever raises must let the transaction (or its savepoint) be undone."""
    if connection.dialect.name != "postgresql":
        yield
        return
    late = json.dumps(dict(sight.late))
    every = "yes" if sight.everything else ""
    connection.exec_driver_sql(_RAISE, (sight.role, every, sight.desk, ",".join(sight.near), sight.staff_id, late))
    yield
    connection.exec_driver_sql(_LOWER)


def keep_in_sight(connection: Connection, case_id: str) -> None:
    """Keep a case that can be seen now, and what hangs on its contact, in sight until the transaction's end.

    An act may move a case to another desk, and has to write its history after that.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_KEEP, (case_id,))


class WalledStore:
    """The store as one member of staff has it."""

    def __init__(self, store: Store, sight: Sight) -> None:
        self._store = store
        self._sight = sight

    async def write(self, fn: Callable[[Tx], T]) -> T:
        """Run a write behind the wall and wait until it is durable."""

        def work(tx: Tx) -> T:
            with wall(tx.connection, self._sight):
                return fn(tx)

        return await self._store.write(work)

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """Run a query behind the wall."""

        def work(connection: Connection) -> T:
            with wall(connection, self._sight):
                return fn(connection)

        return await self._store.read(work)
