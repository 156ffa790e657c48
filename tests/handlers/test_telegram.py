import asyncio
import io
import logging

import aiohttp
import pytest
from fakes.telegram_api import FakeTelegram
from fakes.telegram_state import BLOCKED, NO_CHAT, Failure
from fakes.waiting import until

from bot.core.channels import SendError
from bot.core.clock import SystemClock
from bot.core.fault import arm
from bot.core.messages import Button, OutboundMsg, Press, PressInput, TextInput, UnreadableInput
from bot.handlers.bale import bale, bale_path
from bot.handlers.hooks import BODY_BYTES_MAX
from bot.handlers.telegram import Telegram, telegram_routes
from bot.handlers.telegram_poller import LEASE_MS, Poller, drop_lease, take_lease
from bot.handlers.telegram_webhook import WebhookKeeper
from bot.settings import SettingsError

TOKEN = "111:canary-token"
SECRET = "a-secret_0123456789"
OURS = "https://panah.example/hooks/telegram/111"
PRESS = Press(flow="welcome", step="need", visit=1, key="talk").encode()


@pytest.fixture
async def server():
    async with FakeTelegram(TOKEN) as server:
        yield server
        assert server.bot(TOKEN).problems == []


@pytest.fixture
def bot(server):
    return server.bot(TOKEN)


@pytest.fixture
async def channel(server):
    channel = Telegram(token=TOKEN, api=server.url, clock=SystemClock())
    yield channel
    await channel.close()


def outbound(text="سلام", *, key="k1", external_id="42", buttons=(), urgent=False):
    return OutboundMsg(key=key, external_id=external_id, text=text, buttons=buttons, urgent=urgent)


async def polling(channel, door, fact):
    task = asyncio.create_task(Poller(channel, door, holder="p1", poll_s=1).run())
    try:
        await until(fact)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


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
    she, he = bot.user(42), bot.user(43)
    bulk = [asyncio.create_task(channel.send(outbound(key=f"b{n}"))) for n in range(24)]
    await she.hears(1)

    await channel.send(outbound("فوری", key="u", external_id="43", urgent=True))

    assert he.texts == ["فوری"]
    assert len(she.texts) < 20
    await asyncio.gather(*bulk)
    assert len(she.texts) == 24


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


async def test_polling_accepts_each_update_and_confirms_only_after_the_commit(channel, bot, door, inbox):
    she = bot.user(42)
    first = she.say("سلام")
    she.press_data(PRESS)
    bot.push({"channel_post": {"chat": {"id": -1001, "type": "channel"}, "text": "x"}})
    bot.push_raw(
        9001, '{"update_id":9001,"message":{"chat":{"id":43,"type":"private"},"x":' + "[" * 200 + "]" * 200 + "}}"
    )
    last = bot.push({"message": {"message_id": 1, "date": 1, "chat": {"id": 42, "type": "private"}, "text": "کمک"}})

    await polling(channel, door, lambda: not bot.pending)

    assert [type(item) for item in inbox.inputs] == [TextInput, PressInput, UnreadableInput, TextInput]
    assert (inbox.accepted[0].provider_id, inbox.accepted[-1].provider_id) == (str(first), str(last))
    assert bot.answered == bot.presses
    kept = await door.store.read(lambda db: db.exec_driver_sql("SELECT kind, state, contact_id FROM inbox").fetchall())
    assert kept == [("ignored", "done", "")]


async def test_nothing_is_confirmed_while_the_inbox_is_full(channel, bot, door, inbox, log_lines):
    bot.user(42).say("سلام")
    inbox.full = True

    await polling(channel, door, lambda: log_lines)

    assert len(bot.pending) == 1
    assert log_lines[0]["code"] == "overloaded"
    assert all("offset" not in call for call in bot.sent("getUpdates"))


async def test_a_webhook_left_from_before_is_removed_without_dropping_what_waits(channel, bot, door, inbox):
    bot.webhook = {"url": "http://127.0.0.1:9/old"}
    bot.user(42).say("سلام")

    await polling(channel, door, lambda: inbox.accepted)

    assert bot.sent("deleteWebhook") == [{}]
    assert inbox.inputs == [TextInput("سلام")]


async def test_polling_survives_a_failing_provider(channel, bot, door, inbox, log_lines):
    bot.fail("getUpdates", Failure(status=502), Failure(after_accept=True))
    bot.user(42).say("سلام")

    await polling(channel, door, lambda: inbox.accepted)

    assert [line["code"] for line in log_lines] == ["http_502", "ServerDisconnectedError"]


async def test_a_crash_between_commit_and_confirmation_brings_the_update_again_and_takes_it_in_once(
    channel, bot, door, inbox, log_lines
):
    bot.user(42).say("سلام")
    crashes = ["W4"]

    def crash(point):
        if point in crashes:
            crashes.remove(point)
            raise RuntimeError

    arm(crash)
    try:
        await polling(channel, door, lambda: not bot.pending)
    finally:
        arm(None)

    assert [line["code"] for line in log_lines] == ["RuntimeError"]
    assert inbox.inputs == [TextInput("سلام")]


async def test_a_wrong_token_is_one_clear_line_without_the_token(server, door, log_lines):
    channel = Telegram(token="222:another-canary", api=server.url, clock=SystemClock())

    await polling(channel, door, lambda: log_lines)
    await channel.close()

    assert log_lines[0]["event"] == "bot_token_is_refused_by_the_provider"
    assert log_lines[0]["code"] == "wrong_token"
    assert "canary" not in str(log_lines)


async def test_a_second_poller_waits_for_the_first_ones_lease(channel, bot, door, inbox):
    await door.store.write(lambda tx: take_lease(tx, name="telegram:111", holder="other", now_ms=door.now_ms()))
    bot.user(42).say("سلام")
    poller = Poller(channel, door, holder="p2", poll_s=1)

    async with aiohttp.ClientSession() as session:
        pause_s = await poller._once(session)
        assert (pause_s, bot.polls, inbox.accepted) == (10.0, 0, [])

        await door.store.write(lambda tx: drop_lease(tx, name="telegram:111", holder="other"))
        assert await poller._once(session) == 0.0

    assert inbox.inputs == [TextInput("سلام")]


async def test_a_lease_passes_on_only_when_it_has_run_out(store):
    def take(holder, now_ms):
        return store.write(lambda tx: take_lease(tx, name="x", holder=holder, now_ms=now_ms))

    assert await take("a", 0)
    assert not await take("b", LEASE_MS - 1)
    assert await take("a", LEASE_MS - 1)
    assert not await take("b", LEASE_MS)
    assert await take("b", 2 * LEASE_MS)


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


async def test_the_token_reaches_no_log_and_no_error_when_the_provider_is_away(caplog, door, log_lines):
    caplog.set_level(logging.DEBUG)
    channel = Telegram(token=TOKEN, api="http://127.0.0.1:9", clock=SystemClock())

    with pytest.raises(SendError) as caught:
        await channel.send(outbound())
    await polling(channel, door, lambda: log_lines)
    await channel.close()

    assert (caught.value.code, caught.value.retryable) == ("unavailable", True)
    assert "canary" not in repr(caught.value) + str(log_lines) + caplog.text
