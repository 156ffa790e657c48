"""The page in a real browser, as a cheap phone shows it."""

import re

import pytest
from playwright.sync_api import expect
from web.conftest import pass_until_shown

from bot.core.messages import TextInput
from bot.web import citizen

ANYWHERE = re.compile(r"https?://(?!127\.0\.0\.1)")


@pytest.fixture
def watched():
    """Collect what no page of ours may do: errors, broken policy, requests to others."""
    found = []

    def watch(page):
        page.on("pageerror", lambda error: found.append(str(error)))
        page.on("console", lambda line: found.append(line.text) if "Content Security Policy" in line.text else None)
        page.route(ANYWHERE, lambda route: route.fulfill(body="<title>elsewhere</title>", content_type="text/html"))
        return page

    yield watch

    assert found == []


@pytest.fixture
def open_phone(phone, watched):
    return lambda **options: watched(phone(**options))


def write(page, text):
    page.get_by_label("پیام شما").fill(text)
    page.get_by_role("button", name="فرستادن").click()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no_script"])
def test_she_starts_answers_with_a_button_and_writes(world, served, open_phone, options, script):
    world.inbox.answers["سلام"] = options
    page = open_phone(java_script_enabled=script)
    page.goto(served.url)
    page.get_by_role("button", name="شروع گفت‌وگو").click()
    page.get_by_role("button", name="نه، در خطرم").click()
    expect(page.get_by_text("شنیدم: no")).to_be_visible()
    write(page, "کمک می‌خواهم")

    expect(page.get_by_text("شنیدم: کمک می‌خواهم")).to_be_visible()
    expect(page.locator("#log li")).to_have_count(6)
    assert page.title() == "گفت‌وگو"
    assert page.url.removeprefix(served.url) in {"/", "/#end"}
    assert [type(message.input).__name__ for message in world.inbox.received] == [
        "TextInput",
        "PressInput",
        "TextInput",
    ]


@pytest.mark.parametrize("script", [True, False], ids=["script", "no_script"])
def test_the_way_out_is_in_view_wherever_she_scrolls(world, served, open_phone, script):
    page = open_phone(java_script_enabled=script)
    page.goto(served.url)
    for number in range(4):
        write(page, f"پیام بلند شماره‌ی {number}. " * 6)
        expect(page.get_by_text("شنیدم")).to_have_count(number + 1)
    page.mouse.wheel(0, -5000)
    leave = page.get_by_role("link", name="خروج", exact=True)

    expect(leave).to_be_in_viewport()
    leave.click()
    page.wait_for_url(citizen.EXITS[0])
    page.goto(served.url)
    expect(page.get_by_role("button", name="شروع گفت‌وگو")).to_be_visible()
    expect(page.locator("#log li")).to_have_count(0)
    assert world.inbox.received[-1].input == TextInput("0")


@pytest.mark.parametrize("key", ["Escape", "Shift"])
def test_three_quick_keys_leave_and_the_page_is_not_in_the_way_back(world, served, open_phone, key):
    page = open_phone()
    page.goto("about:blank")
    page.goto(served.url)
    for _ in range(3):
        page.keyboard.press(key)
    page.wait_for_url(citizen.EXITS[0])
    page.go_back()

    assert page.url == "about:blank"


def test_writing_zero_leaves_at_once_and_clears_a_second_tab(world, served, open_phone):
    page = open_phone()
    page.goto(served.url)
    write(page, "سلام")
    expect(page.get_by_text("شنیدم: سلام")).to_be_visible()
    other = page.context.new_page()
    other.goto(served.url)
    write(other, "دومی")
    expect(other.get_by_text("شنیدم: دومی")).to_be_visible()
    write(page, "0")
    page.wait_for_url(citizen.EXITS[0])

    assert [message.input.text for message in world.inbox.received].count("0") == 1
    expect(other.locator("#log li")).to_have_count(0)


def test_a_counsellors_message_appears_by_itself(world, served, open_phone):
    page = open_phone()
    page.goto(served.url)
    write(page, "سلام")
    expect(page.get_by_text("شنیدم: سلام")).to_be_visible()
    world.staff_writes("من همکار شما هستم. اگر لازم شد 123 را بگیرید.")

    expect(page.get_by_text("من همکار شما هستم")).to_be_visible()
    expect(page.locator("#log").get_by_role("link", name="123")).to_have_attribute("href", "tel:123")


def test_without_script_a_link_brings_what_is_new(world, served, open_phone):
    page = open_phone(java_script_enabled=False)
    page.goto(served.url)
    write(page, "سلام")
    world.staff_writes("من همکار شما هستم.")
    page.get_by_role("link", name="دیدن پاسخ‌های تازه").click()

    expect(page.get_by_text("من همکار شما هستم")).to_be_visible()


def test_what_could_not_be_sent_is_sent_once_when_the_line_is_back(world, served, open_phone):
    page = open_phone()
    page.goto(served.url)
    write(page, "یک")
    expect(page.get_by_text("شنیدم: یک")).to_be_visible()
    page.context.set_offline(True)
    write(page, "دو")
    write(page, "سه")
    expect(page.get_by_role("button", name="فرستاده نشد، دوباره")).to_be_visible()
    page.context.set_offline(False)

    expect(page.get_by_text("شنیدم: سه")).to_be_visible()
    expect(page.locator("#log li")).to_have_count(6)
    assert [message.input.text for message in world.inbox.received] == ["یک", "دو", "سه"]


def test_an_answer_lost_on_the_way_back_is_asked_for_again_and_not_sent_twice(world, served, open_phone):
    page = open_phone()
    page.goto(served.url)

    def lose_the_first(route):
        if world.inbox.received:
            route.continue_()
        else:
            route.fetch()
            route.abort()

    page.route(
        served.url + "/", lambda route: lose_the_first(route) if route.request.method == "POST" else route.continue_()
    )
    write(page, "یک")
    page.get_by_role("button", name="فرستاده نشد، دوباره").click()

    expect(page.get_by_text("شنیدم: یک")).to_be_visible()
    expect(page.locator("#log li")).to_have_count(2)
    assert len(world.inbox.received) == 1


def test_a_busy_moment_is_told_and_mended_by_itself(world, served, open_phone):
    page = open_phone()
    page.goto(served.url)
    world.inbox.mode = "overloaded"
    write(page, "یک")
    expect(page.get_by_text("الان شلوغ است")).to_be_visible()
    world.inbox.mode = "echo"

    expect(page.get_by_text("شنیدم: یک")).to_be_visible()


def test_a_reload_keeps_the_talk_and_opening_it_anew_does_not(world, served, phone):
    page = phone()  # without routes: they change what the browser says about caching
    page.goto(served.url)
    write(page, "سلام")
    expect(page.get_by_text("شنیدم: سلام")).to_be_visible()
    page.reload()
    expect(page.get_by_text("شنیدم: سلام")).to_be_visible()
    other = page.context.new_page()
    other.goto(served.url)

    expect(other.locator("#log li")).to_have_count(0)
    expect(other.get_by_role("button", name="شروع گفت‌وگو")).to_be_visible()


def test_what_comes_stays_for_ten_minutes_though_what_was_before_is_taken_away(world, served, open_phone):
    page = open_phone()
    page.clock.install()
    page.goto(served.url)
    write(page, "سلام")
    expect(page.get_by_text("شنیدم: سلام")).to_be_visible()
    page.clock.run_for(8 * 60 * 1000)
    world.staff_writes("همکار شما هستم.")
    pass_until_shown(page, "همکار شما هستم.")
    page.clock.run_for(3 * 60 * 1000)

    expect(page.get_by_text("شنیدم: سلام")).to_have_count(0)
    expect(page.get_by_text("همکار شما هستم.")).to_be_visible()


def test_ten_idle_minutes_clear_the_screen_and_a_new_message_still_comes(world, served, open_phone):
    page = open_phone()
    page.clock.install()
    page.goto(served.url)
    write(page, "سلام")
    page.clock.run_for(1000)
    expect(page.get_by_text("شنیدم: سلام")).to_be_visible()
    page.clock.run_for(11 * 60 * 1000)
    expect(page.locator("#log li")).to_have_count(0)
    world.clock.advance(11 * 60)
    world.staff_writes("همکار شما هستم.")

    pass_until_shown(page, "همکار شما هستم.")
    page.clock.run_for(9 * 60 * 1000)
    expect(page.get_by_text("همکار شما هستم.")).to_be_visible()
    page.clock.run_for(2 * 60 * 1000)
    expect(page.locator("#log li")).to_have_count(0)


def test_listening_that_hangs_is_ended_so_that_nothing_queues_behind_it(served, open_phone):
    page, under_way = open_phone(), []
    page.on("request", lambda asked: under_way.append(asked.url) if "/new" in asked.url else None)
    page.on("requestfailed", lambda asked: under_way.remove(asked.url))
    page.on("requestfinished", lambda asked: under_way.remove(asked.url) if "/new" in asked.url else None)
    page.clock.install()
    page.goto(served.url)
    write(page, "سلام")
    expect(page.get_by_text("شنیدم: سلام")).to_be_visible()
    page.clock.run_for(9 * 60 * 1000)  # each hangs for 45 s of it, and is begun again
    write(page, "هنوز هستید؟")

    expect(page.get_by_text("شنیدم: هنوز هستید؟")).to_be_visible()
    assert len(under_way) <= 1


def test_hostile_text_is_shown_as_text(world, served, phone):
    hostile = '<img src=x onerror="document.title=1"><script>document.title=2</script>{{7*7}}'
    world.inbox.answers[hostile] = (hostile, ())
    page = phone()
    page.goto(served.url)
    write(page, hostile)
    expect(page.get_by_text(hostile)).to_have_count(2)
    page.reload()

    expect(page.get_by_text(hostile)).to_have_count(2)
    assert page.title() == "گفت‌وگو"


def test_nothing_is_kept_in_the_browsers_stores(world, served, open_phone):
    page = open_phone()
    page.goto(served.url)
    write(page, "سلام")
    expect(page.get_by_text("شنیدم: سلام")).to_be_visible()

    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert page.evaluate("document.cookie") == ""


def test_nothing_is_wider_than_a_small_phone(world, served, open_phone, options):
    world.inbox.answers["سلام"] = options
    page = open_phone()
    page.set_viewport_size({"width": 320, "height": 560})
    page.goto(served.url)
    page.get_by_role("button", name="شروع گفت‌وگو").click()
    write(page, "x" * 300)
    expect(page.get_by_text("شنیدم: xxx")).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    sizes = page.eval_on_selector_all(
        "button:not([hidden]), .leave",
        "found => found.map(one => one.getBoundingClientRect().height).filter(h => h > 0)",
    )
    assert min(sizes) >= 40
