"""Bale, Telegram's cousin: the same calls without what it does not know."""

from fakes.telegram_api import FakeTelegram
from handlers.telegram_talk import PRESS, outbound, polling

from bot.core.clock import SystemClock
from bot.core.messages import Button
from bot.handlers.bale import bale, bale_path
from bot.handlers.telegram import telegram_routes


async def test_bale_gets_no_markdown_no_foreign_fields_and_a_secret_path(door, inbox, serve):
    token = "333:bale-canary"
    async with FakeTelegram(token, bale=True) as server:
        channel = bale(token=token, api=server.url, clock=SystemClock())
        bot = server.bot(token)
        she = bot.user(42)
        url = await serve(telegram_routes(channel, door, path=bale_path(token), secret=""))
        await channel.set_webhook(url + bale_path(token), "unused")
        she.say("سلام")
        she.press_data(PRESS)
        await she.sees(lambda: len(bot.answered) == 1)

        sent = await channel.send(outbound("*مهم* _خط_ [متن](x) `a`", buttons=(Button("بله", PRESS),)))
        assert she.texts == ["∗مهم∗ ‐خط‐ (متن)(x) 'a'"]
        assert she.messages[0].options == {}
        assert await channel.delete("42", (sent.provider_message_id, "77777")) == 1
        await channel.close()

        assert [message.channel for message in inbox.accepted] == ["bale", "bale"]
        assert len(bale_path(token).rsplit("/", 1)[1]) == 64
        assert "canary" not in bale_path(token)
        assert bot.problems == []


async def test_bale_is_polled_without_the_fields_it_does_not_know(door, inbox):
    token = "333:bale-canary"
    async with FakeTelegram(token, bale=True) as server:
        channel = bale(token=token, api=server.url, clock=SystemClock())
        server.bot(token).user(42).say("سلام")
        await polling(channel, door, lambda: inbox.accepted)
        await channel.close()

        assert all(set(call) <= {"timeout", "limit", "offset"} for call in server.bot(token).sent("getUpdates"))
