"""A woman on Telegram and a counsellor at the console, through the running product; polling and webhook."""

import asyncio

import pytest
import pytest_asyncio
from fakes.telegram_api import FakeTelegram
from system.desk import Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "111:citizen-token"
HOOK_TOKEN = "222:hook-token"
SECRET = "hook-secret"
CRY = "شوهرم داره منو می‌زنه"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def telegram():
    async with FakeTelegram(TOKEN, HOOK_TOKEN) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def panah(telegram, install):
    running = install(started=False, PANAH_TELEGRAM_TOKEN=TOKEN, PANAH_TELEGRAM_API=telegram.url)
    await asyncio.to_thread(running.start)
    yield running
    await asyncio.to_thread(running.stop)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mina(panah):
    async with Desk(panah) as desk:
        yield await desk.join("mina")


@pytest.fixture
def bot(telegram):
    yield telegram.bot(TOKEN)
    assert telegram.bot(TOKEN).problems == []
    assert telegram.unknown_tokens == 0


async def test_a_cry_gets_the_numbers_at_once_and_a_counsellors_words_follow(bot, panah, mina, rows, until):
    she = bot.user(4201)
    await mina.begin_shift()

    she.say(CRY)
    await she.sees(lambda: any("110" in text and "123" in text for text in she.texts))
    await she.sees(lambda: any(item.buttons for item in she.messages))
    heard = len(she.texts)
    she.press(she.messages[-1].buttons[0][0])
    await she.hears(heard + 1)
    await until(lambda: rows(panah, "SELECT tier, channel FROM cases") == [("T1", "telegram")])
    case_id = await mina.take()
    assert CRY in await mina.read(case_id)
    await mina.write(case_id, "سلام، من مینا هستم. جایتان امن است؟", "a" * 32)
    await she.sees(lambda: "سلام، من مینا هستم. جایتان امن است؟" in she.texts)
    heard = len(she.texts)
    she.say("در حمامم، در را بسته‌ام")
    await until(lambda: rows(panah, "SELECT count(*) FROM messages WHERE author = 'contact'") == [(3,)])
    await until(lambda: not rows(panah, "SELECT 1 FROM inbox WHERE state = 'waiting' AND kind <> 'silence'"))

    assert "در حمامم، در را بسته‌ام" in await mina.read(case_id)
    assert heard == len(she.texts), "the bot keeps silent while a person holds the talk"
    assert bot.answered == bot.presses


async def test_a_quick_exit_takes_every_message_of_ours_off_her_phone(bot, panah, rows, until):
    she = bot.user(4202)
    she.say("سلام")
    await she.sees(lambda: any(item.buttons for item in she.messages))
    seen = {item.message_id for item in she.messages}
    await until(lambda: not rows(panah, "SELECT 1 FROM outbox WHERE state <> 'sent' LIMIT 1"))

    she.say("0")
    await she.sees(lambda: not seen & {item.message_id for item in she.messages})

    assert all("123" not in text for text in she.texts)


async def test_one_broken_update_among_good_ones_costs_the_others_nothing(bot, panah, rows, until):
    first, second = bot.user(4205), bot.user(4206)
    first.say("سلام")
    number = next(bot.numbers)
    bot.push_raw(number, f'{{"update_id": {number}, "message": {{"text": {"[" * 50_000}{"]" * 50_000}}}}}')
    bot.push({"thought": {"text": "سلام"}})
    second.say("سلام")

    await first.hears(1)
    await second.hears(1)
    await until(lambda: not bot.pending)

    assert [("quarantined",)] == rows(panah, "SELECT state FROM inbox WHERE provider_id = ?", f"111:{number}")


async def test_by_webhook_only_who_knows_the_secret_is_heard(telegram, install, rows, until):
    bot = telegram.bot(HOOK_TOKEN)
    running = install(
        started=False,
        PANAH_TELEGRAM_TOKEN=HOOK_TOKEN,
        PANAH_TELEGRAM_API=telegram.url,
        PANAH_TELEGRAM_SECRET=SECRET,
    )
    running.set(PANAH_BASE_URL=running.web)
    await asyncio.to_thread(running.start)
    she = bot.user(4203)
    await until(lambda: bot.webhook.get("url"))
    she.say(CRY)
    await she.sees(lambda: any("110" in text for text in she.texts))
    await until(lambda: rows(running, "SELECT tier FROM cases") == [("T1",)])

    bot.webhook["secret_token"] = "a-guess"
    bot.user(4204).say(CRY)
    await until(lambda: bot.delivered[-1][1] == 403)

    assert bot.polls == 0
    assert [("T1",)] == rows(running, "SELECT tier FROM cases")
    assert bot.problems == []
    assert SECRET not in running.log
    assert HOOK_TOKEN not in running.log
