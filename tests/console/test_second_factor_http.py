"""Taking a second factor away over HTTP: never by one press, whoever sends it, and each time in the audit."""

import pyotp
import pytest
from console.conftest import PASSWORD

from bot.store import schema


@pytest.fixture
async def coded(room, visit):
    """Give a counsellor who has a second factor, signed in, and what her phone shows next."""
    actor, visitor = room.staff("mina"), await visit("mina")
    proposed = await room.accounts.propose_factor(actor=actor, issuer="گفت‌وگو")
    phone = pyotp.TOTP(proposed.secret)

    def code():
        return phone.at(int(room.core.clock.now().timestamp()))

    token = visitor.http.cookies["panah-staff"]
    await room.accounts.confirm_factor(actor=actor, code=code(), token=token)
    room.core.clock.advance(30)
    return visitor, code


def removals(room):
    acts = {"second_factor_removed", "second_factor_reset"}
    return [(row["actor"], row["action"], row["target_id"]) for row in room.rows(schema.audit) if row["action"] in acts]


async def test_ones_own_goes_with_a_code_and_a_tick(room, coded):
    visitor, code = coded
    for fields in ({"code": code()}, {"sure": "on"}, {"code": "000000", "sure": "on"}):
        assert 400 <= (await visitor.post("/second/remove", fields)).status_code < 500
    assert 1 == len(room.rows(schema.staff_factors))

    assert 200 == (await visitor.post("/second/remove", {"code": code(), "sure": "on"})).status_code
    assert [("mina", "second_factor_removed", "mina")] == removals(room)


async def test_a_colleagues_goes_with_ones_own_password_and_a_tick(room, coded, visit):
    room.staff("boss", "admin")
    boss = await visit("boss")
    for fields in ({"password": PASSWORD}, {"sure": "on"}, {"password": "نادرست نادرست", "sure": "on"}):
        refused = await boss.post("/staff/mina/second-off", fields)

        assert 400 <= refused.status_code < 500
        assert 'role="alert"' in refused.text
    assert 1 == len(room.rows(schema.staff_factors))

    assert 200 == (await boss.post("/staff/mina/second-off", {"password": PASSWORD, "sure": "on"})).status_code
    assert [("boss", "second_factor_reset", "mina")] == removals(room)


async def test_an_open_console_alone_is_never_shown_a_secret_that_waits(room, visit):
    actor, visitor = room.staff("mina"), await visit("mina")
    secret = (await room.accounts.propose_factor(actor=actor, issuer="گفت‌وگو")).secret
    blind = await visitor.post("/second/confirm", {"code": "000000"})
    knows = await visitor.post("/second/confirm", {"code": "000000", "secret": secret})

    assert [403, 403] == [blind.status_code, knows.status_code]
    assert "qr-frame" not in blind.text
    assert "qr-frame" in knows.text
