"""A case in a real browser: what a tired counsellor reads, writes and presses at three in the morning."""

import re

from console.keys import take_first, write
from playwright.sync_api import expect

from bot.store import schema
from escalation import repo
from escalation.acts import put_back
from escalation.case import force_release

HOSTILE = [
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    '"><svg onload=alert(1)>',
    "{{7*7}} ${7*7} {% raw %}",
    "javascript:alert(1)",
    "\u202eevil\u2069 متن",
    "</p></li></ol><h1>تیتر</h1>",
]


def test_she_writes_and_the_answer_of_the_person_comes_by_itself(room, sit):
    room.staff("mina", name="مینا")
    case_id = room.cry()
    page = sit("mina")
    take_first(page)
    write(page, "سلام. من با شما هستم.")

    expect(page.locator(".said.staff:not(.pending)")).to_contain_text("سلام. من با شما هستم.")
    expect(page.get_by_label("پیام شما")).to_have_value("")
    assert 1 == len(room.rows(schema.outbox, kind="live"))
    room.say("ممنون که هستید")
    expect(page.locator(".said.contact").last).to_contain_text("ممنون که هستید")
    assert "claimed" == room.case(case_id)["state"]


def test_shift_and_enter_makes_a_new_line(room, sit):
    room.staff("mina")
    room.cry()
    page = sit("mina")
    take_first(page)
    page.keyboard.type("یک")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("دو")

    expect(page.get_by_label("پیام شما")).to_have_value("یک\nدو")


def test_a_message_that_fails_keeps_her_words_and_goes_out_once_on_retry(room, sit):
    room.staff("mina")
    room.cry()
    page = sit("mina")
    take_first(page)
    calls = []

    def lose_the_answer(route):
        calls.append(1)
        if len(calls) == 1:
            route.fetch()  # the server has it; she never hears so
            route.abort()
        else:
            route.continue_()

    page.route("**/messages", lose_the_answer)
    write(page, "الان جای امنی هستید؟")
    page.get_by_role("button", name="دوباره بفرست").click()

    expect(page.locator(".said.failed, .said.pending")).to_have_count(0)
    expect(page.locator(".said.staff")).to_have_count(1)
    assert 1 == len(room.rows(schema.messages, author="staff"))
    assert 2 == len(calls)


def test_a_draft_outlives_leaving_the_page_and_is_gone_after_signing_out(room, sit):
    room.staff("mina")
    room.cry()
    page = sit("mina")
    take_first(page)
    page.get_by_label("پیام شما").fill("نیمه‌کاره")
    page.get_by_role("link", name="صف").click()
    page.get_by_role("link", name="باز کردن").click()

    expect(page.get_by_label("پیام شما")).to_have_value("نیمه‌کاره")
    page.get_by_role("button", name="خروج").click()
    page.wait_for_url("**/login")
    assert 0 == page.evaluate("sessionStorage.length + localStorage.length")
    page.go_back()
    expect(page.get_by_role("heading", name="ورود کارکنان")).to_be_visible()


def test_she_closes_with_an_outcome_and_takes_the_close_back(room, sit):
    room.staff("mina")
    case_id = room.cry()
    page = sit("mina")
    take_first(page)
    page.locator("summary", has_text="بستن").click()
    page.get_by_label("اکنون در جای امن است").check()
    page.get_by_label("در یک جمله").fill("پیش خواهرش رفت.")
    page.get_by_role("button", name="بستن پرونده").click()
    expect(page.get_by_text("این پرونده بسته است.")).to_be_visible()
    assert ("closed", "safe_now") == (room.case(case_id)["state"], room.case(case_id)["outcome"])

    page.get_by_role("button", name="برگرداندن بستن").click()
    expect(page.locator("#composer")).to_be_visible()
    assert ("claimed", "mina") == (room.case(case_id)["state"], room.case(case_id)["holder"])


def test_what_a_stranger_writes_is_shown_as_text_and_does_nothing(room, sit):
    room.staff("mina")
    room.cry()
    page = sit("mina")
    take_first(page)
    for hostile in HOSTILE:
        room.say(hostile)

        expect(page.locator(".said.contact").last).to_contain_text(hostile.strip()[-8:])
    assert "owned" not in page.title()
    assert 0 == page.locator("#log img, #log svg, #log script, #log h1").count()


def test_a_note_being_written_is_not_touched_by_news(room, sit):
    room.staff("mina")
    room.cry()
    page = sit("mina")
    take_first(page)
    page.get_by_label("او نمی‌بیند").fill("همسرش راننده است")
    page.get_by_label("پیام شما").fill("نیمه")
    room.say("هستید؟")
    expect(page.locator(".said.contact").last).to_contain_text("هستید؟")

    expect(page.get_by_label("او نمی‌بیند")).to_have_value("همسرش راننده است")
    expect(page.get_by_label("پیام شما")).to_have_value("نیمه")


def test_she_refers_notes_lowers_and_gives_the_talk_back_without_leaving_the_page(room, sit):
    room.staff("mina", name="مینا")
    case_id = room.cry()
    page = sit("mina")
    take_first(page)
    page.get_by_label("به کجا", exact=True).select_option("mobile_team")
    page.get_by_role("button", name="ثبت").click()
    expect(page.locator('[data-live="referrals"]')).to_contain_text("اعزام تیم سیار")
    page.get_by_text("نوشتن راه تماس امن").click()
    page.get_by_label("راه (تماس").fill("تماس صبح‌ها")
    page.get_by_role("button", name="نوشتن", exact=True).click()
    expect(page.locator('[data-live="safe"]')).to_contain_text("تماس صبح‌ها")
    page.get_by_label("او نمی‌بیند").fill("کلید دست خواهرش است")
    page.get_by_role("button", name="نوشتن یادداشت").click()
    expect(page.locator(".notes")).to_contain_text("کلید دست خواهرش است")
    page.locator("summary", has_text="کارهای دیگر").click()
    page.get_by_label("تا ۷ روز").check()
    page.get_by_label("چرا؟ این دلیل").fill("در جای امن است")
    page.get_by_role("button", name="پایین آوردن").click()
    expect(page.locator(".case-head .tier")).to_have_text("تا ۷ روز")
    page.locator("summary", has_text="کارهای دیگر").click()
    page.get_by_role("button", name="سپردن گفت‌وگو به ربات").click()
    expect(page.get_by_text("پرونده باز است")).to_be_visible()

    assert ("waiting", "T3") == (room.case(case_id)["state"], room.case(case_id)["tier"])
    assert ["mobile_team"] == [row["to_type"] for row in room.rows(schema.referrals)]
    expect(page.locator("td.wait").first).to_contain_text("برمی‌گردد")


def test_when_her_claim_is_lost_she_is_told_and_her_words_are_kept(room, sit):
    room.staff("mina")
    case_id = room.cry()
    page = sit("mina")
    take_first(page)
    page.get_by_label("پیام شما").press_sequentially("نیمه‌کاره")
    room.core.store.write_now(
        lambda tx: put_back(tx, room.deps.office, *lost(room, tx, case_id), kind="lease_lost", by="t", now_ms=room.now)
    )
    expect(page.get_by_text("این پرونده دیگر در دست شما نیست.")).to_be_visible()
    expect(page.locator("#composer")).to_have_count(0)
    page.get_by_role("button", name="برداشتن پرونده").click()

    expect(page.get_by_label("پیام شما")).to_have_value("نیمه‌کاره")


def lost(room, tx, case_id):
    before = repo.open_case_of(tx.connection, room.case(case_id)["contact_id"])
    return before, force_release(before)


def test_without_scripts_she_still_signs_in_takes_writes_and_closes(room, sit):
    room.staff("mina")
    case_id = room.cry()
    page = sit("mina", java_script_enabled=False)
    page.get_by_role("button", name=re.compile("فوری‌ترین")).click()
    page.get_by_label("پیام شما").fill("سلام")
    page.get_by_role("button", name="بفرست").click()
    expect(page.locator(".said.staff")).to_contain_text("سلام")
    page.locator("summary", has_text="بستن").click()
    page.get_by_label("ارجاع شد").check()
    page.get_by_label("در یک جمله").fill("به مرکز")
    page.get_by_role("button", name="بستن پرونده").click()

    assert "closed" == room.case(case_id)["state"]
