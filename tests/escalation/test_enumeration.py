"""Whether a name exists is told neither by the answer nor by the time (T26)."""

import statistics
import time

import pytest
from argon2 import PasswordHasher

from bot.store import schema
from escalation import repo_staff
from escalation.accounts import Accounts, LoginRefusedError
from escalation.passwords import Hashing
from escalation.signin import SignInRules

ROUNDS = 60


@pytest.fixture
async def known(house):
    """Give accounts with hashes that cost some milliseconds, as the true ones cost hundreds."""
    hashing = Hashing(PasswordHasher(time_cost=2, memory_cost=4096, parallelism=1))
    accounts = Accounts(
        house.store, house.clock, house.ids, keyring=house.keyring, hashing=hashing, rules=SignInRules()
    )
    hashed = await hashing.hash("گل‌های باغ ۱۴۰۵")
    for name in ("mina", "gone"):
        house.staff(name)
        house.store.write_now(lambda tx, name=name: repo_staff.change_staff(tx, name, password_hash=hashed) and None)
    house.store.write_now(lambda tx: repo_staff.change_staff(tx, "gone", disabled_at=1, password_hash="") and None)
    yield accounts
    hashing.close()


async def test_a_known_an_unknown_and_a_closed_name_take_the_same_time(known, house):
    names = {"known": "mina", "unknown": "nobody", "closed": "gone"}
    took = {kind: [] for kind in names}
    for number in range(ROUNDS):
        house.advance(301)  # no limit stands in between
        for kind in sorted(names, key=lambda kind: hash((number, kind))):
            begun = time.perf_counter()
            with pytest.raises(LoginRefusedError):
                await known.login(username=names[kind], password="نادرست نادرست", address=f"{kind}{number}")
            took[kind].append(time.perf_counter() - begun)
    middle = {kind: statistics.median(times) for kind, times in took.items()}

    # a hash that was left out would make a name twenty times faster; a busy machine makes one a little slower
    assert max(middle.values()) < 1.5 * min(middle.values()), middle
    refused = [row for row in house.rows(schema.audit) if row["action"] == "sign_in_refused"]
    assert 3 * ROUNDS == len(refused)


async def test_the_first_unknown_name_after_a_start_costs_no_second_hash(house):
    class Counting:
        count = 0

        def hash(self, password):
            self.count += 1
            return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)

        def verify(self, hashed, password):
            return PasswordHasher().verify(hashed, password)

    hasher = Counting()
    hashing = Hashing(hasher)
    assert not await hashing.matches(hasher.hash("x" * 12), "wrong")
    before = hasher.count
    assert not await hashing.matches("", "wrong")
    hashing.close()

    assert before == hasher.count
