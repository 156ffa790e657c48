"""A questionnaire in a real browser: while she fills it in, the talk stays in sight, and nothing she ticked is lost."""

import pytest
from console.keys import take_first, write
from playwright.sync_api import expect

from bot.store import schema
from escalation import repo
from escalation.acts import put_back
from escalation.case import force_release

PHONE = (390, 844)
WISH_YES = 'input[name="wish"][value="yes"]'
TITLE = "غربال کلمبیا (C-SSRS)"


def open_form(page):
    """Open the Columbia screener from the case's page and tick the first answer."""
    page.get_by_text("ارزیابی ثانویه").click()
    page.get_by_role("link", name=TITLE).click()
    page.locator(WISH_YES).check()


@pytest.mark.parametrize("viewport", [(1366, 768), PHONE])
def test_her_new_words_show_beside_the_questions_and_what_was_ticked_stays(room, sit, viewport):
    room.staff("mina")
    room.cry()
    page = sit("mina", viewport=viewport)
    page.locator("#take button").click()
    page.locator("#composer").wait_for()
    open_form(page)
    page.locator('input[name="behaviour"][value="no"]').check()
    room.say("دارم می‌میرم")

    words = page.locator(".said.contact").last
    expect(words).to_contain_text("دارم می‌میرم")
    expect(words).to_be_in_viewport()
    expect(page.locator(".fresh")).to_be_visible()
    expect(page.locator(WISH_YES)).to_be_checked()
    expect(page.locator('input[name="behaviour"][value="no"]')).to_be_checked()


def test_she_answers_from_the_form_and_keeps_it(room, sit):
    room.staff("mina")
    room.cry()
    page = sit("mina")
    take_first(page)
    open_form(page)
    room.say("هستید؟")
    expect(page.locator(".fresh")).to_be_visible()
    write(page, "بله، همین‌جا هستم.")

    expect(page.locator(".said.staff:not(.pending)")).to_contain_text("بله، همین‌جا هستم.")
    expect(page.locator(".fresh")).to_have_count(0)
    expect(page.locator(WISH_YES)).to_be_checked()
    assert page.url.endswith("/forms/cssrs")


def test_new_words_knock_while_she_looks_at_the_questions(room, sit):
    room.staff("mina")
    room.cry()
    page = sit("mina")
    page.get_by_role("button", name="شروع شیفت").click()
    take_first(page)
    open_form(page)
    page.evaluate("""() => {
        window.tones = 0;
        const start = OscillatorNode.prototype.start;
        OscillatorNode.prototype.start = function (...at) { window.tones += 1; return start.apply(this, at); };
    }""")
    room.say("هستید؟")
    expect(page.locator(".said.contact").last).to_contain_text("هستید؟")

    page.wait_for_function("window.tones === 3")


def test_what_is_ticked_outlives_a_look_at_the_case_and_is_gone_once_it_is_kept(room, sit):
    room.staff("mina")
    room.cry()
    page = sit("mina")
    take_first(page)
    open_form(page)
    page.get_by_role("link", name="برگشت به پرونده").click()
    expect(page.locator(".with-form")).to_have_count(0)
    page.get_by_text("ارزیابی ثانویه").click()
    page.get_by_role("link", name=TITLE).click()
    expect(page.locator(WISH_YES)).to_be_checked()

    page.get_by_role("button", name="حساب کن").click()
    expect(page.get_by_text("پرسش مانده است")).to_be_visible()
    expect(page.locator(WISH_YES)).to_be_checked()
    for name in ("thoughts", "behaviour"):
        page.locator(f'input[name="{name}"][value="no"]').check()
    page.get_by_role("button", name="حساب کن").click()
    expect(page.locator('[data-live="scores"]')).to_contain_text(TITLE)
    assert 1 == len(room.rows(schema.assessments, name="cssrs"))
    assert [] == page.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('ticked'))")


def test_when_her_claim_is_lost_she_stands_at_the_case_and_finds_her_ticks_again(room, sit):
    room.staff("mina")
    case_id = room.cry()
    page = sit("mina")
    take_first(page)
    open_form(page)

    def lose(tx):
        before = repo.open_case_of(tx.connection, room.case(case_id)["contact_id"])
        put_back(tx, room.deps.office, before, force_release(before), kind="lease_lost", by="t", now_ms=room.now)

    room.core.store.write_now(lose)
    expect(page.get_by_text("این پرونده دیگر در دست شما نیست.")).to_be_visible()
    page.get_by_role("button", name="برداشتن پرونده").click()
    page.get_by_text("ارزیابی ثانویه").click()
    page.get_by_role("link", name=TITLE).click()

    expect(page.locator(WISH_YES)).to_be_checked()


def test_without_scripts_the_talk_is_brought_up_to_date_and_answered_without_losing_a_tick(room, sit):
    room.staff("mina")
    room.cry()
    page = sit("mina", java_script_enabled=False)
    page.get_by_role("button", name="فوری‌ترین").click()
    open_form(page)
    room.say("دارم می‌میرم")
    page.get_by_role("button", name="تازه کردن گفت‌وگو").click()
    expect(page.locator(".said.contact").last).to_contain_text("دارم می‌میرم")
    expect(page.locator(WISH_YES)).to_be_checked()
    page.get_by_label("پیام شما").fill("با شما هستم")
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="بفرست").click()

    expect(opened.value.locator(".said.staff")).to_contain_text("با شما هستم")
    expect(page.locator(WISH_YES)).to_be_checked()
