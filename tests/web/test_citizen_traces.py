"""What the citizen's page leaves behind and shows again: cookies, idle views, the code word, leaving."""

from web.saying import NONCE, say

from bot.core.messages import TextInput
from bot.settings import Settings
from bot.web import citizen
from bot.web.view import IDLE_MS


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


async def test_erased_people_see_a_fresh_page(world):
    async with world.client() as client:
        await client.get("/")
        await say(client, "سلام")
        world.store.write_now(lambda tx: tx.raw.execute("UPDATE contacts SET wrapped_key = NULL"))
        page = await client.get("/")

    assert page.status_code == 200
    assert "شنیدم" not in page.text


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


async def test_the_duress_word_looks_like_an_empty_opening_and_reaches_the_engine(world):
    async with world.client() as client:
        await client.get("/")
        await say(client, "سلام")
        world.choose_word("گل یاس", status="locked", duress="خاله پری")
        world.clock.advance(IDLE_MS / 1000 + 60)
        forced = await client.post("/back", data={"w": "خاله‌پری", "n": NONCE + "5"}, follow_redirects=True)

    assert "شنیدم: سلام" not in forced.text
    assert "چیزی پیدا نشد" not in forced.text
    assert world.inbox.received[-1].input == TextInput("خاله‌پری")


async def test_the_duress_word_is_heard_though_he_tried_until_no_word_opens_any_more(world):
    async with world.client() as client:
        await client.get("/")
        await say(client, "سلام")
        world.choose_word("گل یاس", status="locked", duress="خاله پری")
        world.clock.advance(IDLE_MS / 1000 + 60)
        tried = [await client.post("/back", data={"w": f"حدس {number}"}, follow_redirects=True) for number in range(6)]
        forced = await client.post("/back", data={"w": "خاله‌پری", "n": NONCE + "5"}, follow_redirects=True)

    assert world.inbox.received[-1].input == TextInput("خاله‌پری")
    assert "با این رمز چیزی پیدا نشد" in forced.text
    assert forced.text.count("<") == tried[-1].text.count("<")  # the same page as after any wrong word
    assert "شنیدم" not in forced.text
