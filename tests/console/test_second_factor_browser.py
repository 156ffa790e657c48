"""Setting up and using the second factor as staff do it: in a browser, with a picture, a phone and paper."""

import os
import re
from pathlib import Path

import pyotp
import pytest
from console.conftest import PASSWORD

from bot.settings import Settings
from escalation.signin import rules_of

SHOTS = os.environ.get("SHOTS", "")


def shot(page, name):
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


@pytest.fixture
def phone_of():
    """Give the authenticator that read a page's letters."""

    def make(page):
        letters = page.locator(".secret").inner_text()
        return pyotp.TOTP(re.sub(r"\s", "", letters))

    return make


def sign_in(page, username):
    page.get_by_label("نام کاربری").fill(username)
    page.get_by_label("گذرواژه").fill(PASSWORD)
    page.get_by_role("button", name="ورود", exact=True).click()


def test_a_supervisor_is_kept_at_the_door_until_her_phone_shows_the_code(sit, room, phone_of):
    room.staff("leila", "supervisor")
    room.accounts._rules = rules_of(Settings(second_factor="supervisor"))
    page = sit()
    sign_in(page, "leila")
    page.get_by_text("تا ساخته نشود بخش‌های دیگر باز نمی‌شود").wait_for()
    page.goto("/staff")
    assert page.url.endswith("/second?next=/staff")
    page.get_by_role("button", name="ساختن رمز دوم").click()
    drawing = page.locator(".qr-frame svg")
    drawing.wait_for()
    box = drawing.bounding_box()
    assert box["width"] == box["height"] > 150
    phone = phone_of(page)
    page.get_by_label("رمز شش‌رقمی‌ای که برنامه نشان می‌دهد").fill(phone.now())
    page.get_by_role("button", name="درست است").click()
    codes = page.locator(".recovery code").all_inner_texts()
    assert 10 == len(codes)
    page.get_by_role("link", name="نوشتم؛ ادامه").click()
    page.get_by_role("button", name="خروج").click()

    sign_in(page, "leila")
    page.get_by_role("heading", name="رمز دوم").wait_for()
    page.get_by_label("رمز", exact=True).fill("123456")
    page.get_by_role("button", name="ورود", exact=True).click()
    page.get_by_role("alert").get_by_text("رمز درست نیست").wait_for()
    page.get_by_label("رمز", exact=True).fill(codes[0])
    page.get_by_role("button", name="ورود", exact=True).click()
    page.get_by_role("button", name="شروع شیفت").wait_for()
    page.goto("/me")
    page.get_by_text("۹ رمز بازیابی مانده").wait_for()


def test_a_wrong_code_in_the_set_up_keeps_what_her_phone_has_scanned(sit, room, phone_of):
    room.staff("mina")
    page = sit("mina", viewport=(390, 780))
    page.goto("/second")
    page.get_by_label("گذرواژهٔ شما").fill(PASSWORD)
    page.get_by_role("button", name="ساختن رمز دوم").click()
    phone, drawn = phone_of(page), page.locator(".qr-frame").inner_html()
    page.get_by_label("رمز شش‌رقمی‌ای که برنامه نشان می‌دهد").fill("000000")
    page.get_by_role("button", name="درست است").click()

    page.get_by_role("alert").get_by_text("ساعت گوشی").wait_for()
    shot(page, "second-wrong-390")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert drawn == page.locator(".qr-frame").inner_html()
    page.get_by_label("رمز شش‌رقمی‌ای که برنامه نشان می‌دهد").fill(phone.now())
    page.get_by_role("button", name="درست است").click()
    page.get_by_role("heading", name="رمزهای بازیابی").wait_for()


def test_whoever_wants_one_gives_her_password_first_and_may_take_it_away(sit, room, phone_of):
    room.staff("mina")
    page = sit("mina")
    page.goto("/second")
    page.get_by_label("گذرواژهٔ شما").fill("نادرست نادرست")
    page.get_by_role("button", name="ساختن رمز دوم").click()
    page.get_by_role("alert").get_by_text("درست نیست").wait_for()
    page.get_by_label("گذرواژهٔ شما").fill(PASSWORD)
    page.get_by_role("button", name="ساختن رمز دوم").click()
    phone = phone_of(page)
    page.get_by_label("رمز شش‌رقمی‌ای که برنامه نشان می‌دهد").fill(phone.now())
    page.get_by_role("button", name="درست است").click()
    page.get_by_role("link", name="نوشتم؛ ادامه").click()
    page.goto("/me")
    page.locator("#second summary").click()
    page.get_by_label("رمزی که برنامه همین حالا نشان می‌دهد").fill(phone.at(int(room.core.clock.now().timestamp()) + 30))
    page.get_by_role("button", name="برداشتن رمز دوم").click()
    page.locator(".mistake").get_by_text("نخست این را علامت بزنید").wait_for()
    shot(page, "second-remove")
    page.get_by_label("از این پس با گذرواژهٔ تنها").check()
    page.get_by_role("button", name="برداشتن رمز دوم").click()
    page.get_by_text("رمز دوم برداشته شد").wait_for()


def test_a_locked_console_shows_nothing_and_opens_with_the_password_where_she_was(sit, room):
    room.staff("mina")
    case_id = room.cry()
    page = sit("mina")
    page.goto(f"/cases/{case_id}")
    page.get_by_role("button", name="قفل").click()
    page.get_by_role("heading", name="قفل است").wait_for()
    for path in ("/", f"/cases/{case_id}", "/me"):
        page.goto(path)
        assert f"/unlock?next={path}" in page.url
    page.get_by_label("گذرواژه").fill(PASSWORD)
    page.get_by_role("button", name="باز کردن").click()
    page.get_by_role("heading", name="نشست‌های من").wait_for()


def test_ending_a_sign_in_elsewhere_empties_its_open_pages_within_five_seconds(sit, room):
    room.staff("mina")
    there, here = sit("mina"), sit("mina")
    there.locator("#link[data-link=on]").wait_for()
    here.goto("/me")
    here.get_by_role("button", name="بستن همهٔ نشست‌های دیگر").click()
    here.get_by_text("نشست بسته شد").wait_for()
    there.wait_for_url("**/login", timeout=5_000)
    there.get_by_role("heading", name="ورود کارکنان").wait_for()
