"""The staff bot beside the running product: linked at the console, told of cases, pressed, ended with its parent."""

import asyncio
import re
from pathlib import Path

import pytest
import pytest_asyncio
from fakes.telegram_api import FakeTelegram
from system.desk import Desk
from system.visitor import Visitor

from bot.core.text import persian_digits
from escalation.staffbot_words import ANSWERS, LABEL_ACCEPT, OUTCOMES

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "444:staff-token"
CRY = "شوهرم داره منو می‌زنه"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def telegram():
    async with FakeTelegram(TOKEN) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def panah(telegram, install):
    running = install(started=False, PANAH_STAFFBOT_TOKEN=TOKEN, PANAH_STAFFBOT_API=telegram.url)
    await asyncio.to_thread(running.start)
    yield running
    await asyncio.to_thread(running.stop)


@pytest.fixture
def bot(telegram):
    yield telegram.bot(TOKEN)
    assert telegram.bot(TOKEN).problems == []
    assert telegram.unknown_tokens == 0


async def link(bot, panah, username, chat_id, words="/start {code}"):
    """Make an account and link a chat with it by the code that the console shows once."""
    async with Desk(panah) as desk:
        await desk.join(username)
        await desk.get("/me")
        await desk.post("/me/staffbot")
        code = re.search(r'<code class="code large">([^<]+)</code>', desk.page).group(1)
    colleague = bot.user(chat_id)
    colleague.say(words.format(code=code))
    await colleague.sees(lambda: ANSWERS["linked"] in colleague.texts, within_s=20)
    return colleague


async def cry(panah):
    async with Visitor(panah) as she:
        assert "110" in await she.say(CRY)


def newest(colleague):
    return colleague.messages[-1]


async def test_a_case_is_told_by_number_and_tier_and_accepted_by_one_press(bot, panah, rows, until):
    mina = await link(bot, panah, "mina", 7001)
    sara = await link(bot, panah, "sara", 7002, words="{code}")  # as the console asks her to
    await cry(panah)
    await until(lambda: len(mina.texts) == len(sara.texts) == 2)
    [(case_id, code)] = rows(panah, "SELECT id, code FROM cases")
    assert newest(mina).text == newest(sara).text == f"پرونده {persian_digits(code)} · فوری"
    data, late = newest(sara).buttons[0][1], newest(sara).message_id

    mina.press(LABEL_ACCEPT)
    await until(lambda: rows(panah, "SELECT state FROM cases") == [("claimed",)])
    holder = "SELECT staff.username FROM cases JOIN staff ON staff.id = cases.holder WHERE cases.id = ?"
    assert [("mina",)] == rows(panah, holder, case_id)
    await until(lambda: OUTCOMES["taken"] in newest(sara).text and not newest(sara).buttons)
    mina.press_data(data, newest(mina).message_id)
    sara.press_data(data, late)
    await until(lambda: len(bot.sent("answerCallbackQuery")) == 3)

    assert [OUTCOMES["accepted"], OUTCOMES["accepted"], OUTCOMES["taken"]] == [
        answer["text"] for answer in bot.sent("answerCallbackQuery")
    ]
    assert [("claimed", "mina")] == rows(
        panah, "SELECT state, staff.username FROM cases JOIN staff ON staff.id = cases.holder"
    )
    said = str([call.parameters for call in bot.calls])
    assert not any(word in said for word in (CRY, "شوهر", "خشونت", "همسر", "استان"))


async def test_kill_9_ends_the_staff_bot_too_and_the_next_start_tells_what_is_new_once(bot, panah, rows, until):
    lena = await link(bot, panah, "lena", 7003)
    [child] = [number for number in children(panah.process.pid) if "staffbot" in arguments(number)]
    panah.kill()
    await until(lambda: not is_alive(child), within_s=5)
    heard = len(lena.texts)

    await asyncio.to_thread(panah.start)
    await cry(panah)
    await until(lambda: len(lena.texts) > heard, within_s=20)

    codes = [code for (code,) in rows(panah, "SELECT code FROM cases ORDER BY opened_at")]
    assert [persian_digits(codes[-1])] == [text.split()[1] for text in lena.texts[heard:]]


def children(number):
    return Path(f"/proc/{number}/task/{number}/children").read_text().split()


def arguments(number):
    return Path(f"/proc/{number}/cmdline").read_text().split("\0")


def is_alive(number):
    try:
        return "State:\tZ" not in Path(f"/proc/{number}/status").read_text()
    except FileNotFoundError:
        return False
