"""What a counsellor alone at night must see and reach in a real browser: a lost server, a cry, keys, a narrow phone."""

import os
import re
from pathlib import Path

import pytest
from console.keys import take_first
from playwright.sync_api import expect

from bot.proof.wire import Trouble, Wire
from escalation import acts

SHOTS = os.environ.get("SHOTS", "")
#: Pairs of cells of the queue whose words lie over one another.
OVERLAPS = """() => [...document.querySelectorAll(".cases tr")].flatMap((row) => {
  const boxes = [...row.cells].map((cell) => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    return [...range.getClientRects()].filter((box) => box.width > 1);
  });
  const over = (a, b) => a.some((p) => b.some((q) =>
    p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 4 && q.top < p.bottom - 4));
  return boxes.flatMap((a, i) => boxes.slice(i + 1).map((b, j) => over(a, b) ? `${i}/${i + 1 + j}` : "")).filter(Boolean);
})"""


def shot(page, name):
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize("width", [360, 390, 1366])
def test_no_word_of_the_queue_lies_over_another(room, sit, width):
    mina = room.staff("mina", name="مینا نورانی‌پور گلپایگانی")
    for who, text in (
        ("sara", "شوهرم داره منو می‌زنه"),
        ("zahra", "دیگه نمی‌خوام زنده بمونم"),
        ("narges", "شوهرم دیروز کتکم زد"),
    ):
        room.cry(who, text)
    resting = room.cry("sahar")
    token = room.claim(mina, resting).token
    room.says(mina, resting, token)
    room.core.store.write_now(
        lambda tx: acts.hand_back(tx, room.deps.office, actor=mina, case_id=resting, token=token, now_ms=room.now)
    )
    page = sit("mina", viewport=(width, 844))
    expect(page.locator(".cases .wait", has_text="برمی‌گردد")).to_be_visible()
    shot(page, f"queue-{width}")

    assert [] == page.evaluate(OVERLAPS)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_server_that_says_nothing_more_is_told_within_eight_seconds(room, sit, served):
    room.staff("mina")
    page = sit("mina")
    expect(page.locator("#link")).to_have_text("زنده")
    page.context.set_offline(True)  # an open socket over which nothing comes any more
    served.__exit__()
    expect(page.locator("#lost")).to_be_visible(timeout=9_500)
    shot(page, "lost")


def test_a_line_that_died_without_a_word_is_taken_up_again_and_the_case_of_meanwhile_is_seen(room, sit, served):
    async def forget_every_connection():
        wire.be(Trouble(half_open=True))  # as a router that forgot them, or a server whose power was cut
        wire.heal()

    wire = Wire("127.0.0.1", int(served.url.rpartition(":")[2]))
    served.run(wire.__aenter__())
    room.staff("mina")
    page = sit("mina", through=wire.url)
    expect(page.locator("#link")).to_have_text("زنده")
    served.run(forget_every_connection())
    room.cry()

    expect(page.locator("#lost")).to_be_visible(timeout=9_500)
    expect(page.locator("tr.hot")).to_be_visible(timeout=45_000)
    expect(page.locator("#lost")).to_be_hidden()
    page.context.close()
    served.run(wire.__aexit__(None, None, None))


def test_on_shift_an_immediate_case_flashes_in_its_row_and_in_the_title(room, sit):
    room.staff("mina")
    page = sit("mina")
    page.click("#shift button")
    expect(page.locator("body")).to_have_attribute("data-shift", "on")
    room.cry()
    row = page.locator("tr.hot")
    expect(row).to_be_visible()
    expect(page).to_have_title(re.compile("^⚠"))

    assert "hot" == row.evaluate("(row) => getComputedStyle(row).animationName")
    page.click("#shift button")
    expect(page.locator("body")).to_have_attribute("data-shift", "off")
    assert "none" == page.locator("tr.hot").evaluate("(row) => getComputedStyle(row).animationName")


def test_note_close_and_hand_back_each_have_a_key_that_only_goes_there(room, sit):
    room.staff("mina")
    case_id = room.cry()
    page = sit("mina")
    take_first(page)
    page.keyboard.press("Escape")
    page.keyboard.press("KeyM")
    assert "note" == page.evaluate("document.activeElement.id")
    page.keyboard.press("Escape")
    page.keyboard.press("KeyC")
    expect(page.locator('.menu[data-menu="close"] .sheet')).to_be_visible()
    assert "outcome" == page.evaluate("document.activeElement.name")
    page.keyboard.press("Escape")
    page.keyboard.press("KeyH")
    assert page.locator("[data-hand-back]").evaluate("(button) => button === document.activeElement")
    assert "claimed" == room.case(case_id)["state"]
    shot(page, "hand-back")
    page.keyboard.press("Enter")  # without the tick the browser asks for it
    assert "claimed" == room.case(case_id)["state"]
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?said=released")  # nobody has written to her yet: it does not rest
    assert "queued" == room.case(case_id)["state"]
    page.keyboard.press("Shift+Slash")
    expect(page.locator("#keys")).to_contain_text("سپردن گفت‌وگو به ربات")
    shot(page, "keys")
