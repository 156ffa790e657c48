"""The editor in a real browser: what the small script adds, and that a hostile script file stays text."""

import asyncio
import socket
import threading

import pytest
import uvicorn
from playwright.sync_api import expect, sync_playwright

from bot.drafts import read_file

ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]


@pytest.fixture
def url(console):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(console, log_level="error", lifespan="off", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = server.force_exit = True
    thread.join(10)
    listener.close()


@pytest.fixture
def page(url):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGS)
        opened = browser.new_page(viewport={"width": 1280, "height": 800})
        problems = []
        opened.on("pageerror", lambda error: problems.append(str(error)))
        opened.on("console", lambda line: problems.append(line.text) if "Content Security" in line.text else None)
        opened.goto(f"{url}/login?next=/flows/")
        opened.locator("[name=username]").fill("sara")
        opened.locator("[name=password]").fill("a long enough phrase")
        opened.locator("[name=password]").press("Enter")
        opened.wait_for_url("**/flows/")
        yield opened
        browser.close()
    assert problems == []


def test_a_problem_leads_to_its_line_and_numbers_follow_the_text(page, url, flows):
    page.goto(f"{url}/flows/edit/welcome.yaml")
    text = page.locator("#text")
    before = page.locator("#numbers li").count()
    text.fill(text.input_value().replace("- ask: topic", "- go: nowhere\n- ask: topic"))

    expect(page.locator("#numbers li")).to_have_count(before + 1)
    expect(page.get_by_text("ذخیره نشده")).to_be_visible()
    page.get_by_role("button", name="ذخیرهٔ پیش‌نویس").click()
    page.wait_for_url("**said=saved*")
    expect(page.locator("#numbers li")).to_have_count(before + 1)  # the script has run here too
    page.locator(".problem.E .at").first.click()
    chosen = page.evaluate("getSelection().toString() || text.value.slice(text.selectionStart, text.selectionEnd)")

    assert chosen == "- go: nowhere"
    assert "- go: nowhere" in read_file(flows, "welcome.yaml")


def test_a_problem_of_another_file_leads_there_and_marks_no_line_here(page, url):
    for file, old, new in (
        ("welcome.yaml", "- {end: done,", "- refer: place\n  to: ngo\n  text: باشد.\n- {end: done,"),
        ("directory/ngo.yaml", "directory: ngo", "directory: charity"),
    ):
        page.goto(f"{url}/flows/edit/{file}")
        text = page.locator("#text")
        text.fill(text.input_value().replace(old, new))
        page.get_by_role("button", name="ذخیرهٔ پیش‌نویس").click()
        expect(page.get_by_text("پیش‌نویس ذخیره شد.")).to_be_visible()
        page.wait_for_load_state()  # its script marks the lines when the page is whole
    elsewhere = page.locator('.problem .at[href^="/flows/edit/welcome.yaml#"]').first
    here = {f"L{link.get_attribute('data-line')}" for link in page.locator('.problem .at[href^="#"]').all()}

    assert {item.get_attribute("id") for item in page.locator("#numbers li.E, #numbers li.W").all()} == here
    elsewhere.click()
    page.wait_for_url("**/flows/edit/welcome.yaml#L*")


def test_numbers_stand_beside_their_lines(page, url):
    page.goto(f"{url}/flows/edit/always.yaml")
    box, first, last = (
        page.locator(selector).bounding_box()
        for selector in ("#text", "#numbers li:first-child", "#numbers li:last-child")
    )
    lines = page.locator("#numbers li").count()

    assert abs((first["y"] - box["y"]) - 12) < 2
    assert abs((last["y"] + last["height"] + 12) - (box["y"] + box["height"])) < 2 + lines * 0.05


def test_leaving_with_unsaved_words_asks_first(page, url):
    page.goto(f"{url}/flows/edit/welcome.yaml")
    page.locator("#text").press_sequentially("# فکر")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.get_by_role("link", name="تاریخچه").click()
    page.wait_for_url("**/flows/history")

    assert asked == ["beforeunload"]


def test_what_was_typed_waits_while_she_signs_in_again(page, url):
    page.goto(f"{url}/flows/edit/welcome.yaml")
    page.locator("#text").fill("flow: welcome\n# نوشتهٔ یک ساعت")
    cookies = page.context.cookies()
    page.context.clear_cookies()
    page.get_by_role("button", name="ذخیرهٔ پیش‌نویس").click()
    page.wait_for_load_state()
    assert page.locator("#text").count() == 0
    page.context.add_cookies(cookies)
    page.goto(f"{url}/flows/edit/welcome.yaml")

    expect(page.locator("#text")).to_have_value("flow: welcome\n# نوشتهٔ یک ساعت")
    expect(page.locator("#dirty")).to_be_visible()


def test_a_hostile_file_runs_nothing(page, url, flows):
    hostile = "</textarea><img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    (flows / "welcome.yaml").write_text(f'flow: welcome\ntitle: "{hostile}"\n', encoding="utf-8")
    for path in ("/flows/", "/flows/edit/welcome.yaml", "/flows/changes"):
        page.goto(url + path)

        assert "owned" not in page.title()


def test_the_conversation_that_breaks_a_rule_reads_from_right_to_left(page, url, flows):
    page.goto(f"{url}/flows/edit/welcome.yaml")
    text = page.locator("#text")
    question = "- ask: danger\n  text: در خطرید؟\n  discreet: خطر؟\n  yes_no: {yes: {label: بله، همین الان, danger: immediate, kinds: [family_violence], go: done}, no: نه}\n- {end: done,"
    text.fill(text.input_value().replace("- {end: done,", question))
    page.get_by_role("button", name="ذخیرهٔ پیش‌نویس").click()
    page.wait_for_url("**said=saved*")
    page.get_by_role("link", name="بررسی کامل").click()
    page.wait_for_url("**check=complete")
    said = page.locator("blockquote", has_text="بله، همین الان").first.locator("bdi")
    first, last = (said.nth(at).bounding_box() for at in (0, -1))

    assert said.count() > 1
    assert (first["y"], -first["x"]) < (last["y"], -last["x"])
