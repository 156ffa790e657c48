"""The page of health in a real browser: calm, red by itself, calm again; and red when it hears nothing more."""

import os
from pathlib import Path

from playwright.sync_api import expect

SHOTS = os.environ.get("SHOTS", "")


def shot(page, name):
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def age(room, case_id, seconds):
    room.core.store.write_now(
        lambda tx: tx.raw.execute("UPDATE cases SET queued_at = queued_at - ? WHERE id = ?", (seconds * 1000, case_id))
    )


def test_an_urgent_case_that_waits_turns_page_and_dots_red_and_a_claim_turns_them_green(room, sit):
    mina = room.staff("mina")
    room.staff("reza", "supervisor", name="رضا")
    page, counsellor = sit("reza"), sit("mina")
    page.goto("/health")
    expect(page.locator("h1")).to_have_text("همه‌چیز کار می‌کند")
    expect(counsellor.locator(".dot")).to_have_text("سامانه سالم")
    shot(page, "green")
    case_id = room.cry()
    age(room, case_id, 61)
    expect(page.locator('[data-alarm-key="urgent"]')).to_contain_text("حالا چه کنیم", timeout=10_000)
    expect(page.locator("h1")).to_have_text("۱ هشدار سامانه")
    expect(counsellor.locator(".dot")).to_have_text("۱ هشدار")
    assert counsellor.locator("a.dot").count() == 0
    shot(page, "red")
    shot(counsellor, "queue-red")
    room.claim(mina, case_id)
    expect(page.locator("h1")).to_have_text("همه‌چیز کار می‌کند")
    expect(counsellor.locator(".dot")).to_have_text("سامانه سالم")


def test_a_page_that_hears_nothing_for_thirty_seconds_says_so_itself(room, sit):
    room.staff("ada", "admin")
    page = sit("ada")
    page.clock.install()
    page.goto("/health")
    expect(page.locator("h1")).to_have_text("همه‌چیز کار می‌کند")
    page.route("**/health", lambda route: route.abort())
    page.clock.run_for(25_000)
    expect(page.locator("h1")).to_have_text("همه‌چیز کار می‌کند")
    page.clock.run_for(8_000)
    expect(page.locator("h1")).to_have_text("سامانه پاسخ نمی‌دهد")
    expect(page.locator(".dot")).to_have_text("سامانه پاسخ نمی‌دهد")
    shot(page, "stale")
    page.unroute("**/health")
    page.clock.run_for(6_000)
    expect(page.locator("h1")).to_have_text("همه‌چیز کار می‌کند")


def test_on_a_phone_every_alarm_can_be_read_without_sideways_scrolling(room, sit):
    room.staff("ada", "admin", "supervisor", "flow_admin", name="آدا نورانی‌پور")
    page = sit("ada", viewport=(390, 780))
    age(room, room.cry(), 3_000)
    page.goto("/health")
    expect(page.locator('[data-alarm-key="urgent"]')).to_be_visible(timeout=10_000)
    shot(page, "phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.click('[data-alarm-key="urgent"] a')
    expect(page.locator("#urgent.card")).to_be_in_viewport()
    shot(page, "help")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_new_installation_says_that_no_backup_was_ever_made_and_what_to_do(room, sit):
    room.staff("ada", "admin", name="آدا")
    for viewport in ((1366, 768), (390, 780)):
        page = sit("ada", viewport=viewport)
        page.goto("/health")

        told = page.locator('.alarm.to-do[data-alarm-key="backup"]')
        expect(told).to_contain_text("هنوز هیچ پشتیبانی ساخته نشده است")
        expect(told).to_contain_text("panah backup FILE")
        expect(page.locator('[data-well="backup"]')).to_have_count(0)
        expect(page.locator("h1")).to_have_text("همه‌چیز کار می‌کند")
        shot(page, f"no-backup-{viewport[0]}")
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport[0]
