"""A database that cannot commit: every way in says «come back», confirms nothing, and takes all in when it can again."""

import contextlib
import json
import sqlite3
from datetime import UTC, datetime

import aiohttp
import pytest
from fakes.log import RecordingLog
from fakes.telegram_api import FakeTelegram
from fakes.twilio_api import FakeTwilio
from handlers.telegram_talk import SECRET, TOKEN, polling

from bot.core.clock import SystemClock
from bot.core.messages import InboundMsg, TextInput
from bot.handlers.hooks import Door
from bot.handlers.rasa import PATH, rasa_routes
from bot.handlers.telegram import Telegram, telegram_routes
from bot.handlers.twilio import STATUS_PATH, Twilio, twilio_routes
from bot.inbox import NotStoredError, OverloadedError

ACCOUNT = "AC" + "0" * 32
PUBLIC = "https://panah.example"
CRY = "شوهرم داره منو می‌زنه"


@pytest.fixture
def core(make_core, tmp_path):
    core = make_core(tmp_path / "whole.db", threaded=True)
    if not core.store.is_shared:
        pragma(core, "busy_timeout=20")
    return core


@pytest.fixture
def door(core, log_lines):
    return Door(
        inbox=core.inbox,
        store=core.store,
        clock=SystemClock(),
        log=RecordingLog(log_lines),
        bus=core.bus,
        beats=core.beats,
    )


@pytest.fixture
def broken(core):
    """A disk that nothing can be written to, as after an error of the device, until `mend` is called."""
    read_only(core, "on")
    core.inbox.answer_s = 0.1
    return core


def mend(core):
    read_only(core, "off")
    core.inbox.answer_s = 12


def read_only(core, value):
    """Let nothing be written: as a device after an error, or a server that lost its place to another one."""
    words = "SET default_transaction_read_only" if core.store.is_shared else "PRAGMA query_only"
    core.store.connection.exec_driver_sql(f"{words}={value}")


def pragma(core, words):
    core.store.connection.exec_driver_sql(f"PRAGMA {words}")


def said(text, number):
    return InboundMsg(
        channel="web", external_id="a", provider_id=number, input=TextInput(text), received_at=datetime.now(UTC)
    )


def rows(core, sql):
    return core.store.read_now(lambda db: db.exec_driver_sql(sql).fetchall())


@pytest.mark.sqlite
async def test_a_full_disk_refuses_the_whole_batch_and_takes_it_in_when_there_is_room(core):
    batch = [said(f"{CRY} " + "آ " * 2_000, str(number)) for number in range(20)]
    [(pages,)] = rows(core, "PRAGMA page_count")
    pragma(core, f"max_page_count={pages}")
    with pytest.raises(NotStoredError) as refused:
        await core.inbox.accept_batch(batch)
    assert isinstance(refused.value.__cause__, sqlite3.OperationalError)
    pragma(core, "max_page_count=1000000")

    await core.inbox.accept_batch(batch)
    assert rows(core, "SELECT count(*) FROM inbox") == [(20,)]
    assert rows(core, "SELECT tier FROM cases") == [("T1",)]


async def test_what_waited_too_long_for_a_broken_disk_is_taken_in_once_all_the_same(broken, core):
    with pytest.raises(NotStoredError):
        await core.inbox.accept(said(CRY, "1"))
    mend(core)

    is_kept = not core.store.is_shared  # PostgreSQL refused it at the insert: she was told, and it comes again
    assert [is_kept, False] == [(await core.inbox.accept(said(CRY, number))).duplicate for number in ("1", "2")]
    assert rows(core, "SELECT count(*) FROM turns") == [(2,)]
    assert rows(core, "SELECT tier FROM cases") == [("T1",)]


def test_an_inbox_that_is_full_is_one_reason_of_several():
    assert issubclass(OverloadedError, NotStoredError)


async def test_telegrams_webhook_asks_to_come_back_for_persons_and_for_nobody(core, door, serve, broken):
    channel = Telegram(token=TOKEN, api="http://127.0.0.1:9", clock=SystemClock())
    url = await serve(telegram_routes(channel, door, path="/hook", secret=SECRET)) + "/hook"
    hers = {"update_id": 1, "message": {"chat": {"id": 42}, "text": CRY}}
    group = {"update_id": 2, "message": {"chat": {"id": -5, "type": "group"}, "text": "x"}}

    async with aiohttp.ClientSession(headers={"X-Telegram-Bot-Api-Secret-Token": SECRET}) as session:

        async def deliver(update):
            async with session.post(url, json=update) as answer:
                return answer.status, answer.headers.get("Retry-After")

        assert [await deliver(hers), await deliver(group)] == [(503, "5"), (503, "5")]
        mend(core)
        assert [await deliver(hers), await deliver(group)] == [(200, None), (200, None)]
    await channel.close()

    assert rows(core, "SELECT channel, tier FROM cases") == [("telegram", "T1")]
    assert rows(core, "SELECT provider_id FROM inbox ORDER BY provider_id") == [("111:1",), ("111:2",)]


async def test_polling_confirms_nothing_that_was_not_stored_and_goes_on(core, door, log_lines):
    async with FakeTelegram(TOKEN) as server:
        bot = server.bot(TOKEN)
        channel = Telegram(token=TOKEN, api=server.url, clock=SystemClock())
        bot.user(42).say(CRY)
        kick = core.inbox.on_arrival

        def lose_the_disk_first():  # the poller's lease was still to be had
            read_only(core, "on")
            kick()

        core.inbox.answer_s = 0.1

        core.inbox.on_arrival = lose_the_disk_first
        await polling(channel, door, lambda: log_lines)

        assert [("poll_failed", "NotStoredError")] == [(line["event"], line["code"]) for line in log_lines]
        assert len(bot.pending) == 1
        assert all("offset" not in call for call in bot.sent("getUpdates"))

        core.inbox.on_arrival = kick
        mend(core)
        await polling(channel, door, lambda: not bot.pending)
        await channel.close()

    assert rows(core, "SELECT channel, tier FROM cases") == [("telegram", "T1")]


async def test_twilio_is_asked_to_come_back_for_a_person_and_for_a_company(core, door, serve, broken):
    async with FakeTwilio(account=ACCOUNT, token="t", number="+15005550006") as server:
        channel = Twilio(
            account=ACCOUNT, token="t", number=server.number, api=server.url, base_url=PUBLIC, clock=SystemClock()
        )
        server.reach(PUBLIC, await serve(twilio_routes(channel, door)))
        she, company = server.phone("+989120000001"), server.phone("Hamrah")

        assert [await she.write(CRY), await company.write("تبلیغ")] == [503, 503]
        mend(core)
        assert [await she.write(CRY), await company.write("تبلیغ")] == [200, 200]
        await channel.close()

    assert rows(core, "SELECT channel, tier FROM cases") == [("sms", "T1")]


@pytest.mark.sqlite
async def test_a_receipt_that_meets_a_locked_database_may_come_again(core, door, serve, tmp_path):
    async with FakeTwilio(account=ACCOUNT, token="t", number="+15005550006") as server:
        channel = Twilio(
            account=ACCOUNT, token="t", number=server.number, api=server.url, base_url=PUBLIC, clock=SystemClock()
        )
        server.reach(PUBLIC, await serve(twilio_routes(channel, door)))
        receipt = (f"{PUBLIC}{STATUS_PATH}?key=k", {"MessageSid": "SM1", "MessageStatus": "sent"})
        with contextlib.closing(sqlite3.connect(tmp_path / "whole.db", isolation_level=None)) as other_writer:
            other_writer.execute("BEGIN IMMEDIATE")
            assert await server.post(*receipt) == 503
        assert await server.post(*receipt) == 204
        await channel.close()


async def test_rasa_is_asked_to_come_back(core, door, serve, broken):
    url = await serve(rasa_routes(door, core.keyring, token="r"))
    tracker = {"sender_id": "u1", "latest_message": {"text": CRY, "message_id": "m1"}}
    call = json.dumps({"next_action": "action_panah_turn", "tracker": tracker})

    async with aiohttp.ClientSession(headers={"Authorization": "Bearer r"}) as session:
        async with session.post(url + PATH, data=call) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        mend(core)
        async with session.post(url + PATH, data=call) as answer:
            assert answer.status == 200

    assert rows(core, "SELECT channel, tier FROM cases") == [("rasa", "T1")]
