"""Whether a name exists is told neither by the answer nor by the time (T26).

Time is measured as the work that is done: hashes with their price, and statements to the database. A clock would
measure the machine instead.
"""

from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from argon2 import PasswordHasher, extract_parameters
from sqlalchemy import Engine, event

from bot.store import schema
from escalation import repo_staff
from escalation.accounts import Accounts, LoginRefusedError
from escalation.passwords import TRIES_IN_ALL, TRIES_PER_ACCOUNT, Hashing, TooManyTriesError
from escalation.signin import SignInRules

GOOD = "گل‌های باغ ۱۴۰۵"
NAMES = {"known": "mina", "unknown": "nobody", "closed": "gone", "invited": "new", "strange": "\ud800", "empty": ""}


@dataclass
class Work:
    """What was done."""

    hashes: list[object] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)


class Counting:
    """The hasher, and what each of its calls costs: the parameters are the price."""

    def __init__(self):
        self._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        self.called = []

    def hash(self, password):
        self.called.append("hash")
        return self._hasher.hash(password)

    def verify(self, hashed, password):
        self.called.append(extract_parameters(hashed))
        return self._hasher.verify(hashed, password)


@pytest.fixture
def hasher():
    return Counting()


@pytest.fixture
async def door(house, hasher):
    """Give accounts: one in use, one closed, one invited that has no password yet."""
    hashing = Hashing(hasher)
    accounts = Accounts(
        house.store, house.clock, house.ids, keyring=house.keyring, hashing=hashing, rules=SignInRules()
    )
    hashed = await hashing.hash(GOOD)
    for name in ("mina", "gone", "new"):
        house.staff(name)
        house.store.write_now(lambda tx, name=name: repo_staff.change_staff(tx, name, password_hash=hashed) and None)
    house.store.write_now(lambda tx: repo_staff.change_staff(tx, "gone", disabled_at=1, password_hash="") and None)
    house.store.write_now(lambda tx: repo_staff.change_staff(tx, "new", password_hash="") and None)
    yield accounts
    hashing.close()


@contextmanager
def watched(hasher):
    """Note what is done meanwhile."""
    work, before = Work(), len(hasher.called)

    def note(connection, cursor, statement, *rest):
        work.statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield work
    finally:
        event.remove(Engine, "before_cursor_execute", note)
        work.hashes = hasher.called[before:]


async def work_of(door, house, hasher, name, error=LoginRefusedError, **browser):
    """Give the work that a wrong password for this name makes."""
    with watched(hasher) as work, pytest.raises(error):
        await door.login(username=name, password="نادرست نادرست", **{"address": "1.1.1.1", **browser})
    return work


async def test_every_name_costs_the_same_hash_and_the_same_statements(door, house, hasher):
    await work_of(door, house, hasher, "first")  # the decoy is made once
    done = {kind: await work_of(door, house, hasher, name) for kind, name in NAMES.items()}
    known = done["known"]

    assert 1 == len(known.hashes)
    assert known.hashes[0] == extract_parameters(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("x"))
    assert any("FROM staff" in statement for statement in known.statements)
    assert dict.fromkeys(NAMES, known) == done
    refused = [row for row in house.rows(schema.audit) if row["action"] == "sign_in_refused"]
    assert len(NAMES) + 1 == len(refused)


async def test_a_made_up_device_costs_the_same_for_every_name(door, house, hasher):
    await work_of(door, house, hasher, "first")
    done = {kind: await work_of(door, house, hasher, name, device="a" * 52) for kind, name in NAMES.items()}

    assert 1 == len(done["known"].hashes)
    assert dict.fromkeys(NAMES, done["known"]) == done


async def test_a_device_of_another_account_costs_the_same_for_every_name(door, house, hasher):
    house.staff("leila")
    hashed = house.rows(schema.staff, id="mina")[0]["password_hash"]
    house.store.write_now(lambda tx: repo_staff.change_staff(tx, "leila", password_hash=hashed) and None)
    hers = await door.login(username="leila", password=GOOD, address="2.2.2.2")
    await work_of(door, house, hasher, "first")
    done = {kind: await work_of(door, house, hasher, name, device=hers.device) for kind, name in NAMES.items()}

    assert 1 == len(done["known"].hashes)
    assert dict.fromkeys(NAMES, done["known"]) == done


async def test_a_closed_door_does_nothing_at_all_for_any_name(door, house, hasher):
    for number in range(TRIES_IN_ALL):
        with pytest.raises(LoginRefusedError):
            await door.login(username=f"n{number}", password="x", address=f"9.9.9.{number}")
    done = {kind: await work_of(door, house, hasher, name, TooManyTriesError) for kind, name in NAMES.items()}

    assert dict.fromkeys(NAMES, Work()) == done


@pytest.mark.parametrize("name", NAMES.values())
async def test_an_accounts_limit_is_the_same_whether_it_exists_or_not(door, house, hasher, name):
    for number in range(TRIES_PER_ACCOUNT):
        await work_of(door, house, hasher, name, address=f"9.9.9.{number}")
    stopped = await work_of(door, house, hasher, name, TooManyTriesError, address="8.8.8.8")

    assert Work() == stopped


async def test_the_first_unknown_name_after_a_start_costs_no_second_hash(hasher):
    hashing = Hashing(hasher)
    assert not await hashing.matches(hasher.hash("x" * 12), "wrong", known=False)
    before = hasher.called.count("hash")
    assert not await hashing.matches("", "wrong", known=False)
    hashing.close()

    assert before == hasher.called.count("hash")
