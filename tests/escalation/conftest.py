"""A real database with desks, people and contacts in it; every act goes through the Store as in production."""

import json
import random
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Connection, insert, select, update
from stores import STORES

from bot.bus import InProcessBus
from bot.core.clock import VirtualClock
from bot.core.events import EscalationRequested
from bot.core.ids import seeded_ids
from bot.statements import STATEMENTS
from bot.store import schema
from bot.store.crypto import DataKey, ephemeral_keyring
from bot.store.database import Store, Tx
from bot.store.vault import contact_key, seal, unseal
from bot.store.walls import Sight, wall
from escalation import relay
from escalation.accounts import Accounts
from escalation.intake import Intake, OpenCase, take_in
from escalation.office import Office
from escalation.passwords import Hashing
from escalation.policy import Actor, sight_of
from escalation.signin import SignInRules

START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


class House:
    """One installation, with a clock that moves only when told to."""

    def __init__(self, store: Store, path: Path | None = None) -> None:
        if not store.is_shared:
            store.connection.exec_driver_sql("BEGIN")  # one commit for all tables: each costs a sync to disk
            schema.metadata.create_all(store.connection)
            store.connection.exec_driver_sql("COMMIT")
        self.store = store
        self.path = path
        self.clock = VirtualClock(START)
        self.ids = seeded_ids(7)
        self.keyring = ephemeral_keyring(random.Random(3).randbytes)
        self.bus = InProcessBus()
        self.office = Office(keyring=self.keyring, bus=self.bus, new_id=self.ids)

    @property
    def now(self) -> int:
        return int(self.clock.now().timestamp() * 1000)

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def do(self, act: Any, **arguments: Any) -> Any:
        """Run one act in one write transaction, behind the wall of who acts, as in production."""

        def work(tx: Tx) -> Any:
            actor = arguments.get("actor")
            with wall(tx.connection, sight_of(actor, self.now)) if actor else nullcontext():
                return act(tx, self.office, now_ms=self.now, **arguments)

        return self.store.write_now(work)

    def says(self, actor: Actor, case_id: str, token: int) -> None:
        """Let the holder write a word to her."""
        self.do(
            relay.write_message, actor=actor, case_id=case_id, token=token, text="من هستم",
            command_id=f"command-{self.ids()}",
        )  # fmt: skip

    def see(self, query: Any, sight: Sight | None = None, **arguments: Any) -> Any:
        """Run one reading function, behind the wall of who reads."""

        def work(connection: Connection) -> Any:
            actor = arguments.get("actor")
            mine = sight or (sight_of(actor, self.now) if actor else None)
            with wall(connection, mine) if mine else nullcontext():
                return query(connection, now_ms=self.now, **arguments)

        return self.store.read_now(work)

    def rows(self, table: Any, **where: Any) -> list[dict[str, Any]]:
        query = select(table).order_by(*table.primary_key.columns)
        for name, value in where.items():
            query = query.where(table.c[name] == value)
        return self.store.read_now(lambda connection: [dict(row) for row in connection.execute(query).mappings()])

    def put(self, table: Any, **columns: Any) -> None:
        self.store.write_now(lambda tx: tx.execute(insert(table).values(**columns)) and None)

    def change(self, table: Any, key: str, **columns: Any) -> None:
        self.store.write_now(lambda tx: tx.execute(update(table).where(table.c.id == key).values(**columns)) and None)

    def key(self, contact_id: str) -> DataKey:
        found = self.store.read_now(lambda connection: contact_key(connection, self.keyring, contact_id))
        assert found is not None
        return found

    def staff(self, name: str, *roles: str, province: str = "") -> Actor:
        actor = Actor(staff_id=name, name=name, roles=frozenset(roles or ("counsellor",)), province=province)
        columns = {"username": name, "name": name, "roles": json.dumps(sorted(actor.roles)), "province": province}
        self.put(schema.staff, id=name, created_at=self.now, **columns)
        return actor

    def contact(self, name: str, channel: str = "telegram") -> str:
        """Add a contact with an address and a session in which she wrote just now."""
        wrapped, _key = self.keyring.new_data_key()
        self.put(schema.contacts, id=name, wrapped_key=wrapped, key_id="k", created_at=self.now, seen_at=self.now)
        self.put(
            schema.addresses, id=f"{name}.a", contact_id=name, channel=channel, address_index=name,
            created_at=self.now,
        )  # fmt: skip
        self.put(
            schema.sessions, id=f"{name}.s", contact_id=name, address_id=f"{name}.a", version="v", status="waiting",
            started_at=self.now, updated_at=self.now,
        )  # fmt: skip
        self.writes(name, "سلام")
        return name

    def writes(self, contact_id: str, text: str) -> None:
        """Let the contact write."""
        body = seal(self.key(contact_id), "messages.body", {"text": text})
        self.put(
            schema.messages, contact_id=contact_id, session_id=f"{contact_id}.s", author="contact", sealed_body=body,
            at=self.now,
        )  # fmt: skip

    def open_case(self, contact_id: str) -> OpenCase | None:
        row = next((one for one in self.rows(schema.cases, contact_id=contact_id) if one["state"] != "closed"), None)
        if row is None:
            return None
        summary = unseal(self.key(contact_id), "cases.summary", row["sealed_summary"])
        same = {name: row[name] for name in ("id", "code", "tier", "state", "province", "desk")}
        flags = {name: bool(row[name]) for name in ("child", "covert", "do_not_contact")}
        return OpenCase(
            **same, **flags, kinds=tuple(json.loads(row["kinds"])), why=tuple(summary["why"]), note=summary["note"]
        )

    def escalate(self, contact_id: str, tier: Any = "T1", **fields: Any) -> str:
        """Write what a turn writes when a person is needed; give the case's id."""
        event = EscalationRequested(tier=tier, cause=fields.pop("cause", "step"), **fields)
        intake = take_in(
            event, open_case=self.open_case(contact_id), new_id=self.ids(), contact_id=contact_id,
            session_id=f"{contact_id}.s", channel="telegram", language="fa", now_ms=self.now,
        )  # fmt: skip
        self.store.write_now(lambda tx: self._commit(tx, contact_id, intake))
        return str(intake.case["id"])

    def _commit(self, tx: Any, contact_id: str, intake: Intake) -> None:
        sealed = seal(self.key_in(tx, contact_id), "cases.summary", intake.summary)
        if intake.changed:
            row = {**intake.case, "sealed_summary": sealed}
            STATEMENTS["case_open" if intake.opened else "case_raise"].write(tx, [row])
        if intake.woken:
            STATEMENTS["case_wake"].write(tx, [{"id": intake.case["id"], "now": self.now}])
        STATEMENTS["case_event_new"].write(tx, intake.events)

    def key_in(self, tx: Any, contact_id: str) -> DataKey:
        found = contact_key(tx.connection, self.keyring, contact_id)
        assert found is not None
        return found

    def case(self, case_id: str) -> dict[str, Any]:
        return self.rows(schema.cases, id=case_id)[0]

    def kinds_of(self, case_id: str) -> list[str]:
        """Give the kinds of the case's history."""
        return [row["kind"] for row in self.rows(schema.case_events, case_id=case_id)]

    def told(self, contact_id: str) -> list[str]:
        """Give what the flow was told through the inbox."""
        return [row["kind"] for row in self.rows(schema.inbox, contact_id=contact_id)]


@pytest.fixture
def house(tmp_path):
    store = STORES.open(tmp_path / "panah.db", tables=False)
    yield House(store, tmp_path / "panah.db")
    store.close()


@pytest.fixture
def make_house():
    """Give a maker of houses in memory, for models that need many."""
    return lambda: House(STORES.open(None, threaded=False, tables=False))


@pytest.fixture
def hashing():
    pool = Hashing(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    yield pool
    pool.close()


@pytest.fixture
def accounts(house, hashing):
    return Accounts(
        house.store,
        house.clock,
        house.ids,
        keyring=house.keyring,
        hashing=hashing,
        rules=SignInRules(),
        random_bytes=random.Random(5).randbytes,
    )


@pytest.fixture
def mina(house):
    return house.staff("mina")


@pytest.fixture
def case_id(house):
    """Give the urgent case of contact p."""
    return house.escalate(house.contact("p"), "T1", kinds=("suicide",), why=("چون نوشت",))
