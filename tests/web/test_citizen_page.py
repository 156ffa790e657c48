"""The citizen's page: light, neutral, answering, and kind when something is missing or broken."""

import re

import httpx
from web.saying import NONCE, say

from bot.core.messages import PressInput, TextInput
from bot.web import citizen


async def test_the_first_view_is_at_most_30_kilobytes_with_style_and_script(world):
    async with world.client() as client:
        page = await client.get("/")
        assets = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
        loaded = [await client.get(path) for path in assets]

    assert len(assets) == 2
    assert all(found.status_code == 200 for found in loaded)
    assert len(page.content) + sum(len(found.content) for found in loaded) <= 30_000
    assert b"@font-face" not in loaded[0].content


async def test_the_page_is_persian_right_to_left_and_titled_neutrally(world):
    async with world.client() as client:
        page = (await client.get("/")).text

    assert '<html lang="fa" dir="rtl">' in page
    assert "<title>گفت‌وگو</title>" in page
    assert "پناه" not in page
    assert "panah" not in page.lower()


async def test_opening_the_page_writes_nothing_and_offers_numbers_and_a_way_out(world):
    async with world.client() as client:
        page = (await client.get("/")).text

    assert world.inbox.received == []
    assert all(f'<a href="tel:{number}">{number}</a>' in page for number in (110, 115, 123))
    assert 'href="/leave"' in page
    assert 'name="p" value="start"' in page


async def test_a_message_is_answered_on_the_page_that_follows(world):
    async with world.client() as client:
        await client.get("/")
        page = await say(client, "سلام، کمک می‌خواهم")

    assert "شنیدم: سلام، کمک می‌خواهم" in page.text
    assert page.url.path == "/"
    assert [message.input for message in world.inbox.received] == [TextInput("سلام، کمک می‌خواهم")]


async def test_without_cookies_the_answer_comes_on_the_very_page(world):
    async with world.client() as client:
        page = await client.post("/", data={"t": "کمک"})

    assert page.status_code == 200
    assert "شنیدم: کمک" in page.text


async def test_a_button_is_a_press_and_vanishes_once_answered(world, options):
    world.inbox.answers["سلام"] = options
    async with world.client() as client:
        await client.get("/")
        asked = await client.post("/", data={"p": "start", "n": NONCE}, follow_redirects=True)
        pressed = await client.post(
            "/", data={"p": "p|danger_now|safe_now|1|no", "n": NONCE + "b"}, follow_redirects=True
        )

    assert 'value="p|danger_now|safe_now|1|no">نه، در خطرم</button>' in asked.text
    assert "danger_now" not in pressed.text
    assert '<li class="mine"><p dir="auto">نه، در خطرم</p>' in pressed.text
    assert isinstance(world.inbox.received[1].input, PressInput)


async def test_numbers_to_call_are_links_in_our_texts_and_never_in_hers(world, options):
    world.inbox.answers["110"] = ("۱ از ۳: همین حالا 123 یا 110. کد شما 45110 است، ساعت 12:110.", ())
    async with world.client() as client:
        await client.get("/")
        page = (await say(client, "110")).text
    log = page[page.index('<ol id="log"') : page.index("</ol>")]

    assert re.findall(r'href="tel:(\d+)"', log) == ["123", "110"]


async def test_what_is_said_in_another_language_is_marked_so_and_its_answers_run_its_way(world, options):
    async with world.client() as client:
        await client.get("/")
        await say(client, "hello")
        world.store.write_now(lambda tx: tx.raw.execute("UPDATE contacts SET language = 'en'"))
        page = await say(client, "سلام")
        news = (await client.get("/new?after=0", headers={"X-Page": "1"})).json()["messages"]

    assert '<html lang="fa" dir="rtl">' in page.text  # the frame stays Persian
    assert '<li class="ours" lang="en">' in page.text
    assert '<li class="mine">' in page.text
    assert {("en", "ltr")} == {(one["language"], one["direction"]) for one in news if one["author"] == "bot"}
    assert not any("language" in one for one in news if one["author"] == "contact")


async def test_every_answer_carries_the_headers(world):
    async with world.client() as client:
        answers = [await client.get(path) for path in ("/", "/nothing", "/leave", "/new")]
        answers.append(await client.put("/"))

    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert [answer.status_code for answer in answers] == [200, 404, 303, 303, 405]


async def test_the_page_names_no_other_host_but_the_way_out(world):
    async with world.client() as client:
        page = (await client.get("/")).text

    assert set(re.findall(r"https?://[^\"' ]+", page)) == {citizen.EXITS[0]}
    assert " style=" not in page
    assert " onclick=" not in page


async def test_a_counsellors_message_reaches_a_waiting_page_at_once(world):
    script = {"X-Page": "1"}
    async with world.client() as client:
        await client.get("/")
        sent = await client.post("/", data={"t": "سلام", "n": NONCE, "a": "0"}, headers=script)
        last = sent.json()["messages"][-1]["id"]
        waiting = citizen.asyncio.ensure_future(client.get(f"/new?after={last}&here=1", headers=script))
        while not world.bus._listeners:
            await citizen.asyncio.sleep(0)
        world.staff_writes("همکار شما هستم. 123")
        found = (await waiting).json()["messages"]

    assert [(one["author"], one["pieces"]) for one in found] == [
        ("staff", [["text", "همکار شما هستم. "], ["tel", "123"]])
    ]


async def test_a_missing_page_is_kind_and_gives_the_number(world):
    async with world.client() as client:
        page = await client.get("/admin.php")

    assert page.status_code == 404
    assert 'href="tel:123"' in page.text
    assert "<title>گفت‌وگو</title>" in page.text


async def test_a_bug_is_a_kind_page_too(world):
    transport = httpx.ASGITransport(world.app(store=None), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://page.test") as client:
        page = await client.get("/", headers={"cookie": "s=" + "a" * 43})

    assert page.status_code == 500
    assert 'href="tel:123"' in page.text
    assert page.headers["content-security-policy"]
