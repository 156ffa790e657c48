"""What no sane client sends, over real HTTP: each ends in a row, a person gets an answer, and work goes on."""

import asyncio
import itertools
import json
import time

import aiohttp
import pytest
import pytest_asyncio
from fakes.telegram_api import FakeTelegram
from system.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "555:poison-token"
SECRET = "hook-secret"
CRY = "شوهرم داره منو می‌زنه"
NUMBERS = itertools.count(5_000)
PEOPLE = itertools.count(9_001)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def telegram():
    async with FakeTelegram(TOKEN) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def panah(telegram, install):
    running = install(
        started=False,
        PANAH_TELEGRAM_TOKEN=TOKEN,
        PANAH_TELEGRAM_API=telegram.url,
        PANAH_TELEGRAM_SECRET=SECRET,
    )
    running.set(PANAH_BASE_URL=running.web)
    await asyncio.to_thread(running.start)
    yield running
    await asyncio.to_thread(running.stop)
    assert "turn_failed" not in running.log
    assert "batch_failed" not in running.log


@pytest.fixture
def she(telegram):
    """Somebody new on Telegram, for whom nothing was said before."""
    yield telegram.bot(TOKEN).user(next(PEOPLE))
    assert telegram.bot(TOKEN).problems == []


@pytest_asyncio.fixture(loop_scope="module")
async def deliver(panah):
    """POST bytes to the webhook as Telegram does; give the HTTP status."""
    async with aiohttp.ClientSession(headers={"X-Telegram-Bot-Api-Secret-Token": SECRET}) as session:

        async def posted(body):
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            async with session.post(f"{panah.web}/hooks/telegram/555", data=raw) as answer:
                return answer.status

        yield posted


def update(she, number, **content):
    person = {"id": she.chat_id, "is_bot": False, "first_name": "Test"}
    chat = {"id": she.chat_id, "type": "private"}
    message = {"message_id": number, "from": person, "chat": chat, "date": int(time.time()), **content}
    return {"update_id": number, "message": message}


def deep(she, number):
    """Her message, whose text is a hundred thousand brackets that nothing closes."""
    return json.dumps(update(she, number, text=0)).encode().replace(b'"text": 0', b'"text": ' + b"[" * 100_000)


HUMAN = {
    "a megabyte of text": lambda she, number: json.dumps(update(she, number, text="آ" * 499_000), ensure_ascii=False).encode(),
    "a cry at the end of a megabyte": lambda she, number: json.dumps(
        update(she, number, text="آ " * 330_000 + CRY), ensure_ascii=False
    ).encode(),
    "lone surrogates": lambda she, number: update(she, number, text="سلام \ud83d \udc4b \ud800"),
    "a NUL": lambda she, number: update(she, number, text="سلا\0م\0"),
    "only NULs": lambda she, number: update(she, number, text="\0\0\0"),
    "brackets without end": deep,
    "a text that is no text": lambda she, number: update(she, number, text={"a": [1, None, {"b": 1e308}]}),
    "numbers that are none": lambda she, number: update(she, number, location={"latitude": 1e308, "longitude": "x"}),
    "no sender": lambda she, number: update(she, number, **{"from": None, "text": "سلام"}),
    "a press of nothing": lambda she, number: {
        "update_id": number,
        "callback_query": {"id": "1", "from": {"id": she.chat_id}, "data": "p|" + "|" * 300},
    },
}  # fmt: skip


@pytest.mark.parametrize("name", HUMAN)
async def test_whatever_a_person_sent_is_stored_and_answered(name, she, panah, deliver, rows):
    number = next(NUMBERS)

    assert await deliver(HUMAN[name](she, number)) == 200

    [(state,)] = rows(panah, "SELECT state FROM inbox WHERE channel = 'telegram' AND provider_id = ?", f"555:{number}")
    assert state == "done"
    await she.hears(1)
    she.bot.pending.clear()


NOBODY = {
    "brackets": lambda number: b"[" * 100_000,
    "half an update": lambda number: f'{{"update_id": {number}, "mess'.encode(),
    "no text at all": lambda number: b"\xff\xfe\x00" * 1000,
    "nothing": lambda number: b"",
    "a kind from the future": lambda number: {"update_id": number, "thought": {"from": {"id": 1}, "text": "سلام"}},
    "a group": lambda number: {"update_id": number, "message": {"chat": {"id": -5, "type": "group"}, "text": "سلام"}},
}


@pytest.mark.parametrize("name", NOBODY)
async def test_what_no_person_of_ours_sent_leaves_a_row_and_is_confirmed(name, panah, deliver, rows):
    before = rows(panah, "SELECT count(*) FROM inbox")[0][0]

    assert await deliver(NOBODY[name](next(NUMBERS))) == 200

    assert before + 1 == rows(panah, "SELECT count(*) FROM inbox")[0][0]


async def test_a_cry_among_broken_characters_is_still_heard(she, panah, deliver, rows):
    number = next(NUMBERS)
    assert await deliver(update(she, number, text=f"\ud800{CRY}\0\udc00")) == 200

    await she.sees(lambda: any("110" in text for text in she.texts))
    hers = "SELECT tier FROM cases JOIN inbox ON inbox.contact_id = cases.contact_id WHERE inbox.provider_id = ?"
    assert [("T1",)] == rows(panah, hers, f"555:{number}")


async def test_a_repeated_update_is_taken_once_and_a_late_lower_one_is_taken_too(she, panah, deliver, rows, until):
    number = next(NUMBERS)
    first = update(she, number, text="سلام")
    for _ in range(3):
        assert await deliver(first) == 200
    await she.hears(1)
    await until(lambda: not rows(panah, "SELECT 1 FROM outbox WHERE state <> 'sent'"))
    heard = len(she.texts)
    late = update(she, number - 4_000, text=CRY)
    assert await deliver(late) == 200
    await she.sees(lambda: any("110" in text for text in she.texts[heard:]))

    ids = (f"555:{number}", f"555:{number - 4_000}")
    assert [("done",), ("done",)] == rows(panah, "SELECT state FROM inbox WHERE provider_id IN (?, ?)", *ids)


FORMS = {
    "a megabyte of text": b"t=" + "آ".encode() * 500_000,
    "lone surrogates": b"t=" + b"%ED%A0%80" * 20,
    "a NUL": "t=سلام%00".encode(),
    "an old code page": b"t=%D3%E1%C7%E3",
    "broken escapes": b"t=%%%zz%1",
    "brackets for a press": b"p=" + b"[" * 100_000,
    "a press of nothing": b"p=p%7C%7C%7C%7C",
    "a thousand fields": b"&".join(b"t=a" for _ in range(1000)),
    "nothing": b"",
}


@pytest.mark.parametrize("name", FORMS)
async def test_the_page_answers_whatever_is_posted_and_then_an_ordinary_word(name, panah):
    async with Visitor(panah) as person:
        status, _ = await person.post(FORMS[name])
        assert status < 500
        assert "110" in await person.say(CRY)


async def test_afterwards_an_ordinary_message_still_gets_its_answer(she, panah, deliver, rows):
    assert await deliver(update(she, next(NUMBERS), text="سلام")) == 200

    await she.sees(lambda: any(item.buttons for item in she.messages))
    assert [] == rows(panah, "SELECT channel, kind, error FROM inbox WHERE state NOT IN ('done', 'quarantined')")
