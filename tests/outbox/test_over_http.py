"""The sender, the Telegram channel and a Telegram that enforces its limits, over real HTTP."""

import asyncio
import contextlib

import pytest
from fakes.telegram_api import FakeTelegram
from fakes.telegram_state import Failure
from fakes.waiting import until
from outbox.conftest import Post

from bot.core.clock import SystemClock
from bot.handlers.telegram import Telegram

TOKEN = "111:token-of-the-outbox"


@pytest.fixture
async def http(make_core):
    """Give a post office on the real clock, its bot at the fake Telegram, and a running sender."""
    clock = SystemClock()
    async with FakeTelegram(TOKEN) as server, contextlib.AsyncExitStack() as stack:
        post = Post(make_core(), clock)
        channel = Telegram(token=TOKEN, api=server.url, clock=clock)
        stack.push_async_callback(channel.close)
        sending = []

        def start():
            sending.append(asyncio.create_task(post.sender(channel).run()))

        async def stop():
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)

        stack.push_async_callback(stop)
        yield post, server.bot(TOKEN), start
        assert server.bot(TOKEN).problems == []


async def test_the_bots_limits_are_never_met_and_urgent_texts_pass(http):
    post, bot, start = http
    bot.limit_per_s, bot.limit_per_chat_s = 30, 1
    for chat in range(100, 160):
        bot.user(chat)
        post.contact(str(chat))
        for text in ("یک", "دو"):
            post.say(str(chat), text)
    bot.user(7)
    post.contact("7")
    start()
    await until(lambda: len(bot.said) >= 10)
    post.say("7", "فوری", urgent=True)
    await bot.user(7).hears(1, within_s=4)

    await until(lambda: not post.open_rows(), within_s=12)
    assert all("\n\n".join(bot.user(chat).texts) == "یک\n\nدو" for chat in range(100, 160))
    assert {200} == {call.status for call in bot.calls}


async def test_a_429_holds_the_whole_bot_for_as_long_as_it_named(http):
    post, bot, start = http
    for chat in range(10, 20):
        bot.user(chat)
        post.contact(str(chat))
        post.say(str(chat), "سلام", urgent=chat % 2 == 0)
    bot.fail("sendMessage", None, Failure(status=429, description="Too Many Requests", retry_after=2))
    start()
    await until(lambda: not post.open_rows(), within_s=10)

    assert 0 == bot.early_calls
    assert 1 == sum(call.status == 429 for call in bot.calls)
    assert all(["سلام"] == bot.user(chat).texts for chat in range(10, 20))


async def test_who_blocked_the_bot_or_left_is_marked_on_her_case_and_holds_nobody(http):
    post, bot, start = http
    for chat in ("1", "2", "3"):
        post.contact(chat)
        post.case(chat)
        post.say(chat, "سلام", urgent=True)
    bot.user(1).block()
    bot.user(3)
    bot.fail("sendMessage", None)
    start()
    await until(lambda: not post.open_rows())

    assert ["سلام"] == bot.user(3).texts
    assert [("failed", "blocked_by_contact"), ("failed", "no_such_address"), ("sent", None)] == post.rows(
        "SELECT state, error FROM outbox ORDER BY id"
    )
    assert [("1", 1), ("2", 1), ("3", 0)] == post.rows(
        "SELECT contact_id, unreachable_at IS NOT NULL FROM cases ORDER BY contact_id"
    )
