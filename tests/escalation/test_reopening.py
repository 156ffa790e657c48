"""An account that was closed by a slip is opened again: its owner comes back, nothing of before comes with her."""

import pytest

from bot.store import schema
from escalation.accounts import CodeRefusedError, LoginRefusedError
from escalation.case import BadInputError
from escalation.policy import SYSTEM, Actor, NotAllowedError
from escalation.profiles import Profile

OLD, NEW = "گل‌های باغ ۱۴۰۵", "رودخانهٔ آرام ۱۴۰۵"


@pytest.fixture
async def closed(accounts, house):
    """Give the id of an account that was in use, and the token of its last sign-in; it is closed now."""
    profile = Profile(username="mina", name="مینا", roles=("counsellor", "supervisor"), province="IR-07")
    code = await accounts.invite(actor=SYSTEM, profile=profile)
    staff_id = await accounts.accept_invite(code=code, password=OLD)
    session = await accounts.login(username="mina", password=OLD, address="1.1.1.1")
    await accounts.disable(actor=SYSTEM, staff_id=staff_id, office=house.office)
    return staff_id, session.token


async def test_its_owner_sets_a_new_password_and_has_her_roles_and_desk(accounts, house, closed):
    staff_id, token = closed
    code = await accounts.reopen(actor=SYSTEM, staff_id=staff_id)
    assert await accounts.accept_invite(code=code, password=NEW) == staff_id

    actor = (await accounts.login(username="mina", password=NEW, address="1.1.1.1")).signed_in.actor
    assert (actor.staff_id, actor.roles, actor.province) == (staff_id, {"counsellor", "supervisor"}, "IR-07")
    assert await accounts.peek(token) is None
    with pytest.raises(LoginRefusedError):
        await accounts.login(username="mina", password=OLD, address="1.1.1.1")
    assert [row["target_id"] for row in house.rows(schema.audit) if row["action"] == "reopened"] == [staff_id]


async def test_until_then_nobody_signs_in_with_any_password(accounts, closed):
    staff_id, _ = closed
    await accounts.reopen(actor=SYSTEM, staff_id=staff_id)
    for password in (OLD, ""):
        with pytest.raises(LoginRefusedError):
            await accounts.login(username="mina", password=password, address="1.1.1.1")


async def test_closing_it_once_more_makes_the_link_worthless(accounts, house, closed):
    staff_id, _ = closed
    code = await accounts.reopen(actor=SYSTEM, staff_id=staff_id)
    await accounts.disable(actor=SYSTEM, staff_id=staff_id, office=house.office)
    with pytest.raises(CodeRefusedError):
        await accounts.accept_invite(code=code, password=NEW)


async def test_only_a_closed_account_is_opened_and_only_by_who_manages_accounts(accounts, closed):
    staff_id, _ = closed
    counsellor = Actor(staff_id="other", name="x", roles=frozenset({"counsellor"}), province="")
    with pytest.raises(NotAllowedError):
        await accounts.reopen(actor=counsellor, staff_id=staff_id)
    await accounts.reopen(actor=SYSTEM, staff_id=staff_id)
    for one in (staff_id, "nobody"):
        with pytest.raises(BadInputError):
            await accounts.reopen(actor=SYSTEM, staff_id=one)
