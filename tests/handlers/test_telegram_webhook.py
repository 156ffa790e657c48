"""Telegram's webhook: confirmed after the commit, kept set, closed to whoever has no secret."""

import asyncio
import io

import aiohttp
import pytest
from fakes.telegram_state import Failure
from fakes.waiting import until
from handlers.telegram_talk import PRESS, SECRET

from bot.core.messages import PressInput, TextInput
from bot.handlers.hooks import BODY_BYTES_MAX
from bot.handlers.telegram import Telegram, telegram_routes
from bot.handlers.telegram_webhook import WebhookKeeper

OURS = "https://panah.example/hooks/telegram/111"


@pytest.fixture
async def hooked(channel, bot, door, serve):
    url = await serve(telegram_routes(channel, door, path="/hooks/telegram/111", secret=SECRET))
    await channel.set_webhook(f"{url}/hooks/telegram/111", SECRET)
    return f"{url}/hooks/telegram/111"


async def test_updates_come_by_webhook_and_are_confirmed_after_the_commit(hooked, bot, inbox):
    she = bot.user(42)
    she.say("سلام")
    she.press_data(PRESS)
    bot.push_raw(9001, "{" * 50)

    await she.sees(lambda: not bot.pending)
    await she.sees(lambda: bot.answered)

    assert [type(item) for item in inbox.inputs] == [TextInput, PressInput]
    assert [status for _, status in bot.delivered] == [200, 200, 200]
    assert bot.webhook["allowed_updates"] == ["message", "edited_message", "callback_query", "my_chat_member"]


async def test_a_webhook_is_set_however_long_the_provider_is_away_and_taken_back_when_stolen(
    channel, bot, door, log_lines
):
    bot.fail("setWebhook", Failure(status=502))
    task = asyncio.create_task(WebhookKeeper(channel, door, url=OURS, secret=SECRET, every_s=0.01).run())
    await until(lambda: bot.webhook.get("url") == OURS)
    bot.webhook = {"url": "https://thief.example/"}
    await until(lambda: bot.webhook["url"] == OURS)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert bot.webhook["secret_token"] == SECRET
    assert [line["event"] for line in log_lines] == ["webhook_not_set", "webhook_was_taken_away"]


async def test_a_full_inbox_asks_the_provider_to_come_back(hooked, bot, inbox):
    inbox.full = True
    she = bot.user(42)
    she.say("سلام")
    await she.sees(lambda: bot.delivered or she.bot.tell())

    async with (
        aiohttp.ClientSession() as session,
        session.post(
            hooked,
            data=b'{"update_id":1,"message":{"chat":{"id":42}}}',
            headers={"X-Telegram-Bot-Api-Secret-Token": SECRET},
        ) as answer,
    ):
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")

    inbox.full = False
    await she.sees(lambda: not bot.pending)
    assert inbox.inputs == [TextInput("سلام")]


async def test_a_missing_wrong_or_strange_secret_is_refused_and_nothing_is_stored(hooked, inbox):
    host, port = hooked.removeprefix("http://").split("/")[0].split(":")
    body = b'{"update_id":1,"message":{"chat":{"id":42},"text":"x"}}'
    head = b"POST /hooks/telegram/111 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 55\r\n"
    name = b"X-Telegram-Bot-Api-Secret-Token: "

    for line in (b"", name, name + b"wrong", name + "رمز".encode(), name + b"\xff\xfe", name + SECRET.encode()[:-1]):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(head + line + (b"\r\n" if line else b"") + b"\r\n" + body)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert answer.split(b" ")[1] == b"403"

    assert inbox.accepted == []


async def test_a_new_bot_that_counts_like_the_old_one_is_heard(server, hooked, door, serve, inbox):
    bot = Telegram(token="222:another-canary", api=server.url, clock=door.clock)
    url = await serve(telegram_routes(bot, door, path="/hooks/telegram/222", secret=SECRET))
    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}

    async with aiohttp.ClientSession(headers=headers) as session:
        for address in (hooked, f"{url}/hooks/telegram/222", hooked):
            body = b'{"update_id":7,"message":{"chat":{"id":42},"text":"x"}}'
            async with session.post(address, data=body) as answer:
                assert answer.status == 200
    await bot.close()

    assert [message.provider_id for message in inbox.accepted] == ["111:7", "222:7"]


async def test_a_body_beyond_a_megabyte_is_refused(hooked, inbox):
    async def endless():
        for _ in range(40):
            yield b" " * 65536

    async with aiohttp.ClientSession() as session:
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        async with session.post(hooked, data=io.BytesIO(b" " * (BODY_BYTES_MAX + 1)), headers=headers) as answer:
            assert answer.status == 413
        async with session.post(hooked, data=endless(), headers=headers) as answer:
            assert answer.status == 413
    assert inbox.accepted == []
