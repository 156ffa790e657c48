"""Sending by Telegram: parts, refusals, our own speed, deletion, and a token that nothing repeats."""

import asyncio
import logging

import pytest
from aiogram.methods import SendMessage
from aiogram.types import InlineKeyboardMarkup
from fakes.telegram_state import BLOCKED, NO_CHAT, Failure
from handlers.telegram_talk import PRESS, TOKEN, outbound, polling

from bot.core.channels import SendError
from bot.core.clock import SystemClock
from bot.core.messages import Button
from bot.handlers.telegram import Telegram
from bot.handlers.telegram_session import Say
from bot.handlers.telegram_text import keyboard
from bot.settings import SettingsError


async def test_a_text_with_buttons_is_shown_protected_and_without_a_preview(channel, bot):
    she = bot.user(42)

    sent = await channel.send(
        outbound("چه کمکی لازم دارید؟", buttons=(Button("گفت‌وگو", PRESS), Button("نه", "p|a|b|1|n")))
    )

    said = she.messages[0]
    assert said.text == "چه کمکی لازم دارید؟"
    assert said.buttons == [("گفت‌وگو", PRESS), ("نه", "p|a|b|1|n")]
    assert said.options == {"protect_content": True, "link_preview_options": {"is_disabled": True}}
    assert sent.provider_message_id == str(said.message_id)


async def test_a_long_text_goes_out_in_parts_at_paragraphs_with_the_buttons_under_the_last(channel, bot):
    she = bot.user(42)
    text = "\n\n".join(["پناه 😀 " * 250] * 4)

    sent = await channel.send(outbound(text, buttons=(Button("باشه", PRESS),)))

    assert [bool(item.buttons) for item in she.messages] == [False, True]
    assert "".join(she.texts).replace("\n", "").replace(" ", "") == text.replace("\n", "").replace(" ", "")
    assert len(sent.provider_message_id.split(",")) == 2


async def test_a_message_that_broke_off_half_way_goes_on_where_it_stopped(channel, bot):
    she = bot.user(42)
    text = "الف" * 1300 + "\n" + "ب" * 3000
    bot.fail("sendMessage", None, Failure(status=500))
    with pytest.raises(SendError):
        await channel.send(outbound(text))
    assert she.texts == ["الف" * 1300]

    sent = await channel.send(outbound(text))

    assert she.texts == ["الف" * 1300, "ب" * 3000]
    assert sent.provider_message_id == ",".join(str(item.message_id) for item in she.messages)


@pytest.mark.parametrize(
    ("failure", "code", "retryable"),
    [
        (BLOCKED, "blocked_by_contact", False),
        (NO_CHAT, "no_such_address", False),
        (Failure(status=400, description="Bad Request: something of ours"), "rejected", False),
        (Failure(status=429, description="Too Many Requests: retry after 7", retry_after=7), "throttled", True),
        (Failure(status=500), "unavailable", True),
        (Failure(status=502, description="Bad Gateway"), "unavailable", True),
        (Failure(after_accept=True), "unavailable", True),
        (Failure(status=409, description="Conflict"), "unavailable", True),
        (Failure(status=404, description="Not Found"), "not_configured", True),
    ],
)
async def test_each_refusal_has_our_word_for_it(channel, bot, failure, code, retryable):
    bot.user(42)
    bot.fail("sendMessage", failure)

    with pytest.raises(SendError) as caught:
        await channel.send(outbound())

    assert (caught.value.code, caught.value.retryable) == (code, retryable)
    assert caught.value.retry_after_s == (7.0 if code == "throttled" else None)


async def test_an_accepted_message_whose_answer_is_odd_is_not_sent_twice(channel, bot):
    she = bot.user(42)
    bot.fail("sendMessage", Failure(odd_result='{"message_id": 5, "date": "soon"}'), Failure(odd_result='"ok"'))

    first = await channel.send(outbound(key="a"))
    second = await channel.send(outbound(key="b"))

    assert (first.provider_message_id, second.provider_message_id) == ("5", "")
    assert len(she.texts) == 2


async def test_half_a_character_in_the_answer_does_not_make_an_accepted_message_unsent(channel, bot):
    she = bot.user(42)
    bot.fail("sendMessage", Failure(odd_result='{"message_id": 5, "chat": {"id": 42, "first_name": "\\ud83d"}}'))

    sent = await channel.send(outbound())

    assert sent.provider_message_id == "5"
    assert len(she.texts) == 1


def test_what_we_say_is_telegrams_send_message_with_fewer_fields():
    said = Say(
        chat_id=42,
        text="باشه؟",
        reply_markup=keyboard((Button("باشه", PRESS),)),
        protect_content=True,
        link_preview_options={"is_disabled": True},
    )

    theirs = SendMessage.model_validate_json(said.model_dump_json())

    assert said.__api_method__ == theirs.__api_method__
    assert theirs.model_dump(include=said.model_fields_set, exclude_none=True, exclude_unset=True) == said.model_dump()
    assert isinstance(theirs.reply_markup, InlineKeyboardMarkup)


async def test_nothing_is_sent_before_the_moment_the_provider_named(channel, bot):
    bot.user(42)
    bot.fail("sendMessage", Failure(status=429, retry_after=30))
    with pytest.raises(SendError):
        await channel.send(outbound())

    with pytest.raises(SendError) as caught:
        await channel.send(outbound(key="k2", urgent=True))

    assert caught.value.code == "throttled"
    assert 25 < caught.value.retry_after_s <= 30
    assert bot.early_calls == 0


async def test_our_own_speed_stays_under_the_providers_and_urgent_texts_pass_bulk(channel, bot):
    bot.limit_per_s = 28
    people = [bot.user(100 + number) for number in range(24)]
    he = bot.user(43)
    bulk = [asyncio.create_task(channel.send(outbound(key=f"b{n}", external_id=str(100 + n)))) for n in range(24)]
    await people[0].hears(1)

    await channel.send(outbound("فوری", key="u", external_id="43", urgent=True))

    assert he.texts == ["فوری"]
    assert sum(len(she.texts) for she in people) < 20
    await asyncio.gather(*bulk)
    assert sum(len(she.texts) for she in people) == 24


async def test_one_chat_gets_a_short_burst_and_then_one_text_a_second(channel, bot):
    she = bot.user(42)
    started = asyncio.get_running_loop().time()

    await asyncio.gather(*(channel.send(outbound(key=f"c{n}", urgent=True)) for n in range(4)))

    assert len(she.texts) == 4
    assert asyncio.get_running_loop().time() - started >= 0.95


async def test_an_address_that_is_no_chat_is_refused_without_a_call(channel, bot):
    with pytest.raises(SendError) as caught:
        await channel.send(outbound(external_id="../me"))

    assert caught.value.code == "no_such_address"
    assert bot.calls == []


async def test_messages_are_deleted_by_the_hundred(channel, bot):
    she = bot.user(42)
    bot.limit_per_s = None
    first = await channel.send(outbound(key="a"))
    second = await channel.send(outbound(key="b"))
    ids = (f"{first.provider_message_id},999999", second.provider_message_id, *map(str, range(5000, 5120)))

    gone = await channel.delete("42", ids)

    assert she.texts == []
    assert gone == len(ids) + 1
    assert [len(call["message_ids"]) for call in bot.sent("deleteMessages")] == [100, 23]


async def test_a_token_of_a_wrong_form_is_one_sentence_for_the_operator(server):
    with pytest.raises(SettingsError, match="PANAH_TELEGRAM_TOKEN must look like"):
        Telegram(token="no token at all", api=server.url, clock=SystemClock())


async def test_the_token_reaches_no_log_and_no_error_when_the_provider_is_away(caplog, door, log_lines):
    caplog.set_level(logging.DEBUG)
    channel = Telegram(token=TOKEN, api="http://127.0.0.1:9", clock=SystemClock())

    with pytest.raises(SendError) as caught:
        await channel.send(outbound())
    await polling(channel, door, lambda: log_lines)
    await channel.close()

    assert (caught.value.code, caught.value.retryable) == ("unavailable", True)
    assert "canary" not in repr(caught.value) + str(log_lines) + caplog.text
