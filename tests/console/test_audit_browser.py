"""The page of the audit in a real browser, wide and on a phone."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from bot.anchors import note_verdict
from bot.store.audit import Verdict
from escalation import acts

SHOTS = os.environ.get("SHOTS", "")


def shot(page, name):
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize("viewport", [(1366, 768), (390, 780)])
def test_a_supervisor_looks_up_who_did_what_with_a_case(room, sit, viewport):
    mina = room.staff("mina", name="مینا کاظمی")
    room.staff("leila", "supervisor", "admin", "flow_admin", "counsellor", name="لیلا نورانی‌پور")
    case_id = room.cry()
    token = room.claim(mina, case_id).token
    room.says(mina, case_id, token)
    where = {"actor": mina, "case_id": case_id, "token": token, "desk": "IR-07", "now_ms": room.now}
    room.core.store.write_now(lambda tx: acts.transfer_case(tx, room.deps.office, **where))
    room.core.store.write_now(lambda tx: note_verdict(tx, Verdict(rows=3), room.now))
    page = sit("leila", viewport=viewport)
    page.get_by_role("link", name="دفتر کارها").click()

    expect(page.locator("#chain.good")).to_contain_text("زنجیره سالم است")
    expect(page.locator(".trail")).to_contain_text("به میز دیگری سپرد: میز فارس")
    shot(page, f"audit-{viewport[0]}")
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport[0]
    page.get_by_text("جست‌وجو در دفتر").click()
    page.get_by_label("شمارهٔ پرونده").fill("۰۰۰۰۰")
    page.get_by_label("چه کاری").select_option("کار روی پرونده")
    page.get_by_role("button", name="نشان بده").click()
    expect(page.locator(".field:has(#case-code) .mistake")).to_contain_text("چنین پرونده‌ای")
    expect(page.get_by_label("چه کاری")).to_have_value("case")
    shot(page, f"audit-mistake-{viewport[0]}")
    page.get_by_label("شمارهٔ پرونده").fill(room.case(case_id)["code"])
    page.get_by_role("button", name="نشان بده").click()
    expect(page.locator(".trail tbody tr")).to_have_count(3)
    shot(page, f"audit-found-{viewport[0]}")
    page.get_by_role("link", name="همهٔ دفتر").click()
    expect(page.locator(".trail")).to_contain_text("دفتر کارهای پرونده را خواند")
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport[0]


def test_a_broken_chain_and_an_empty_search_are_told_plainly_on_a_phone(room, sit):
    room.staff("boss", "admin", name="نگار")
    room.core.store.write_now(lambda tx: note_verdict(tx, Verdict(rows=3, broken=4), room.now))
    page = sit("boss", viewport=(390, 780))
    page.goto("/audit?kind=system")

    expect(page.locator("#chain.error")).to_contain_text("ردیف ۴")
    expect(page.locator(".empty")).to_contain_text("چنین ردیفی نیست")
    shot(page, "audit-empty-390")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
