"""Polling Telegram: every update once, confirmed after the commit, by one poller at a time."""

import aiohttp
from fakes.telegram_state import Failure
from handlers.telegram_talk import PRESS, polling

from bot.core.clock import SystemClock
from bot.core.fault import arm
from bot.core.messages import PressInput, TextInput, UnreadableInput
from bot.handlers.telegram import Telegram
from bot.handlers.telegram_poller import LEASE_MS, Poller, drop_lease, take_lease


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
    assert (inbox.accepted[0].provider_id, inbox.accepted[-1].provider_id) == (f"111:{first}", f"111:{last}")
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


async def test_the_heartbeat_tells_failures_and_what_waits_at_the_provider(channel, bot, door, inbox):
    bot.fail("getUpdates", Failure(status=502))
    bot.user(42).say("سلام")
    told = []
    beat, door.beats.beat = door.beats.beat, lambda name, **detail: told.append((name, detail)) or beat(name, **detail)

    await polling(channel, door, lambda: any("pending" in detail for _, detail in told))

    assert [{}, {"failures": 1}, {"failures": 0}, {"pending": 0}] == [detail for _, detail in told[:4]]
    assert {"poller:telegram"} == {name for name, _ in told}
