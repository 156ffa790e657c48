"""Two people in two browsers: a woman on a phone and a counsellor at a small screen, with the running product between.

With PANAH_SHOTS=1 the pictures of README are taken on the way (docs/images); every word in them is invented.
"""

import os
import re

import pytest
from playwright.sync_api import expect, sync_playwright
from system.harness import CHROMIUM, CHROMIUM_ARGS, ROOT

PASSWORD = "ماه پشت ابر نمی‌ماند"
CRY = "شوهرم داره منو می‌زنه"
OTHERS = ("شوهرم دیروز کتکم زد", "از خانه فرار کردم و جایی برای خواب ندارم", "همسایه‌مان بچه‌اش را می‌زند")
ANYWHERE = re.compile(r"https?://(?!127\.0\.0\.1)")
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@pytest.fixture(scope="module")
def panah(install):
    return install(PANAH_ALERT_COMMAND="/bin/true")  # with no way out the health dot of the pictures would be red


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def open_page(browser):
    """Open a page in a fresh browser context; scripts that fail and rules that break fail the module."""
    broken = []

    def opened(address, **options):
        context = browser.new_context(locale="fa-IR", **options)
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.on("console", lambda line: broken.append(line.text) if "Security Policy" in line.text else None)
        page.on("request", lambda request: broken.append(request.url) if ANYWHERE.match(request.url) else None)
        page.goto(address)
        return page

    yield opened
    assert broken == []


@pytest.fixture(scope="module")
def desk(panah, open_page):
    """Make the first account by its one-time link and begin a shift in a counsellor's browser."""
    page = open_page(panah.first_link, viewport={"width": 1366, "height": 768})
    page.get_by_label("نام شما").fill("مینا")
    page.get_by_label("نام کاربری").fill("mina")
    page.get_by_label("گذرواژه (").fill(PASSWORD)
    page.get_by_label("گذرواژه، یک بار دیگر").fill(PASSWORD)
    page.get_by_role("button", name="ساختن و ورود").click()
    page.get_by_role("link", name="صف", exact=True).click()
    page.get_by_role("button", name="شروع شیفت").click()
    expect(page.locator("#link")).to_have_text("زنده")
    expect(page.get_by_text("کسی منتظر نیست.")).to_be_visible()
    page.evaluate("window.stayed = true")
    return page


def write(page, text):
    page.get_by_label("پیام شما").fill(text)
    page.get_by_role("button", name="فرستادن").click()


def answer(desk, text):
    desk.get_by_label("پیام شما").fill(text)
    desk.keyboard.press("Enter")
    expect(desk.locator(".said.staff:not(.pending)").last).to_contain_text(text)


def take_most_urgent(desk):
    desk.locator("#take button:enabled").wait_for()
    desk.keyboard.press("Enter")
    expect(desk.locator(".said.contact", has_text=CRY)).to_have_count(1)


def close_as_safe(desk):
    desk.locator("summary", has_text="بستن").click()
    desk.get_by_label("اکنون در جای امن است").check()
    desk.get_by_label("در یک جمله").fill("پیش خواهرش رفت؛ فردا عصر خودش می‌نویسد.")
    desk.get_by_role("button", name="بستن پرونده").click()
    expect(desk.get_by_text("این پرونده بسته است.")).to_be_visible()


def picture(page, name):
    if os.environ.get("PANAH_SHOTS") == "1":
        page.screenshot(path=ROOT / "docs" / "images" / name)


def test_a_cry_is_taken_answered_and_closed_while_both_pages_stay_open(panah, desk, open_page):
    for number, words in enumerate(OTHERS, 1):
        other = open_page(panah.web, **PHONE)
        write(other, words)
        expect(desk.locator("tr[data-id]")).to_have_count(number)
        other.context.close()
    she = open_page(panah.web, **PHONE)
    she.get_by_role("button", name="شروع گفت‌وگو").click()
    expect(she.locator("#choices button").first).to_be_visible()
    write(she, CRY)
    expect(she.locator("#log .ours", has_text="110").last).to_be_visible()
    expect(desk.locator("tr.hot")).to_have_count(1)
    expect(desk.locator("tr[data-id]").first).to_have_class("hot")
    picture(desk, "console-queue.png")

    take_most_urgent(desk)
    answer(desk, "سلام، من مینا هستم و با شما می‌مانم. الان جایتان امن است؟")
    expect(she.locator("#log .ours", has_text="من مینا هستم")).to_contain_text("همکار ما")
    heard = she.locator("#log .ours").count()
    write(she, "پیش مادرم می‌روم، نزدیک است")
    expect(desk.locator(".said.contact").last).to_contain_text("پیش مادرم می‌روم")
    answer(desk, "خوب است. گوشی همراهتان باشد؛ رسیدید بنویسید.")
    expect(she.locator("#log .ours").last).to_contain_text("رسیدید بنویسید")
    expect(desk.locator(".said.staff").last).to_contain_text("فرستاده شد")
    picture(she, "chat.png")
    picture(desk, "console-case.png")
    she.reload()
    expect(she.locator("#log .ours")).to_have_count(heard + 1)  # the bot has said nothing in between

    close_as_safe(desk)
    write(she, "سلام")
    expect(she.locator("#choices button").first).to_be_visible()
    assert desk.evaluate("window.stayed")


def test_a_phone_without_scripts_reads_the_counsellor_by_a_link(panah, desk, open_page):
    she = open_page(panah.web, **PHONE, java_script_enabled=False)
    write(she, CRY)
    expect(she.locator("#log .ours", has_text="110").last).to_be_visible()
    desk.keyboard.press("Escape")
    desk.keyboard.press("q")
    expect(desk.locator("tr.hot")).to_have_count(1)
    take_most_urgent(desk)
    answer(desk, "سلام، می‌خوانم. کجا هستید؟")
    she.get_by_role("link", name="دیدن پاسخ‌های تازه").click()
    expect(she.locator("#log .ours", has_text="کجا هستید؟")).to_contain_text("همکار ما")
    heard = she.locator("#log .ours").count()
    write(she, "خانهٔ همسایه")
    expect(desk.locator(".said.contact").last).to_contain_text("خانهٔ همسایه")

    expect(she.locator("#log .mine").last).to_contain_text("خانهٔ همسایه")
    expect(she.locator("#log .ours")).to_have_count(heard)
    close_as_safe(desk)
    assert desk.evaluate("window.stayed")
