"""The frame's language in a real browser: it changes while she writes, and goes when the screen is cleared."""

import pytest
from playwright.sync_api import expect
from web.conftest import Served, pass_until_shown

from bot.settings import Settings


@pytest.fixture
def kurdish(world):
    with Served(world.app(settings=Settings(languages="fa,ckb,en"))) as found:
        yield found


def choose(world, language):
    world.store.write_now(lambda tx: tx.raw.execute(f"UPDATE contacts SET language = '{language}'"))


def write(page, text, *, label="پیام شما", button="فرستادن"):
    page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name=button, exact=True).click()


def begin(world, page, url, language):
    """Write once in Persian; from the second answer on she is answered in `language`."""
    page.goto(url)
    write(page, "سلام")
    expect(page.get_by_text("شنیدم: سلام")).to_be_visible()
    choose(world, language)
    write(page, "دوم")
    expect(page.locator("html")).to_have_attribute("lang", language)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no_script"])
def test_the_frame_changes_with_the_conversation(world, kurdish, phone, script):
    page = phone(java_script_enabled=script)
    begin(world, page, kurdish.url, "ckb")
    write(page, "سێیەم", label="پەیامەکەتان", button="ناردن")

    expect(page.get_by_text("شنیدم: سێیەم")).to_be_visible()
    expect(page.get_by_role("link", name="دەرچوون", exact=True)).to_be_visible()
    expect(page.get_by_placeholder("لێرە بنووسن")).to_be_visible()
    assert "وتووێژ" == page.title()


def test_english_runs_from_the_left_and_a_failed_message_says_so_in_english(world, kurdish, phone):
    page = phone()
    begin(world, page, kurdish.url, "en")
    page.context.set_offline(True)
    write(page, "third", label="Your message", button="Send")

    expect(page.get_by_role("button", name="Not sent, try again")).to_be_visible()
    expect(page.get_by_text("The connection is down.")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("dir", "ltr")
    page.context.set_offline(False)
    expect(page.get_by_text("شنیدم: third")).to_be_visible()


@pytest.mark.parametrize("is_reloaded", [False, True], ids=["changed", "loaded"])
def test_ten_idle_minutes_take_the_language_from_the_screen_and_a_new_word_brings_it_back(
    world, kurdish, phone, is_reloaded
):
    page = phone()
    page.clock.install()
    begin(world, page, kurdish.url, "ckb")
    if is_reloaded:
        page.reload()
        expect(page.locator("html")).to_have_attribute("lang", "ckb")
    page.clock.run_for(11 * 60 * 1000)
    expect(page.locator("#log li")).to_have_count(0)

    expect(page.locator("html")).to_have_attribute("lang", "fa")
    expect(page.get_by_role("button", name="فرستادن", exact=True)).to_be_visible()
    expect(page.get_by_placeholder("اینجا بنویسید")).to_be_visible()
    assert "گفت‌وگو" == page.title()
    world.clock.advance(11 * 60)
    world.staff_writes("سڵاو")
    pass_until_shown(page, "سڵاو")
    expect(page.get_by_role("button", name="ناردن", exact=True)).to_be_visible()
