"""What browsers send to the citizen's page: retries, markup, broken forms, other sites."""

from urllib.parse import quote_plus

import pytest
from web.saying import NONCE, say

from bot.core.messages import TextInput, UnreadableInput
from bot.web import forms


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

    assert [message.input for message in world.inbox.received] == [TextInput("خ" * 4096, "خ" * 904)]
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


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site", "Origin": "null"}]
)
async def test_a_post_from_another_site_is_refused(world, headers):
    async with world.client() as client:
        await client.get("/")
        answers = [await client.post(path, data={"t": "x", "w": "x"}, headers=headers) for path in ("/", "/back")]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert world.inbox.received == []


@pytest.mark.parametrize("shift", range(7))
def test_words_without_end_are_cut_between_letters_and_stay_readable(shift):
    written = "x" * shift + "شوهرم داره منو می‌زنه، کمک کنید. " + "امروز خیلی خسته بودم " * 6000
    form = forms.read_form(f"t={quote_plus(written)}&n=abcdefgh1234".encode())

    assert written.startswith(form.text)
    assert len(form.text) > 4096
    assert form.message_id == "abcdefgh1234"
