"""A browser that was signed in before has a lane of its own at the door; it opens nothing, and it ends."""

import asyncio
import random
import threading

import pyotp
import pytest
from argon2 import PasswordHasher

from bot.store import schema
from escalation import repo_staff
from escalation.accounts import LoginRefusedError
from escalation.devices import KNOWN_DAYS
from escalation.passwords import (
    TRIES_IN_ALL,
    TRIES_PER_ACCOUNT,
    TRIES_PER_CODE,
    WINDOW_S,
    Hashing,
    TooManyTriesError,
    new_token,
)
from escalation.policy import SYSTEM
from escalation.repo_devices import DEVICES_MOST

GOOD = "گل‌های باغ ۱۴۰۵"
WRONG = "نادرست نادرست"


@pytest.fixture
async def people(house, accounts, hashing):
    """Give accounts of Mina and Leila."""
    hashed = await hashing.hash(GOOD)
    for name in ("mina", "leila"):
        house.staff(name)
        house.store.write_now(lambda tx, name=name: repo_staff.change_staff(tx, name, password_hash=hashed) and None)
    return accounts


async def sign_in(people, name="mina", password=GOOD, device=""):
    return await people.login(username=name, password=password, address="1.1.1.1", device=device)


async def guess(people, name="mina"):
    """Let strangers guess until the door is closed."""
    for number in range(TRIES_IN_ALL):
        guessed = name if number < TRIES_PER_ACCOUNT else f"n{number}"
        with pytest.raises((LoginRefusedError, TooManyTriesError)):
            await people.login(username=guessed, password="x", address=f"9.9.9.{number}")
    with pytest.raises(TooManyTriesError):
        await sign_in(people, name)


async def test_strangers_who_guess_keep_no_known_device_out(people, house):
    device = (await sign_in(people)).device
    await guess(people)
    again = await sign_in(people, device=device)

    assert device == again.device
    assert await people.resume(again.token)
    assert device not in str(house.rows(schema.staff_devices))


async def test_a_device_is_no_way_in_for_another_account_or_for_nobody(people, house):
    device = (await sign_in(people)).device
    await guess(people, "leila")
    made_up = new_token(random.Random(8).randbytes, 32)
    for name, brought in (("leila", device), ("mina", made_up), ("mina", device[:-1]), ("nobody", device)):
        with pytest.raises(TooManyTriesError):
            await sign_in(people, name, device=brought)


async def test_a_device_opens_nothing_without_the_password_and_has_a_limit_of_its_own(people, house):
    device = (await sign_in(people)).device
    for _ in range(TRIES_PER_ACCOUNT):
        with pytest.raises(LoginRefusedError):
            await sign_in(people, password=WRONG, device=device)
    with pytest.raises(TooManyTriesError):
        await sign_in(people, device=device)
    house.advance(WINDOW_S)

    assert await sign_in(people, device=device)


async def test_a_right_password_forgives_the_lane(people):
    device = (await sign_in(people)).device
    for _ in range(3):
        for _ in range(TRIES_PER_ACCOUNT - 1):
            with pytest.raises(LoginRefusedError):
                await sign_in(people, password=WRONG, device=device)
        await sign_in(people, device=device)


async def test_on_a_shared_computer_each_colleague_keeps_her_lane(people, house):
    device = (await sign_in(people)).device
    assert device == (await sign_in(people, "leila", device=device)).device
    await guess(people)

    for name in ("mina", "leila", "mina"):
        assert device == (await sign_in(people, name, device=device)).device
    assert 2 == len(house.rows(schema.staff_devices))


async def test_a_cookie_that_nobody_gave_is_replaced(people):
    made_up = new_token(random.Random(8).randbytes, 32)

    assert made_up != (await sign_in(people, device=made_up)).device


@pytest.mark.parametrize("end", ["password", "link", "closed", "age"])
async def test_a_lane_ends_with_password_account_and_age(people, house, end):
    there, here = (await sign_in(people)).device, await sign_in(people)
    actor, password = here.signed_in.actor, GOOD
    if end == "password":
        password = GOOD + "!"
        await people.set_password(actor=actor, old=GOOD, new=password, device=here.device)
    elif end == "link":
        await people.renew_invite(actor=SYSTEM, staff_id=actor.staff_id)
    elif end == "closed":
        await people.disable(actor=SYSTEM, staff_id=actor.staff_id, office=house.office)
    else:
        house.advance(KNOWN_DAYS * 86_400)
    await guess(people)
    with pytest.raises(TooManyTriesError):
        await sign_in(people, password=password, device=there)

    if end == "password":  # where she changed it, she is known
        assert await sign_in(people, password=password, device=here.device)


async def test_only_the_last_eight_browsers_are_known(people, house):
    devices = []
    for _ in range(DEVICES_MOST + 2):
        house.advance(1)
        devices.append((await sign_in(people)).device)
    assert DEVICES_MOST == len(house.rows(schema.staff_devices))
    await guess(people)

    for device in devices[:2]:
        with pytest.raises(TooManyTriesError):
            await sign_in(people, device=device)
    assert await sign_in(people, device=devices[2])


async def test_a_browser_is_known_only_after_the_second_code_and_keeps_its_tries_of_codes(people, house):
    first = await sign_in(people)
    secret = (await people.propose_factor(actor=first.signed_in.actor, issuer="x")).secret
    phone = pyotp.TOTP(secret)

    def code():
        house.advance(30)
        return phone.at(int(house.clock.now().timestamp()))

    await people.confirm_factor(actor=first.signed_in.actor, code=code(), token=first.token)
    thief = await sign_in(people)  # he knows the password
    assert ("code", "") == (thief.signed_in.stage, thief.device)
    for _ in range(TRIES_PER_CODE):
        waiting = await sign_in(people)
        with pytest.raises((LoginRefusedError, Exception)) as refused:
            await people.login_code(token=waiting.token, code="000000")
        assert "WrongCodeError" == refused.typename
    with pytest.raises(TooManyTriesError):
        await people.login_code(token=thief.token, code="000000")

    mine = await sign_in(people, device=first.device)
    assert "code" == mine.signed_in.stage
    opened = await people.login_code(token=mine.token, code=code(), device=first.device)
    assert ("full", first.device) == (opened.signed_in.stage, opened.device)


class Gated:
    """A hasher that waits until it is let, and remembers in which order it was asked."""

    def __init__(self):
        self._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        self.begun, self.go, self.order = threading.Event(), threading.Event(), []

    def hash(self, password):
        return self._hasher.hash(password)

    def verify(self, hashed, password):
        self.order.append(password.decode())
        self.begun.set()
        assert self.go.wait(30)
        return False


async def test_who_is_known_does_not_wait_behind_those_who_guess():
    hasher = Gated()
    hashing = Hashing(hasher)
    first = asyncio.ensure_future(hashing.matches("x", "stranger 0", known=False))
    await asyncio.to_thread(hasher.begun.wait, 30)
    strangers = [asyncio.ensure_future(hashing.matches("x", f"stranger {n}", known=False)) for n in (1, 2, 3)]
    await asyncio.sleep(0)
    hers = asyncio.ensure_future(hashing.matches("x", "mina", known=True))
    await asyncio.sleep(0)
    strangers[1].cancel()  # he closed his browser: nothing is hashed for him
    await asyncio.sleep(0)
    hasher.go.set()
    await asyncio.gather(first, hers, strangers[0], strangers[2])
    hashing.close()

    assert ["stranger 0", "mina", "stranger 1", "stranger 3"] == hasher.order


async def test_a_stop_does_not_wait_for_a_queue_of_guesses():
    hasher = Gated()
    hashing = Hashing(hasher)
    guesses = [asyncio.ensure_future(hashing.matches("x", f"{n}", known=False)) for n in range(50)]
    await asyncio.to_thread(hasher.begun.wait, 30)
    hasher.go.set()
    await asyncio.to_thread(hashing.close)
    ended = await asyncio.gather(*guesses, return_exceptions=True)

    assert all(one is False or isinstance(one, asyncio.CancelledError) for one in ended)
