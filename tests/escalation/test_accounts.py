"""Accounts: one-time codes, limits before hashing, sessions that end, an end to a disabled person."""

import pytest

from bot.jumps import shift
from bot.live import OwnLive
from bot.store import schema
from escalation import acts
from escalation.accounts import (
    CodeRefusedError,
    LoginRefusedError,
    NameTakenError,
)
from escalation.case import BadInputError
from escalation.passwords import (
    TRIES_IN_ALL,
    TRIES_PER_ACCOUNT,
    TRIES_PER_ADDRESS,
    WINDOW_S,
    Hashing,
    TooManyTriesError,
    Tries,
    WeakPasswordError,
)
from escalation.policy import POLICY, ROLES, SYSTEM, Actor, NotAllowedError, may
from escalation.profiles import Profile
from escalation.staffbot_links import actor_by_chat, link_staffbot, linked_chats, unlink_staffbot

GOOD = "گل‌های باغ ۱۴۰۵"


def profile(username="mina", roles=("counsellor",), province="", name="مینا"):
    return Profile(username=username, name=name, roles=roles, province=province)


async def sign_in(accounts, username="mina", password=GOOD, address="1.1.1.1"):
    return await accounts.login(username=username, password=password, address=address)


async def enrol(accounts, account, password=GOOD):
    """Make an account with a password; give its id."""
    code = await accounts.invite(actor=SYSTEM, profile=account)
    return await accounts.accept_invite(code=code, password=password)


@pytest.fixture
async def mina(accounts):
    await enrol(accounts, profile())
    return (await sign_in(accounts)).signed_in.actor


async def test_signing_in_gives_a_token_that_is_stored_nowhere(accounts, mina, house):
    session = await sign_in(accounts, " MINA ")
    found = await accounts.resume(session.token)

    assert found == session.signed_in
    assert (found.actor.name, found.actor.roles, found.actor.province) == ("مینا", frozenset({"counsellor"}), "")
    stored = str(house.rows(schema.staff_sessions)) + str(house.rows(schema.staff)) + str(house.rows(schema.audit))
    assert session.token not in stored
    assert GOOD not in stored
    assert house.rows(schema.staff)[0]["password_hash"].startswith("$argon2id$")


async def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(accounts, mina):
    for username, password in (("mina", "نادرست نادرست"), ("nobody", GOOD), ("\ud800" * 9, "x" * 5000), ("", "")):
        with pytest.raises(LoginRefusedError):
            await sign_in(accounts, username, password)


async def test_an_account_without_a_password_cannot_be_signed_in_to(accounts):
    await accounts.invite(actor=SYSTEM, profile=profile())
    for password in ("", GOOD):
        with pytest.raises(LoginRefusedError):
            await sign_in(accounts, password=password)


async def test_guessing_stops_before_anything_is_hashed(accounts, mina, house):
    for _ in range(TRIES_PER_ACCOUNT):
        with pytest.raises(LoginRefusedError):
            await sign_in(accounts, password="نادرست نادرست")
    with pytest.raises(TooManyTriesError):
        await sign_in(accounts)
    house.advance(WINDOW_S)

    assert (await sign_in(accounts)).token


async def test_strangers_who_guess_keep_nobody_out_who_is_signed_in(accounts, mina):
    session = await sign_in(accounts)
    await accounts.lock(session.token)
    for number in range(TRIES_IN_ALL):
        with pytest.raises((LoginRefusedError, TooManyTriesError)):
            await sign_in(accounts, "mina" if number < TRIES_PER_ACCOUNT else f"n{number}", "x", f"9.9.9.{number}")
    with pytest.raises(TooManyTriesError):
        await sign_in(accounts)

    again = await accounts.unlock(token=session.token, password=GOOD)
    assert (await accounts.check_again(actor=again.signed_in.actor, password=GOOD))["id"] == mina.staff_id


async def test_who_guesses_at_a_locked_sign_in_is_stopped_too(accounts, mina, house):
    token = (await sign_in(accounts)).token
    await accounts.lock(token)
    for _ in range(TRIES_PER_ACCOUNT):
        with pytest.raises(LoginRefusedError):
            await accounts.unlock(token=token, password="نادرست نادرست")
    with pytest.raises(TooManyTriesError):
        await accounts.unlock(token=token, password=GOOD)
    house.advance(WINDOW_S)

    assert (await accounts.unlock(token=token, password=GOOD)).token


async def test_tries_are_limited_by_account_address_and_in_all():
    tries = Tries(OwnLive(lambda: 0.0))
    for _ in range(TRIES_PER_ACCOUNT - 1):
        await tries.count(username="a", address="x")
    await tries.forgive(username="a")
    for number in range(TRIES_PER_ADDRESS - TRIES_PER_ACCOUNT + 1):
        await tries.count(username=f"b{number}", address="x")
    with pytest.raises(TooManyTriesError):
        await tries.count(username="new", address="x")
    for number in range(TRIES_IN_ALL - TRIES_PER_ADDRESS):
        await tries.count(username=f"c{number}", address=f"y{number}")
    with pytest.raises(TooManyTriesError):
        await tries.count(username="newer", address="z")


async def test_a_sign_in_ends_after_fifteen_idle_minutes(accounts, mina, house):
    session = await sign_in(accounts)
    for _ in range(3):
        house.advance(14 * 60)
        assert await accounts.resume(session.token)
    house.advance(14 * 60)
    assert await accounts.peek(session.token)
    house.advance(60)

    assert await accounts.peek(session.token) is None
    assert await accounts.resume(session.token) is None


async def test_a_sign_in_that_was_used_as_the_clock_jumped_is_not_taken_for_an_idle_one(
    accounts, mina, house, monkeypatch
):
    async def jumping(job):
        house.advance(24 * 3600)
        await write(lambda tx: shift(tx, by_ms=24 * 3_600_000, now_ms=house.now))
        return await write(job)

    session, write = await sign_in(accounts), house.store.write
    house.advance(60)
    with monkeypatch.context() as patch:
        patch.setattr(house.store, "write", jumping)
        assert await accounts.resume(session.token)
    assert await accounts.resume(session.token)


async def test_a_sign_in_ends_after_eight_hours_whatever_one_does(accounts, mina, house):
    session = await sign_in(accounts)
    for _ in range(47):
        house.advance(600)
        assert await accounts.resume(session.token)
    house.advance(600)

    assert await accounts.resume(session.token) is None


async def test_signing_out_ends_this_sign_in_and_no_other(accounts, mina):
    first, second = await sign_in(accounts), await sign_in(accounts)
    await accounts.logout(first.token)
    await accounts.logout("nonsense")

    assert await accounts.resume(first.token) is None
    assert await accounts.resume(second.token)


async def test_a_new_password_ends_every_sign_in(accounts, mina):
    session = await sign_in(accounts)
    with pytest.raises(LoginRefusedError):
        await accounts.set_password(actor=mina, old="نادرست نادرست", new=GOOD + "!")
    with pytest.raises(WeakPasswordError):
        await accounts.set_password(actor=mina, old=GOOD, new="کوتاه")
    await accounts.set_password(actor=mina, old=GOOD, new=GOOD + "!")

    assert await accounts.resume(session.token) is None
    assert await sign_in(accounts, password=GOOD + "!")


async def test_the_first_admin_comes_by_a_code_that_works_once_and_soon(accounts, house):
    code = await accounts.first_admin_code()
    late = {"username": "root", "name": "مدیر", "password": GOOD, "answers": False}
    house.advance(15 * 60)
    with pytest.raises(CodeRefusedError):
        await accounts.accept_first_admin(code=code, **late)
    old, code = await accounts.first_admin_code(), await accounts.first_admin_code()
    with pytest.raises(CodeRefusedError):
        await accounts.accept_first_admin(code=old, **late)
    await accounts.accept_first_admin(code=f" {code.upper()} ", **late)
    with pytest.raises(CodeRefusedError):
        await accounts.accept_first_admin(code=code, **late)

    assert await accounts.first_admin_code() is None
    assert (await sign_in(accounts, "root")).signed_in.actor.roles == frozenset({"admin"})
    assert code not in str(house.rows(schema.staff_codes))


async def test_an_invitation_sets_a_password_once(accounts, house):
    code = await accounts.invite(actor=SYSTEM, profile=profile(province="IR-23"))
    with pytest.raises(WeakPasswordError):
        await accounts.accept_invite(code=code, password="short")
    staff_id = await accounts.accept_invite(code=code, password=GOOD)
    with pytest.raises(CodeRefusedError):
        await accounts.accept_invite(code=code, password=GOOD)
    with pytest.raises(CodeRefusedError):
        await accounts.accept_invite(code="guess", password=GOOD)

    actor = (await sign_in(accounts)).signed_in.actor
    assert (actor.staff_id, actor.province) == (staff_id, "IR-23")


async def test_a_forgotten_password_is_set_anew_with_a_fresh_code(accounts, mina):
    session = await sign_in(accounts)
    code = await accounts.renew_invite(actor=SYSTEM, staff_id=mina.staff_id)
    with pytest.raises(BadInputError):
        await accounts.renew_invite(actor=SYSTEM, staff_id="nobody")
    with pytest.raises(NotAllowedError):
        await accounts.renew_invite(actor=mina, staff_id=mina.staff_id)
    assert await accounts.resume(session.token) is None
    await accounts.accept_invite(code=code, password=GOOD + "?")

    assert await sign_in(accounts, password=GOOD + "?")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"username": "Mina"}, BadInputError),
        ({"username": "m"}, BadInputError),
        ({"roles": ()}, BadInputError),
        ({"roles": ("king",)}, BadInputError),
        ({"province": "IR-99"}, BadInputError),
        *(({"name": f"مینا{sign}x"}, BadInputError) for sign in "\u202e\u2067\x00\x1b\n\ud800\ufeff"),
    ],
)
async def test_a_strange_profile_makes_no_account(accounts, house, changes, error):
    with pytest.raises(error):
        await accounts.invite(actor=SYSTEM, profile=profile(**changes))
    assert house.rows(schema.staff) == []


async def test_an_invitation_into_a_disabled_account_or_after_a_first_admin_is_refused(accounts, house):
    invite = await accounts.invite(actor=SYSTEM, profile=profile())
    [row] = house.rows(schema.staff)
    house.change(schema.staff, row["id"], disabled_at=house.now)
    with pytest.raises(CodeRefusedError):
        await accounts.accept_invite(code=invite, password=GOOD)
    code = await accounts.first_admin_code()
    await enrol(accounts, profile("root", ("admin",)))
    with pytest.raises(CodeRefusedError):
        await accounts.accept_first_admin(code=code, username="other", name="x", password=GOOD, answers=False)
    assert {row["username"] for row in house.rows(schema.staff)} == {"mina", "root"}


async def test_a_user_name_is_never_used_twice(accounts, mina):
    with pytest.raises(NameTakenError):
        await accounts.invite(actor=SYSTEM, profile=profile())


@pytest.mark.parametrize("password", ["short", "mina", "aaaaaaaaaaaa", "x" * 257])
async def test_a_weak_password_is_refused(accounts, password):
    with pytest.raises(WeakPasswordError):
        await enrol(accounts, profile(), password)


async def test_who_was_invited_does_not_take_her_own_name_for_a_password(accounts):
    code = await accounts.invite(actor=SYSTEM, profile=profile("sara.karimi"))

    with pytest.raises(WeakPasswordError):
        await accounts.accept_invite(code=code, password="Sara.Karimi123")


async def test_only_an_admin_manages_accounts(accounts, mina, house):
    with pytest.raises(NotAllowedError):
        await accounts.invite(actor=mina, profile=profile("sara"))
    with pytest.raises(NotAllowedError):
        await accounts.disable(actor=mina, staff_id="x", office=house.office)
    with pytest.raises(NotAllowedError):
        await accounts.change_profile(actor=mina, staff_id=mina.staff_id, name="x", roles=("admin",), province="")
    with pytest.raises(NotAllowedError):
        await accounts.list_staff(actor=mina)


async def test_disabling_ends_everything_at_once(accounts, mina, house):
    session = await sign_in(accounts)
    case_id = house.escalate(house.contact("p"), "T1")
    house.do(acts.claim_case, actor=mina, case_id=case_id)
    code = await accounts.staffbot_code(actor=mina)
    await accounts.disable(actor=SYSTEM, staff_id=mina.staff_id, office=house.office)

    assert await accounts.peek(session.token) is None
    assert house.case(case_id)["state"] == "queued"
    with pytest.raises(LoginRefusedError):
        await sign_in(accounts)
    with pytest.raises(CodeRefusedError):
        house.store.write_now(lambda tx: link_staffbot(tx, code=code, chat_id="5", now_ms=house.now))
    with pytest.raises(BadInputError):
        await accounts.disable(actor=SYSTEM, staff_id=mina.staff_id, office=house.office)


async def test_nobody_disables_herself_and_an_admin_always_remains(accounts, house):
    root_id = await enrol(accounts, profile("root", ("admin",)))
    root = (await sign_in(accounts, "root")).signed_in.actor
    with pytest.raises(BadInputError):
        await accounts.disable(actor=root, staff_id=root_id, office=house.office)
    with pytest.raises(BadInputError):
        await accounts.change_profile(actor=root, staff_id=root_id, name="x", roles=("counsellor",), province="")
    with pytest.raises(BadInputError):
        await accounts.change_profile(actor=root, staff_id="nobody", name="x", roles=("counsellor",), province="")
    await accounts.change_profile(
        actor=root, staff_id=root_id, name="نو", roles=("admin", "supervisor"), province="IR-07"
    )

    [row] = await accounts.list_staff(actor=root)
    assert (row.name, row.roles, row.province, row.has_password) == ("نو", ("admin", "supervisor"), "IR-07", True)


async def test_a_staff_bot_is_linked_by_a_code_once(accounts, mina, house):
    code = await accounts.staffbot_code(actor=mina)

    def link():
        return house.store.write_now(lambda tx: link_staffbot(tx, code=code, chat_id="55", now_ms=house.now))

    assert link() == mina
    with pytest.raises(CodeRefusedError):
        link()
    assert house.store.read_now(lambda connection: actor_by_chat(connection, "55")) == mina
    assert house.store.read_now(lambda connection: actor_by_chat(connection, "56")) is None
    assert house.store.read_now(linked_chats) == [("55", mina)]
    house.store.write_now(lambda tx: unlink_staffbot(tx, actor=mina, staff_id=mina.staff_id, now_ms=house.now))
    assert house.store.read_now(linked_chats) == []
    with pytest.raises(NotAllowedError):
        house.store.write_now(lambda tx: unlink_staffbot(tx, actor=mina, staff_id="sara", now_ms=house.now))


async def test_a_staff_bot_code_lives_ten_minutes(accounts, mina, house):
    code = await accounts.staffbot_code(actor=mina)
    house.advance(600)
    with pytest.raises(CodeRefusedError):
        house.store.write_now(lambda tx: link_staffbot(tx, code=code, chat_id="55", now_ms=house.now))


def test_the_policy_denies_what_it_does_not_name():
    nobody = Actor(staff_id="x", name="x", roles=frozenset({"king"}))

    assert not may(nobody, "case", "read")
    assert {role for role in ROLES if ("case", "read") in POLICY[role]} == {"counsellor", "supervisor"}
    assert {role for role in ROLES if ("staff", "manage") in POLICY[role]} == {"admin"}
    assert {role for role in ROLES if ("flow", "publish") in POLICY[role]} == {"reviewer"}


async def test_a_damaged_hash_fits_nothing(hashing: Hashing):
    assert not await hashing.matches("damaged", GOOD, known=False)
    assert not await hashing.matches("", "a decoy for user names that do not exist", known=False)
