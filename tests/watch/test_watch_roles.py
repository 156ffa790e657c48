"""A role that dies alone, and an urgent answer that does not leave, are told to people."""

import pytest
from watch.house import House


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    yield house
    house.file.close()


@pytest.mark.parametrize(("configured", "told"), [(True, [("3", ("service:outbox",))]), (False, [])])
async def test_an_urgent_answer_that_does_not_leave_is_told_where_a_sender_was_configured(house, configured, told):
    house.staff("ada", "admin", chat="3")
    if configured:
        house.sql("INSERT INTO beats (name, at, detail) VALUES ('sender:sms', ?, '{}')", house.now)
    house.sql(
        "INSERT INTO outbox (key, contact_id, address_id, channel, kind, urgent, state, created_at, due_at, expires_at)"
        " VALUES ('k', 'a', 'a', 'sms', 'reply', 1, 'sending', ?, ?, ?)",
        house.now, house.now, house.now + 3_600_000,
    )  # fmt: skip
    await house.pass_(50)
    assert house.pages == []
    await house.pass_(60)

    assert house.pages[:1] == told


async def test_a_sender_that_dies_while_all_else_lives_is_told(house):
    house.staff("ada", "admin", chat="3")
    for beat in (1, 2):
        house.sql("DELETE FROM beats WHERE name = 'sender:sms'")
        house.sql("INSERT INTO beats (name, at, detail) VALUES ('sender:sms', ?, '{}')", beat)
        await house.pass_(10)
    await house.pass_(90)

    assert house.pages[:1] == [("3", ("service:sender",))]
