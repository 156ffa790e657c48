"""A form sent too early, in a real browser: it says in Persian what is missing, and forgets it once she has mended it."""

from console.keys import take_first
from playwright.sync_api import expect


def test_a_close_without_an_outcome_says_in_persian_what_is_missing_and_then_goes_through(room, sit):
    room.staff("mina")
    case_id = room.cry()
    page = sit("mina")
    take_first(page)
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    page.get_by_role("button", name="بستن پرونده").click()

    expect(page.locator(".mistake")).to_have_text("یکی را انتخاب کنید.")
    page.get_by_label("اکنون در جای امن است").check()
    expect(page.locator(".mistake")).to_have_count(0)
    page.get_by_role("button", name="بستن پرونده").click()
    expect(page.locator(".mistake")).to_have_text("این جا را پر کنید.")
    expect(page.get_by_label("در یک جمله")).to_be_focused()
    page.get_by_label("در یک جمله").fill("پیش خواهرش رفت.")
    page.get_by_role("button", name="بستن پرونده").click()
    expect(page.get_by_text("این پرونده بسته است.")).to_be_visible()
    assert "closed" == room.case(case_id)["state"]


def test_an_urgent_case_is_handed_back_by_keys_only_after_the_tick_that_says_so(room, sit):
    room.staff("mina")
    case_id = room.cry()
    page = sit("mina")
    take_first(page)
    page.keyboard.press("Escape")
    page.keyboard.press("h")
    page.keyboard.press("Enter")

    expect(page.locator(".mistake")).to_have_text("برای ادامه، نخست این را علامت بزنید.")
    assert "claimed" == room.case(case_id)["state"]
    page.keyboard.press("Space")
    expect(page.locator(".mistake")).to_have_count(0)


def test_enter_on_an_empty_message_is_no_mistake_and_a_phrase_still_goes_out(room, sit):
    room.staff("mina")
    room.cry()
    page = sit("mina")
    take_first(page)
    page.keyboard.press("Enter")
    page.locator("[data-phrase]").first.click()
    page.keyboard.press("Enter")

    expect(page.locator(".said.staff:not(.pending)")).to_have_count(1)
    expect(page.locator(".mistake")).to_have_count(0)


def test_a_sign_in_without_a_password_asks_for_it_in_persian(sit):
    page = sit()
    page.get_by_label("نام کاربری").fill("mina")
    page.get_by_role("button", name="ورود").click()

    expect(page.locator(".mistake")).to_have_text("این جا را پر کنید.")
    expect(page.get_by_label("گذرواژه")).to_be_focused()
