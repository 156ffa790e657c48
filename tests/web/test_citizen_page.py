import re

import httpx
import pytest

from bot.core.messages import PressInput, TextInput, UnreadableInput
from bot.settings import Settings
from bot.web import citizen
from bot.web.view import IDLE_MS

NONCE = "aaaaaaaaaaaaaaaa"


async def say(client, text, nonce=NONCE, **headers):
    return await client.post("/", data={"t": text, "n": nonce}, headers=headers, follow_redirects=True)


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


async def test_a_retry_with_the_same_id_is_one_message_and_an_edited_form_is_another(world):
    async with world.client() as client:
        await client.get("/")
        await say(client, "یک")
        await say(client, "یک")
        page = await say(client, "دو")

    assert [message.input.text for message in world.inbox.received] == ["یک", "دو"]
    assert page.text.count("شنیدم: یک") == 1


async def test_two_browsers_that_send_the_same_id_are_two_people(world):
    async with world.client() as one, world.client() as other:
        await one.get("/")
        await other.get("/")
        await say(one, "یک")
        page = await say(other, "یک")

    assert len(world.inbox.received) == 2
    assert page.text.count("شنیدم") == 1


async def test_markup_in_any_text_stays_text(world):
    world.inbox.answers["<b>"] = ('<script>alert(1)</script>"><img src=x onerror=alert(2)>', ())
    async with world.client() as client:
        await client.get("/")
        page = (await say(client, "<b>")).text

    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    "body",
    [
        b"", b"t=", b"t=%", b"t=%ff%fe", b"t=%00%00", b"t=%ED%A0%80", b"\xff\xfe=\x00", b"t=a&" * 5000, b"p=p|x|y|1|z",
        b"p=%00", b"t=" + "خ".encode() * 100_000, b"n=" + b"9" * 1000, b"a=-1&t=1", b"w=1&t=1", b"=&=&;;;", b"t=%u0041",
    ],
)  # fmt: skip
async def test_no_form_however_broken_is_a_server_error(world, body):
    headers = {"content-type": "application/x-www-form-urlencoded"}
    async with world.client() as client:
        await client.get("/")
        answers = [
            await client.post(path, content=body, headers={**headers, **more}, follow_redirects=True)
            for path in ("/", "/back")
            for more in ({}, {"X-Page": "1"})
        ]

    assert {answer.status_code for answer in answers} == {200}


async def test_what_cannot_be_read_still_reaches_the_inbox_as_unreadable(world):
    async with world.client() as client:
        await client.post("/", data={"p": "nonsense"})

    assert [message.input for message in world.inbox.received] == [UnreadableInput("press")]


async def test_a_form_in_the_old_persian_code_page_is_read(world):
    async with world.client() as client:
        await client.post("/", content=b"t=" + "سلام".encode("cp1256"))

    assert [message.input for message in world.inbox.received] == [TextInput("سلام")]


async def test_a_long_text_is_cut_with_a_flag_and_a_huge_body_is_refused(world):
    async with world.client() as client:
        await client.get("/")
        await say(client, "خ" * 5000)
        refused = await client.post("/", content=b"t=" + b"x" * 1_100_000)

    assert [message.input for message in world.inbox.received] == [TextInput("خ" * 4096, was_cut=True)]
    assert refused.status_code == 413
    assert 'href="tel:123"' in refused.text


@pytest.mark.parametrize("mode", ["overloaded", "broken"])
async def test_when_nothing_was_taken_in_she_gets_her_words_back_the_number_and_a_retry(world, mode):
    world.inbox.mode = mode
    async with world.client() as client:
        await client.get("/")
        page = await say(client, "حرف من <b>")

    assert page.status_code == 503
    assert page.headers["retry-after"] == "5"
    assert 'href="tel:123"' in page.text
    assert "حرف من &lt;b&gt;</textarea>" in page.text
    assert f'name="n" value="{NONCE}"' in page.text


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


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site", "Origin": "null"}]
)
async def test_a_post_from_another_site_is_refused(world, headers):
    async with world.client() as client:
        await client.get("/")
        answers = [await client.post(path, data={"t": "x", "w": "x"}, headers=headers) for path in ("/", "/back")]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert world.inbox.received == []


async def test_cookies_are_secret_session_cookies_with_names_that_say_nothing(world):
    async with world.client() as client:
        page = await client.get("/")
    cookies = page.headers.get_list("set-cookie")

    assert [found.partition("=")[0] for found in cookies] == ["s", "v"]
    assert all("HttpOnly" in found and "SameSite=lax" in found for found in cookies)
    assert not any("expires" in found.lower() or "max-age" in found.lower() for found in cookies)


async def test_behind_tls_cookies_are_secure_and_bound_to_the_host(world):
    async with world.client("https://page.test", settings=Settings(behind_tls=True)) as client:
        page = await client.get("/")
        after = await say(client, "سلام")

    assert all(found.startswith("__Host-") and "Secure" in found for found in page.headers.get_list("set-cookie"))
    assert page.headers["strict-transport-security"] == "max-age=31536000"
    assert "شنیدم: سلام" in after.text


async def test_the_secret_of_a_browser_is_stored_nowhere(world, tmp_path):
    async with world.client() as client:
        await client.get("/")
        await say(client, "راز بزرگ")
        secret = client.cookies["s"]
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert secret.encode() not in stored
    assert "راز بزرگ".encode() not in stored


async def test_after_ten_idle_minutes_nothing_of_before_is_shown(world):
    async with world.client() as client:
        await client.get("/")
        await say(client, "سلام")
        world.clock.advance(IDLE_MS / 1000 - 1)
        before = await client.get("/")
        world.clock.advance(IDLE_MS / 1000 + 1)
        after = await client.get("/")
        written = await say(client, "دوباره منم", nonce=NONCE + "2")

    assert "شنیدم: سلام" in before.text
    assert "شنیدم" not in after.text
    assert "شنیدم: سلام" not in written.text
    assert "شنیدم: دوباره منم" in written.text


async def test_an_idle_view_cannot_be_asked_for_what_was_said_before(world):
    script = {"X-Page": "1"}
    async with world.client() as client:
        await client.get("/")
        await say(client, "سلام")
        world.clock.advance(IDLE_MS / 1000 + 60)
        old = await client.get("/new?after=0&here=1", headers=script)
        world.staff_writes("من همکار شما هستم")
        new = await client.get("/new?after=0", headers=script)
        typed = await client.get("/new?after=0")

    assert old.json()["messages"] == []
    assert [found["author"] for found in new.json()["messages"]] == ["staff"]
    assert typed.status_code == 303


async def test_a_page_opened_anew_shows_nothing_of_before_but_a_reload_does(world):
    async with world.client() as client:
        await client.get("/")
        await say(client, "سلام")
        reload = await client.get("/", headers={"Sec-Fetch-Site": "none", "Cache-Control": "max-age=0"})
        link = await client.get("/", headers={"Sec-Fetch-Site": "same-origin"})
        typed = await client.get("/", headers={"Sec-Fetch-Site": "none"})

    assert "شنیدم: سلام" in reload.text
    assert "شنیدم: سلام" in link.text
    assert "شنیدم" not in typed.text


async def test_a_view_cookie_cannot_be_made_up(world):
    async with world.client() as client:
        await client.get("/")
        await say(client, "سلام")
        world.clock.advance(IDLE_MS / 1000 + 60)
        await client.get("/")
        mac = client.cookies["v"].partition("~")[2]
        now_ms = world.inbox.now_ms()
        pages = []
        for forged in (f"0.{now_ms}.1~{mac}", f"0.{now_ms}.1~", "x", "0.0.0~é", f"-1.{now_ms}.1~{mac}"):
            cookies = {"cookie": f"s={client.cookies['s']}; v={forged}".encode()}
            async with world.client() as thief:
                pages.append((await thief.get("/", headers=cookies)).text)

    assert not any("شنیدم" in page for page in pages)


async def test_the_code_word_opens_the_conversation_again(world):
    async with world.client() as client:
        await client.get("/")
        await say(client, "سلام")
        world.choose_word("گل یاس")
        world.store.write_now(lambda tx: tx.raw.execute("UPDATE messages SET hidden_at = 1"))
        hidden = await client.get("/")
        world.clock.advance(IDLE_MS / 1000 + 60)
        wrong = await client.post("/back", data={"w": "گل سرخ"}, follow_redirects=True)
        right = await client.post("/back", data={"w": " گليا س "}, follow_redirects=True)
        world.clock.advance(IDLE_MS / 1000 + 60)
        later = await client.get("/")

    assert "شنیدم" not in hidden.text
    assert "شنیدم" not in wrong.text
    assert "شنیدم: سلام" in right.text
    assert "شنیدم" not in later.text
    assert len(world.inbox.received) == 1


async def test_code_words_cannot_be_guessed_for_long(world):
    async with world.client() as client:
        await client.get("/")
        await say(client, "سلام")
        world.choose_word("یاس")
        for guess in "abcde":
            await client.post("/back", data={"w": guess})
        locked = await client.post("/back", data={"w": "یاس"}, follow_redirects=True)
        world.clock.advance(601)
        opened = await client.post("/back", data={"w": "یاس"}, follow_redirects=True)

    assert "شنیدم" not in locked.text
    assert "شنیدم" in opened.text


async def test_leaving_tells_the_engine_ends_the_view_and_leads_elsewhere(world):
    async with world.client() as client:
        await client.get("/")
        await say(client, "سلام")
        left = await client.get("/leave")
        back = await client.get("/")

    assert left.status_code == 303
    assert left.headers["location"] == citizen.EXITS[0]
    assert left.headers["clear-site-data"] == '"cache", "storage"'
    assert world.inbox.received[-1].input == TextInput("0")
    assert "شنیدم" not in back.text


async def test_leaving_works_when_nothing_else_does_and_makes_nobody_a_contact(world):
    async with world.client() as stranger:
        first = await stranger.get("/leave")
    async with world.client() as client:
        await client.get("/")
        await say(client, "سلام")
        world.inbox.mode = "broken"
        second = await client.post("/leave")

    assert [first.status_code, second.status_code] == [303, 303]
    assert len(world.inbox.received) == 1


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


async def test_erased_people_see_a_fresh_page(world):
    async with world.client() as client:
        await client.get("/")
        await say(client, "سلام")
        world.store.write_now(lambda tx: tx.raw.execute("UPDATE contacts SET wrapped_key = NULL"))
        page = await client.get("/")

    assert page.status_code == 200
    assert "شنیدم" not in page.text


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


async def test_leaving_by_a_word_clears_the_page_and_every_other_one(world):
    script = {"X-Page": "1"}
    async with world.client() as client:
        await client.get("/")
        sent = await client.post("/", data={"t": "سلام", "n": NONCE, "a": "0"}, headers=script)
        left = await client.post("/", data={"t": "0", "n": NONCE + "2", "a": "2"}, headers=script)
        other = await client.get("/new?after=2", headers=script)
        page = await client.get("/")
        back = await client.post("/", data={"t": "منم", "n": NONCE + "3", "a": "4"}, headers=script)

    assert sent.json()["gone"] is False
    assert left.json() == {"messages": [], "last": 4, "gone": True, "duplicate": False}
    assert other.json() == {"messages": [], "last": 4, "gone": True}
    assert "شنیدم" not in page.text
    assert "آفتابی" not in page.text
    assert [found["pieces"][0][1] for found in back.json()["messages"]] == ["منم", "شنیدم: منم"]
    assert back.json()["gone"] is False


async def test_after_a_quick_exit_the_code_word_wakes_the_engine_too(world):
    async with world.client() as client:
        await client.get("/")
        await say(client, "سلام")
        world.choose_word("گل یاس", status="locked")
        await client.get("/leave")
        empty = await client.post("/back", data={"w": ""}, follow_redirects=True)
        opened = await client.post("/back", data={"w": "گل‌یاس", "n": NONCE + "4"}, follow_redirects=True)

    assert "شنیدم" not in empty.text
    assert "شنیدم: سلام" in opened.text
    assert world.inbox.received[-1].input == TextInput("گل یاس")
