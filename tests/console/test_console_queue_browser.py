"""The queue in a real browser: what waits, who takes it, and whether the page is still alive."""

import re
import time

from console.keys import take_first
from playwright.sync_api import expect

from bot.store import schema
from escalation import shifts
from escalation.case import LEASE_MS

PASSWORD = "a long enough phrase"


def test_she_signs_in_to_an_empty_queue_that_says_so_kindly_on_a_live_link(room, sit):
    room.staff("mina", name="مینا")
    page = sit()
    page.get_by_label("نام کاربری").fill("mina")
    page.get_by_label("گذرواژه").fill(PASSWORD)
    page.keyboard.press("Enter")

    expect(page.get_by_text("کسی منتظر نیست.")).to_be_visible()
    expect(page.locator("#link")).to_have_text("زنده")


def test_a_case_appears_within_a_second_of_the_cry_without_a_reload(room, sit):
    room.staff("mina")
    page = sit("mina")
    expect(page.locator("#link")).to_have_text("زنده")
    page.evaluate("window.stayed = true")
    seen_s = []
    for number, who in enumerate(("sara", "zahra", "narges"), 1):
        room.cry(who)
        began = time.monotonic()
        expect(page.locator("tr.hot")).to_have_count(number)
        seen_s.append(time.monotonic() - began)

    assert min(seen_s) < 1.0
    expect(page.locator("tr.hot").first).to_contain_text("فوری")
    expect(page.locator("#take button")).to_be_enabled()
    assert page.evaluate("window.stayed")


def test_one_key_takes_the_most_urgent_case_and_opens_it(room, sit):
    room.staff("mina")
    room.say("شوهرم دیروز کتکم زد", "narges")
    urgent = room.cry("sara")
    page = sit("mina")
    take_first(page)

    assert page.url.endswith(f"/cases/{urgent}")
    assert ("claimed", "mina") == (room.case(urgent)["state"], room.case(urgent)["holder"])
    expect(page.get_by_label("پیام شما")).to_be_focused()
    expect(page.locator(".said.contact").first).to_contain_text("شوهرم داره منو می‌زنه")
    assert "شوهرم" not in page.title() + page.url


def test_the_letter_n_on_a_persian_keyboard_takes_too(room, sit):
    room.staff("mina")
    room.cry()
    page = sit("mina")
    page.locator("#take button").wait_for()
    page.evaluate("document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'د', code: 'KeyN', bubbles: true}))")

    expect(page.locator("#composer")).to_be_visible()


def test_a_mistaken_claim_is_undone_with_one_key(room, sit):
    room.staff("mina")
    case_id = room.cry()
    before = room.case(case_id)["queued_at"]
    page = sit("mina")
    take_first(page)
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    expect(page.get_by_text("پرونده به صف برگشت.")).to_be_visible()

    assert ("queued", before) == (room.case(case_id)["state"], room.case(case_id)["queued_at"])


def test_two_counsellors_pressing_at_once_never_both_hold_a_case(room, sit):
    room.staff("mina")
    room.staff("leila")
    room.cry("sara")
    room.cry("zahra")
    pages = [sit("mina"), sit("leila")]
    for page in pages:
        page.locator("#take button").wait_for()
    for page in pages:
        page.evaluate("document.getElementById('take').requestSubmit()")
    for page in pages:
        page.locator("#composer").wait_for()

    held = {row["id"]: row["holder"] for row in room.rows(schema.cases)}
    assert {"mina", "leila"} == set(held.values())
    assert pages[0].url != pages[1].url


def test_a_colleagues_claim_is_seen_at_once_and_a_late_press_is_told_so(room, sit):
    room.staff("mina")
    leila = room.staff("leila", name="لیلا")
    case_id = room.cry()
    page = sit("mina")
    button = page.get_by_role("button", name="برداشتن", exact=True)
    button.wait_for()
    page.evaluate("document.addEventListener('panah:heard', (event) => event.stopImmediatePropagation(), true)")
    page.route("**/stream*", lambda route: route.abort())
    room.claim(leila, case_id)
    page.evaluate("document.querySelector('td.do form')?.requestSubmit()")

    expect(page.get_by_text(re.compile("همکار دیگری|لیلا")).first).to_be_visible()
    assert "leila" == room.case(case_id)["holder"]


def test_starting_the_shift_arms_the_sound_and_an_urgent_case_flashes_until_taken(room, sit):
    room.staff("mina")
    page = sit("mina")
    page.evaluate(
        """() => { const start = OscillatorNode.prototype.start;
        OscillatorNode.prototype.start = function (...when) {
          document.body.append(Object.assign(document.createElement("i"), { className: "tone" }));
          return start.apply(this, when); }; }"""
    )
    page.get_by_role("button", name="شروع شیفت").click()
    expect(page.get_by_role("button", name="پایان شیفت")).to_be_visible()
    expect(page.locator("i.tone")).to_have_count(3)  # the test tone
    expect(page.locator("#silent")).to_be_hidden()

    room.cry()
    expect(page).to_have_title(re.compile("^⚠ ۱ فوری"))
    expect(page.locator("i.tone")).not_to_have_count(3)
    take_first(page)
    expect(page).to_have_title(re.compile("^پروندهٔ"))
    expect(page.locator("#urgent")).to_be_hidden()


def test_on_a_case_page_other_urgent_cases_knock(room, sit):
    room.staff("mina")
    room.cry("sara")
    page = sit("mina")
    take_first(page)
    room.cry("zahra")

    expect(page.locator("#urgent")).to_contain_text("۱ پروندهٔ فوری منتظر است.")


def test_ten_tabs_hold_one_stream_and_each_hears_the_news(room, sit):
    room.staff("mina")
    first = sit("mina")
    expect(first.locator("#link")).to_have_text("زنده")
    asked = []
    context = first.context
    context.on(
        "request",
        lambda request: (
            asked.append(request.url) if request.url.endswith("/stream") or "/stream?" in request.url else None
        ),
    )
    tabs = [context.new_page() for _ in range(4)]
    for tab in tabs:
        tab.goto("/")
    room.cry()

    for tab in [first, *tabs]:
        expect(tab.locator("tr.hot")).to_be_visible()
    assert [] == asked
    first.close()  # the tab that listened goes; another takes over and misses nothing
    room.say("کمک", "sara")
    room.say("شوهرم دیروز کتکم زد", "narges")
    expect(tabs[0].locator("table.cases tbody tr")).to_have_count(2)
    tabs[0].wait_for_timeout(50)
    assert 1 == len(asked)


def test_the_open_stream_keeps_the_lease_and_the_shift(room, sit):
    mina = room.staff("mina")
    case_id = room.cry()
    page = sit("mina")
    expect(page.locator("#link")).to_have_text("زنده")
    with page.expect_response("**/stream/alive"):
        take_first(page)
        room.core.store.write_now(lambda tx: shifts.start_shift(tx, room.deps.office, actor=mina, now_ms=1))
        page.reload()  # a fresh page opens its stream again and answers the first beat

    case = room.case(case_id)
    assert case["lease_until"] - room.now > LEASE_MS - 5_000
    assert room.rows(schema.shifts)[0]["seen_at"] > 1


def test_a_disabled_account_is_out_within_five_seconds(room, sit):
    room.staff("mina")
    boss = room.staff("boss", "admin")
    page = sit("mina")
    expect(page.locator("#link")).to_have_text("زنده")
    room.core.store.write_now(
        lambda tx: tx.execute(schema.staff.update().where(schema.staff.c.id == "mina").values(disabled_at=1)) and None
    )
    assert boss

    page.wait_for_url("**/login", timeout=5_000)


def test_a_lost_connection_is_said_in_red_and_healed(room, sit):
    room.staff("mina")
    page = sit("mina")
    expect(page.locator("#link")).to_have_text("زنده")
    page.evaluate("document.dispatchEvent(new CustomEvent('panah:link', {detail: {state: 'lost', silent: 65000}}))")
    assert "۱ دقیقه" in page.locator("#lost").inner_text()

    expect(page.locator("#lost")).to_be_hidden()


def test_nothing_is_wider_than_a_phone(room, sit):
    room.staff("mina", "counsellor", "supervisor", "admin")
    room.cry("sara")
    room.say("شوهرم دیروز کتکم زد", "narges")
    page = sit("mina", viewport=(390, 844))
    widths = {}
    for path in ("/", "/me", "/staff"):
        page.goto(path)
        widths[path] = page.evaluate("document.documentElement.scrollWidth")
    page.goto("/")
    take_first(page)
    widths["case"] = page.evaluate("document.documentElement.scrollWidth")

    assert {390} == set(widths.values())


def test_seen_is_on_record_and_the_case_stays_where_everybody_can_take_it(room, sit):
    room.staff("mina", name="مینا")
    case_id = room.cry()
    page = sit("mina")
    page.get_by_role("button", name="دیدم").click()

    expect(page.get_by_text("ثبت شد که دیدید.")).to_be_visible()
    expect(page.get_by_role("button", name="برداشتن", exact=True)).to_be_visible()
    assert room.case(case_id)["state"] == "queued"
    assert [row["actor"] for row in room.rows(schema.case_events) if row["kind"] == "seen"] == ["mina"]
