"""Whole ways through the product: real HTTP to a stateful provider, our handler, the inbox, a turn, the outbox, back."""

import asyncio
import contextlib
import json

import aiohttp
import pytest
from fakes.telegram_api import FakeTelegram
from fakes.telegram_state import Failure
from fakes.twilio_api import FakeTwilio
from fakes.waiting import until

from bot import control
from bot.commands.staffbot import SocketDesk
from bot.core.clock import SystemClock
from bot.handlers.bale import bale, bale_path
from bot.handlers.hooks import Door
from bot.handlers.rasa import PATH, RasaChannel, rasa_routes
from bot.handlers.sms import parts
from bot.handlers.telegram import Telegram, telegram_routes
from bot.handlers.telegram_poller import Poller
from bot.handlers.twilio import Twilio, twilio_routes
from bot.sender import Sender
from escalation.office import Office
from escalation.staffbot import StaffBot
from escalation.staffbot_desk import DatabaseDesk
from escalation.staffbot_words import LABEL_ACCEPT

TOKEN = "111:citizen-token"
STAFF_TOKEN = "444:staff-token"
ACCOUNT = "AC" + "0" * 32
PUBLIC = "https://panah.example"
CRY = "شوهرم داره منو می‌زنه"


@pytest.fixture
def core(make_core, tmp_path):
    return make_core(tmp_path / "whole.db", threaded=True)


@pytest.fixture
def door(core):
    return Door(inbox=core.inbox, store=core.store, clock=core.clock, log=core.log, bus=core.bus, beats=core.beats)


@pytest.fixture
async def keep(core):
    """Run coroutines beside the test: loops, pollers, the sender of a channel."""
    core.bus.bind(asyncio.get_running_loop())
    async with contextlib.AsyncExitStack() as stack:

        def run(coroutine):
            task = asyncio.create_task(coroutine)

            async def stop():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

            stack.push_async_callback(stop)

        def channel(made):
            stack.push_async_callback(made.close)
            run(
                Sender(
                    made,
                    store=core.store,
                    keyring=core.keyring,
                    bus=core.bus,
                    clock=core.clock,
                    log=core.log,
                    beats=core.beats,
                ).run()
            )
            return made

        run(core.waiting.run())
        run.channel = channel
        yield run


def rows(core, sql):
    return core.store.read_now(lambda db: db.exec_driver_sql(sql).fetchall())


async def test_telegram_by_polling_from_a_greeting_to_a_case_a_colleague_accepts(core, door, keep, tmp_path):
    async with FakeTelegram(TOKEN, STAFF_TOKEN) as server:
        bot, staff = server.bot(TOKEN), server.bot(STAFF_TOKEN)
        she, colleague = bot.user(42), staff.user(7)
        channel = keep.channel(Telegram(token=TOKEN, api=server.url, clock=SystemClock()))
        keep(Poller(channel, door, holder="p", poll_s=1).run())
        office = Office(keyring=core.keyring, bus=core.bus, new_id=core.ids)
        socket = await control.serve(
            tmp_path / "s", DatabaseDesk(core.store, office, core.clock, core.beats).verbs(), core.log
        )
        desk = SocketDesk(tmp_path / "s")
        keep(StaffBot(token=STAFF_TOKEN, api=server.url, desk=desk, log=core.log).run(lambda _: asyncio.sleep(0.05)))
        core.store.write_now(
            lambda tx: tx.raw.execute(
                "INSERT INTO staff (id, username, name, roles, staffbot_chat, created_at)"
                " VALUES ('s7', 'u', 'n', '[\"counsellor\"]', '7', 0)"
            )
        )

        she.say("سلام")
        await she.sees(lambda: any(item.buttons for item in she.messages))
        heard = len(she.messages)
        she.press(she.messages[-1].buttons[0][0])
        await she.hears(heard + 1)
        she.say(CRY)
        await she.sees(lambda: any("110" in text for text in she.texts))
        await colleague.hears(1)
        colleague.press(LABEL_ACCEPT)
        await until(lambda: rows(core, "SELECT state, holder FROM cases") == [("claimed", "s7")])
        await until(lambda: rows(core, "SELECT status FROM sessions") == [("held",)])

        socket.close()
        assert CRY not in str(staff.calls)
        assert bot.problems == staff.problems == []
        await until(lambda: not bot.pending)
        assert bot.answered == bot.presses


async def test_telegram_by_webhook_survives_a_429_and_an_old_button_is_answered_kindly(core, door, keep, serve, clock):
    async with FakeTelegram(TOKEN) as server:
        bot = server.bot(TOKEN)
        she = bot.user(42)
        channel = keep.channel(Telegram(token=TOKEN, api=server.url, clock=SystemClock()))
        url = await serve(telegram_routes(channel, door, path="/hooks/telegram/111", secret="s"))
        await channel.set_webhook(f"{url}/hooks/telegram/111", "s")
        bot.fail("sendMessage", Failure(status=429, retry_after=1))

        she.say("سلام")
        await until(lambda: rows(core, "SELECT 1 FROM outbox WHERE error = 'throttled'"))
        await asyncio.sleep(1)  # the provider's own second; ours must not begin before it ends
        clock.advance(2)
        await she.sees(lambda: any(item.buttons for item in she.messages), within_s=15)
        heard = len(she.messages)
        she.press_data("p|gone|away|1|yes")
        await she.hears(heard + 1)

        assert bot.early_calls == 0
        assert bot.problems == []
        assert [status for _, status in bot.delivered] == [200, 200]


async def test_a_quick_exit_takes_our_messages_and_hers_off_her_phone(core, door, keep, serve):
    async with FakeTelegram(TOKEN) as server:
        bot = server.bot(TOKEN)
        she = bot.user(42)
        channel = keep.channel(Telegram(token=TOKEN, api=server.url, clock=SystemClock()))
        url = await serve(telegram_routes(channel, door, path="/hooks/telegram/111", secret="s"))
        await channel.set_webhook(f"{url}/hooks/telegram/111", "s")
        she.say("سلام")
        await until(lambda: any(item.buttons for item in she.messages))
        await until(lambda: not rows(core, "SELECT 1 FROM outbox WHERE state <> 'sent'"))
        seen = {item.message_id for item in she.messages}

        she.say("0")
        await she.sees(lambda: bot.sent("deleteMessages"))
        await until(lambda: not rows(core, "SELECT 1 FROM outbox WHERE state <> 'sent'"))

        assert not seen & {item.message_id for item in she.messages}
        assert she.wrote == {}
        assert bot.problems == []


async def test_bale_goes_the_same_way_without_markdown(core, door, keep, serve):
    token = "333:bale-token"
    async with FakeTelegram(token, bale=True) as server:
        bot = server.bot(token)
        she = bot.user(42)
        channel = keep.channel(bale(token=token, api=server.url, clock=SystemClock()))
        url = await serve(telegram_routes(channel, door, path=bale_path(token), secret=""))
        await channel.set_webhook(url + bale_path(token), "")

        she.say("سلام")
        await she.sees(lambda: any(item.buttons for item in she.messages))
        she.say(CRY)
        await until(lambda: rows(core, "SELECT channel, tier FROM cases") == [("bale", "T1")])
        await until(lambda: not rows(core, "SELECT 1 FROM outbox WHERE state <> 'sent'"))

        assert any("110" in text for text in she.texts)
        assert bot.problems == []


async def test_sms_from_a_greeting_through_a_numbered_menu_to_a_case_and_its_receipt(core, door, keep, serve):
    async with FakeTwilio(account=ACCOUNT, token="t", number="+15005550006") as server:
        channel = keep.channel(
            Twilio(
                account=ACCOUNT, token="t", number=server.number, api=server.url, base_url=PUBLIC, clock=SystemClock()
            )
        )
        server.reach(PUBLIC, await serve(twilio_routes(channel, door)))
        she = server.phone("+989120000001")

        assert await she.write("سلام") == 200
        await until(lambda: any("\n1 " in text for text in she.texts))
        heard = len(she.texts)
        await she.write("۱")
        await she.hears(heard + 1)
        await she.write(CRY)
        await until(lambda: any("110" in text for text in she.texts[heard:]))

        assert max(parts(text) for text in she.texts) <= 2
        assert rows(core, "SELECT channel, tier FROM cases") == [("sms", "T1")]
        await until(lambda: not rows(core, "SELECT 1 FROM outbox WHERE state <> 'sent'"))
        for sid in server.callbacks:
            assert await server.report(sid, "delivered") == 204
        assert {row[0] for row in rows(core, "SELECT receipt FROM outbox")} == {"delivered"}
        assert server.problems == []


async def test_rasa_gets_the_turns_texts_buttons_and_risk(core, door, keep, serve):
    keep.channel(RasaChannel())
    url = await serve(rasa_routes(door, core.keyring, token="r"))

    async with aiohttp.ClientSession(headers={"Authorization": "Bearer r"}) as session:

        async def say(text, number, slots):
            tracker = {"sender_id": "u1", "slots": slots, "latest_message": {"text": text, "message_id": number}}
            call = {"next_action": "action_panah_turn", "tracker": tracker}
            async with session.post(url + PATH, data=json.dumps(call).encode()) as answer:
                assert answer.status == 200
                body = await answer.json()
                return body["responses"], {item["name"]: item["value"] for item in body["events"]}

        greeting, slots = await say("سلام", "m1", {})
        payload = next(item for item in greeting if item["buttons"])["buttons"][0]["payload"]
        pressed, slots = await say(payload, "m2", slots)
        danger, slots = await say(CRY, "m3", slots)
        again, _ = await say(CRY, "m3", {**slots, "panah_seen": slots["panah_seen"] - 1})

    assert pressed
    assert any("110" in item["text"] for item in danger)
    assert slots["panah_tier"] == "T1"
    assert [(slots["panah_case"],)] == rows(core, "SELECT code FROM cases")
    assert [item["text"] for item in again] == [item["text"] for item in danger][-len(again) :]
    assert len(rows(core, "SELECT 1 FROM inbox WHERE channel = 'rasa'")) == 3
