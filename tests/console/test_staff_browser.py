"""The page of colleagues in a real browser: what cannot be taken back asks first, and every choice stands inside its sheet."""

import os
from pathlib import Path

from console.conftest import PASSWORD
from playwright.sync_api import expect

from bot.store import schema
from escalation import repo_factors

SHOTS = os.environ.get("SHOTS", "")


def shot(page, name):
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def give_factor(room, username):
    def give(tx):
        repo_factors.propose(tx, username, sealed_secret=b"x", now_ms=room.now)
        repo_factors.confirm(tx, username, room.now)

    room.core.store.write_now(give)


def test_an_account_is_disabled_only_after_the_tick_that_says_what_follows_and_opened_again_with_one_button(room, sit):
    room.staff("boss", "admin", name="نگار")
    room.staff("mina", name="مینا")
    page = sit("boss")
    page.goto("/staff")
    row = page.get_by_role("row", name="مینا")
    row.get_by_text("تغییر").click()
    row.get_by_role("button", name="بستن حساب").click()

    expect(page.locator(".mistake")).to_have_text("برای ادامه، نخست این را علامت بزنید.")
    row.get_by_label("همین حالا از همه‌جا بیرون می‌رود").check()
    row.get_by_role("button", name="بستن حساب").click()
    expect(row.get_by_text("بسته", exact=True)).to_be_visible()

    row.get_by_role("button", name="باز کردن دوباره").click()
    expect(page.get_by_text("حساب دوباره باز شد.")).to_be_visible()
    expect(page.get_by_text("/invite/")).to_be_visible()
    expect(row.get_by_text("منتظر گذاشتن گذرواژه")).to_be_visible()


def test_every_button_of_a_colleagues_sheet_stands_inside_it(room, sit):
    room.staff("boss", "admin", name="نگار")
    room.staff("mina", name="مینا")
    for viewport in ((1366, 768), (390, 780)):
        page = sit("boss", viewport=viewport)
        page.goto("/staff")
        row = page.get_by_role("row", name="مینا")
        row.get_by_text("تغییر").click()
        sheet, *buttons = (one.bounding_box() for one in (row.locator(".sheet"), *row.locator(".sheet button").all()))

        assert 3 == len(buttons)
        assert all(sheet["x"] <= one["x"] for one in buttons)
        assert all(one["x"] + one["width"] <= sheet["x"] + sheet["width"] for one in buttons)
        assert 1 == len({round(one["x"]) for one in buttons})


def test_a_colleagues_second_factor_is_taken_away_for_ones_own_password_and_a_tick(room, sit):
    room.staff("boss", "admin", name="نگار")
    room.staff("mina", name="مینا")
    give_factor(room, "mina")
    page = sit("boss", viewport=(390, 780))
    page.goto("/staff")
    row = page.get_by_role("row", name="مینا")
    row.get_by_text("تغییر").click()
    shot(page, "second-off-390")
    row.get_by_label("گذرواژهٔ خود شما").fill("نادرست نادرست")
    row.get_by_role("button", name="برداشتن رمز دوم").click()
    expect(page.locator(".mistake")).to_have_text("برای ادامه، نخست این را علامت بزنید.")
    row.get_by_label("با گذرواژهٔ تنها وارد می‌شود").check()
    row.get_by_role("button", name="برداشتن رمز دوم").click()
    expect(page.get_by_text("گذرواژهٔ شما درست نیست")).to_be_visible()
    assert 1 == len(room.rows(schema.staff_factors))

    row.get_by_text("تغییر").click()
    row.get_by_label("گذرواژهٔ خود شما").fill(PASSWORD)
    row.get_by_label("با گذرواژهٔ تنها وارد می‌شود").check()
    row.get_by_role("button", name="برداشتن رمز دوم").click()
    expect(page.get_by_text("رمز دوم این همکار برداشته شد")).to_be_visible()
    assert [] == room.rows(schema.staff_factors)


def test_an_invitation_that_is_refused_keeps_what_was_entered_and_says_beside_the_field_why(room, sit):
    room.staff("boss", "admin", name="نگار")
    room.staff("mina", name="مینا")
    page = sit("boss", viewport=(390, 780))
    page.goto("/staff")
    page.get_by_text("افزودن همکار").click()
    form = page.locator('form[action="/staff/invite"]')
    form.get_by_label("نام", exact=True).fill("مینای دیگر")
    form.get_by_label("نام کاربری").fill("mina")
    form.get_by_label("میز").select_option("IR-09")
    form.get_by_label("مشاور").uncheck()
    form.get_by_label("سرپرست شیفت").check()
    form.get_by_role("button", name="ساختن پیوند دعوت").click()

    expect(page.locator(".field:has(#username) .mistake")).to_contain_text("گرفته شده")
    expect(form.get_by_label("نام", exact=True)).to_have_value("مینای دیگر")
    expect(form.get_by_label("نام کاربری")).to_have_value("mina")
    expect(form.get_by_label("نام کاربری")).to_be_focused()
    expect(form.get_by_label("میز")).to_have_value("IR-09")
    expect(form.get_by_label("سرپرست شیفت")).to_be_checked()
    expect(form.get_by_label("مشاور")).not_to_be_checked()
    shot(page, "invite-taken-390")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    form.get_by_label("نام کاربری").fill("mina2")
    form.get_by_role("button", name="ساختن پیوند دعوت").click()
    expect(page.get_by_text("/invite/")).to_be_visible()
    expect(page.locator(".good")).to_contain_text("تا ۳ روز کار می‌کند")
    expect(page.locator('form[action="/staff/invite"]')).to_be_hidden()
    shot(page, "invite-link-390")
