"""Who has a case's page open is told to who else has it open, to nobody of another desk, and is no use of the console."""

from bot.store import schema


async def test_two_who_have_a_page_open_hear_of_each_other_and_not_of_themselves(room, visit):
    case_id = room.cry()
    room.staff("mina", name="مینا")
    room.staff("sara", name="سارا")
    mina, sara = await visit("mina"), await visit("sara")

    assert {"others": []} == (await mina.post(f"/cases/{case_id}/here")).json()
    assert {"others": ["مینا"]} == (await sara.post(f"/cases/{case_id}/here")).json()
    assert {"others": ["سارا"]} == (await mina.post(f"/cases/{case_id}/here")).json()


async def test_who_may_not_see_the_case_hears_of_nobody(room, visit):
    case_id = room.cry()
    room.staff("far", province="IR-07")
    room.staff("ada", "admin")

    assert 404 == (await (await visit("far")).post(f"/cases/{case_id}/here")).status_code
    assert 403 == (await (await visit("ada")).post(f"/cases/{case_id}/here")).status_code


async def test_a_page_that_says_it_is_open_keeps_nobody_signed_in_and_reads_nothing(room, visit):
    case_id = room.cry()
    room.staff("mina")
    mina = await visit("mina")
    await mina.csrf()
    before = room.rows(schema.staff_sessions)[0]["seen_at"], len(room.rows(schema.audit))
    room.core.clock.advance(300)
    await mina.post(f"/cases/{case_id}/here")

    assert before == (room.rows(schema.staff_sessions)[0]["seen_at"], len(room.rows(schema.audit)))
