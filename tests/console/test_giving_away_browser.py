"""Giving a case away, in real browsers: to a desk where somebody is at work, to a colleague by name."""

from console.keys import take_first
from playwright.sync_api import expect

from escalation import shifts


def at_work(room, username, **fields):
    """Add somebody who is on shift."""
    actor = room.staff(username, **fields)
    room.core.store.write_now(lambda tx: shifts.start_shift(tx, room.deps.office, actor=actor, now_ms=room.now))
    return actor


def test_each_desk_says_beside_its_name_whether_anybody_is_at_work(room, sit):
    room.staff("mina")
    at_work(room, "tehran", province="IR-23")
    room.cry()
    page = sit("mina")
    take_first(page)
    page.locator("summary", has_text="کارهای دیگر").click()
    groups = page.locator("#desk optgroup")

    expect(groups.nth(0)).to_have_attribute("label", "کسی سر کار است")
    assert ["تهران: ۱ نفر سر کار"] == groups.nth(0).locator("option").all_text_contents()
    expect(groups.nth(1)).to_have_attribute("label", "در این میزها کسی سر کار نیست")
    expect(groups.nth(1).locator('option[value="IR-07"]')).to_have_text("فارس: کسی سر کار نیست")


def test_the_head_of_the_page_names_the_desk(room, sit):
    room.staff("mina")
    room.cry()
    page = sit("mina")
    take_first(page)

    expect(page.locator(".case-head .line")).to_contain_text("میز کشوری")


def test_a_case_given_to_a_colleague_calls_her_and_is_hers_once_she_takes_it(room, sit):
    at_work(room, "mina", name="مینا")
    at_work(room, "sara", name="سارا")
    case_id = room.cry()
    first, second = sit("mina"), sit("sara", viewport=(390, 844))
    second.evaluate("""() => {
        document.addEventListener("panah:heard", ({ detail }) => { if (detail.yours) window.called = true; });
    }""")
    first.locator("#take button").click()
    first.locator("summary", has_text="کارهای دیگر").click()
    first.get_by_label("همکار", exact=True).select_option(label="سارا، میز کشوری")
    first.get_by_label("یادداشت برای او").fill("با خواهرش حرف زده‌ام")
    first.get_by_role("button", name="سپردن به او").click()
    expect(first.get_by_text("پرونده با نام همکارتان در صف است")).to_be_visible()
    expect(first.locator("tr", has_text="برای سارا")).to_be_visible()

    expect(second.locator("#told")).to_contain_text("به شما سپرد")
    assert second.evaluate("window.called")
    expect(second.locator(".mark.new")).to_have_text("برای شما")
    second.get_by_role("button", name="برداشتن", exact=True).click()
    expect(second.locator("#composer")).to_be_visible()
    expect(second.locator(".notes")).to_contain_text("با خواهرش حرف زده‌ام")
    expect(second.locator('[data-live="history"]')).to_contain_text("سپرده شد به سارا: مینا")
    assert ("claimed", "sara") == (room.case(case_id)["state"], room.case(case_id)["holder"])


def test_who_has_just_gone_home_is_given_nothing_and_the_case_stays(room, sit):
    at_work(room, "mina")
    sara = at_work(room, "sara", name="سارا")
    case_id = room.cry()
    page = sit("mina")
    page.locator("#take button").click()
    page.locator("summary", has_text="کارهای دیگر").click()
    page.get_by_label("همکار", exact=True).select_option(label="سارا، میز کشوری")
    room.core.store.write_now(lambda tx: shifts.end_shift(tx, room.deps.office, actor=sara, now_ms=room.now))
    page.get_by_role("button", name="سپردن به او").click()

    expect(page.get_by_text("این همکار همین حالا سر کار نیست")).to_be_visible()
    assert "mina" == room.case(case_id)["holder"]
