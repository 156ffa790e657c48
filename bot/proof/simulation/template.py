"""What every simulated installation begins with, made once a process: tables, people, two versions of the scripts.

Compiling scripts and lexicon costs half a second; a seed gets a copy of the finished database file.
"""

import json
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from sqlalchemy import Engine, insert

from bot import publishing
from bot.bus import InProcessBus
from bot.content import PACKAGE_FLOWS, load_or_refuse, load_screener
from bot.core.clock import Clock
from bot.engine.model import Bundle
from bot.publishing import Act
from bot.store import schema
from bot.store.crypto import Keyring, ephemeral_keyring
from bot.store.database import Store
from bot.turn import Screener
from bot.versions import VersionCache, load_version
from escalation.policy import Actor
from escalation.watch_model import Policy
from escalation.watch_policy import load_policy

#: Eleven and a half in the morning in Tehran, a Sunday.
START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

STAFF: tuple[Actor, ...] = (
    Actor(staff_id="mina", name="mina", roles=frozenset({"counsellor"})),
    Actor(staff_id="sara", name="sara", roles=frozenset({"counsellor"})),
    Actor(staff_id="boss", name="boss", roles=frozenset({"supervisor", "counsellor"})),
)
#: Where the staff bot reaches each of them.
CHATS: dict[str, str] = {"mina": "71", "sara": "72", "boss": "73"}
_AUTHOR, _REVIEWER = "author", "reviewer"


@dataclass(frozen=True, slots=True)
class Template:
    """The finished file, and what is shared by all seeds of a process."""

    database: bytes
    versions: tuple[str, str]
    bundles: dict[str, Bundle]
    screener: Screener
    keyring: Keyring
    policy: Policy  #: whom the alert process calls
    engines: list[Engine] = field(default_factory=list)  #: whose compiled statements all others use

    def share_statements(self, store: Store) -> None:
        """Let the engines of a store use what SQLAlchemy compiled for the first one: a start is no reason to compile."""
        for engine in (store._engine, store._reader):  # noqa: SLF001 - only the proof starts a store so often
            if not self.engines:
                self.engines.append(engine)
            engine.dialect, engine._compiled_cache = self.engines[0].dialect, self.engines[0]._compiled_cache  # noqa: SLF001
        store.connection.dialect = self.engines[0].dialect  # it was opened before, and a statement is kept by dialect


class SharedVersions(VersionCache):
    """The real cache, but a version that this process has read before is not parsed again: it cannot change."""

    def __init__(self, store: Store, clock: Clock, shared: dict[str, Bundle]) -> None:
        super().__init__(store, clock)
        self._shared = shared

    def get(self, version: str) -> Bundle:
        """Give a version."""
        found = self._shared.get(version)
        return found if found is not None else self._shared.setdefault(version, super().get(version))


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a directory in memory where there is one: the simulated kill loses no page cache."""
    memory = Path("/dev/shm")  # noqa: S108 - a private directory is made in it
    with tempfile.TemporaryDirectory(prefix="panah-sim-", dir=memory if memory.is_dir() else None) as made:
        yield Path(made)


@cache
def template() -> Template:
    """Make the template (once a process)."""
    keyring = ephemeral_keyring(random.Random(1).randbytes)  # noqa: S311 - repeatable on purpose
    with scratch() as directory:
        path = directory / "panah.db"
        store = Store(path, threaded=False)
        store.connection.exec_driver_sql("BEGIN")
        schema.metadata.create_all(store.connection)
        store.connection.exec_driver_sql("COMMIT")
        versions = settle_in(store)
        bundles = {name: store.read_now(lambda db, name=name: load_version(db, name)) for name in versions}  # type: ignore[misc]
        store.close()
        return Template(path.read_bytes(), versions, bundles, load_screener(), keyring, load_policy())


def settle_in(store: Store) -> tuple[str, str]:
    """Put people and two versions into empty tables; give the versions."""
    first = load_or_refuse(PACKAGE_FLOWS)
    second = replace(first, flows={name: replace(flow, title=f"{flow.title} ۲") for name, flow in first.flows.items()})
    _hire(store)
    return _publish(store, first, 1), _publish(store, second, 2)


def _hire(store: Store) -> None:
    now_ms = int(START.timestamp() * 1000)
    rows = [
        {
            "id": actor.staff_id, "username": actor.staff_id, "name": actor.name, "province": actor.province,
            "roles": json.dumps(sorted(actor.roles)), "created_at": now_ms, "staffbot_chat": CHATS[actor.staff_id],
        }
        for actor in STAFF
    ]  # fmt: skip
    store.write_now(lambda tx: tx.execute(insert(schema.staff), rows) and None)


def _publish(store: Store, bundle: Bundle, number: int) -> str:
    at_ms = int(START.timestamp() * 1000) - 10_000 + number * 1000
    request = f"request-{number}"
    store.write_now(lambda tx: publishing.propose(tx, request, {}, bundle, Act(by=_AUTHOR, now_ms=at_ms)))
    by_other = Act(by=_REVIEWER, now_ms=at_ms + 1)
    return store.write_now(lambda tx: publishing.publish(tx, request, by_other, bus=InProcessBus()))
