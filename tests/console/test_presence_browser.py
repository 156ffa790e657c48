"""In real browsers: who else has the same case open is said on its page."""

from playwright.sync_api import expect


def test_a_page_says_who_else_has_it_open_and_goes_on_saying_it_when_it_is_brought_up_to_date(room, sit):
    case_id = room.cry()
    mina = room.staff("mina", name="مینا")
    room.staff("sara", name="سارا")
    first, second = sit("mina"), sit("sara")
    first.goto(f"/cases/{case_id}")
    with second.expect_response("**/here"):
        second.goto(f"/cases/{case_id}")

    expect(second.locator("[data-others]")).to_have_text("این پرونده پیش مینا هم باز است")
    room.say("هنوز اینجام")
    room.claim(mina, case_id)
    expect(second.locator(".case-head")).to_contain_text("در دست")
    expect(second.locator("[data-others]")).to_have_text("این پرونده پیش مینا هم باز است")
