"""The same simulated installation on PostgreSQL, and what two stores are compared by (S14): the trace of a seed.

One process, so what only several need is left out: numbers are drawn as on SQLite. A death closes the connection in the middle of whatever it did; the server keeps what was committed.
"""

import gc
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import psycopg

from bot.proof.cluster import Cluster
from bot.proof.simulation.checks import Watcher
from bot.proof.simulation.house import House
from bot.proof.simulation.plan import Step, plan
from bot.proof.simulation.steps import STEPS
from bot.proof.simulation.template import scratch, settle_in, template
from bot.proof.simulation.world import World
from bot.store import migrate
from bot.store.database import Job, Store
from bot.store.dialect import formatted
from bot.store.postgres import PostgresStore
from bot.store.postgres_tx import PostgresTx

_TEMPLATE = "simulation"
#: Not in a trace that two stores are to share: SQLite's full disk, and jumps, of which several machines move nothing.
_OF_ONE_STORE = frozenset({"disk", "jump"})
_NUMBERED = ("inbox", "turns", "messages", "outbox", "case_events", "due", "audit", "publications")
_SET = "setval('{0}_id_seq', greatest(1, (SELECT max(id) FROM {0})), EXISTS (SELECT 1 FROM {0}))"
_RENUMBER = f"SELECT {', '.join(_SET.format(table) for table in _NUMBERED)}"
#: What is the same on both stores after every step.
_TRACE = (
    "SELECT channel, provider_id, kind, state, attempts, contact_id FROM inbox ORDER BY channel, provider_id",
    "SELECT id, status, tier, turns, version, ended_at, silence_at FROM sessions ORDER BY id",
    "SELECT id, code, tier, kinds, cause, desk, state, holder, token, opened_at, closed_at FROM cases ORDER BY id",
    "SELECT case_id, kind, actor, at FROM case_events ORDER BY id",
    "SELECT key, contact_id, kind, urgent, state, attempts, due_at, error FROM outbox ORDER BY id",
    "SELECT contact_id, author, staff_id, at FROM messages ORDER BY id",
    "SELECT kind, subject, step, state, due_at FROM due ORDER BY kind, subject, step",
    "SELECT id, opted_out_at, erase_due_at, erased_at, left_at FROM contacts ORDER BY id",
    "SELECT seq, actor, action, target, target_id FROM audit ORDER BY seq",
    "SELECT version, action FROM publications ORDER BY id",
)


class _AloneTx(PostgresTx):
    """A transaction of the only process."""

    __slots__ = ()
    is_shared = False


class _AloneStore(PostgresStore):
    """A store whose process can die: from then on nothing of it reaches the server."""

    transaction = _AloneTx
    _is_dead = False

    def die(self) -> None:
        """Let the server throw away what was not committed."""
        self._is_dead = True
        self._driver.close()

    def _commit_group(self, group: list[Job]) -> None:
        if not self._is_dead:
            self._driver.execute(_RENUMBER.encode())
        super()._commit_group(group)

    def _reconnect(self, until: float) -> bool:
        return not self._is_dead and super()._reconnect(until)


class _Eye:
    """Looks from outside, as sqlite3's connection does."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._looks = itertools.count()

    def execute(self, sql: str, values: Any = ()) -> Any:
        """Run one of our texts."""
        if sql == "PRAGMA data_version":
            return self._connection.execute(f"SELECT {next(self._looks)}".encode())
        return self._connection.execute(formatted(sql).encode(), values)

    def close(self) -> None:
        """Let go."""
        self._connection.close()


class PostgresHouse(House):
    """The installation on a server that `cluster` names."""

    cluster: ClassVar[Cluster]
    _numbers = itertools.count(1)

    @classmethod
    def stand_on(cls, cluster: Cluster) -> None:
        """Make the finished installation, of which every seed gets a copy."""
        cls.cluster = cluster
        store = PostgresStore(cluster.create(_TEMPLATE), threaded=False)
        migrate.upgrade(store.connection)
        settle_in(store)
        store.close()

    def _begin_disk(self) -> None:
        self._name = f"seed{next(self._numbers)}"
        self._url = self.cluster.create(self._name, template=_TEMPLATE)

    def _open_store(self) -> Store:
        return _AloneStore(self._url, threaded=False)

    def _open_eye(self) -> Any:
        return _Eye(self._url)

    def _keep_disk(self) -> None:
        self.crashes += 1
        assert isinstance(self.store, _AloneStore)
        self.store.die()
        self.on_crash()

    def _take_disk(self) -> None:
        pass

    def shut(self) -> None:
        """End it, and drop its database."""
        super().shut()
        self.cluster.drop(self._name)


def steps_of(seed: int) -> list[Step]:
    """Give the steps of a seed that mean the same on both stores."""
    return [step for step in plan(seed) if step.name not in _OF_ONE_STORE]


def trace_of(seed: int, steps: Sequence[Step], make_house: type[House] = House) -> list[Any]:
    """Run the steps on a store; give what its rows and the providers' ledger said after each, and what was broken."""
    gc.disable()  # what a dead process left is not to be found, and ended, at a moment of its own
    try:
        with scratch() as directory:
            return _traced(World(template(), Path(directory) / str(seed), seed, make_house), steps)
    finally:
        gc.enable()
        gc.collect()


def _traced(world: World, steps: Sequence[Step]) -> list[Any]:
    watcher, found = Watcher(world), []
    try:
        for step in steps:
            STEPS[step.name](world, step)
            rows = [[tuple(row) for row in world.house.rows(sql)] for sql in _TRACE]
            found.append((str(step), rows, watcher.look()))
        found.append(("end", [], watcher.finish()))
    finally:
        world.shut()
    return found
