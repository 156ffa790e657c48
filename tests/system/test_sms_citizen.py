"""A woman with an old phone: SMS in by signed webhooks, numbered answers, a counsellor's words, receipts."""

import asyncio

import pytest
import pytest_asyncio
from fakes.twilio_api import FakeTwilio
from system.desk import Desk

from bot.handlers.sms import parts

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACCOUNT = "AC" + "0" * 32
PUBLIC = "https://panah.example"
SETTINGS = {
    "PANAH_TWILIO_ACCOUNT": ACCOUNT,
    "PANAH_TWILIO_TOKEN": "sms-token",
    "PANAH_TWILIO_NUMBER": "+15005550006",
    "PANAH_BASE_URL": PUBLIC,
}
CRY = "شوهرم داره منو می‌زنه"
FROM_MINA = "سلام، مینا هستم از 123. کجا هستید؟"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def twilio():
    async with FakeTwilio(account=ACCOUNT, token="sms-token", number="+15005550006") as server:
        yield server
        assert server.problems == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def panah(twilio, install):
    running = install(started=False, **SETTINGS, PANAH_TWILIO_API=twilio.url)
    twilio.reach(PUBLIC, running.web)
    await asyncio.to_thread(running.start)
    yield running
    await asyncio.to_thread(running.stop)


async def test_by_sms_from_a_numbered_menu_to_a_counsellors_words_and_their_receipt(twilio, panah, rows, until):
    she = twilio.phone("+989120000001")
    assert await she.write("سلام") == 200
    await until(lambda: any("\n1 " in text for text in she.texts))
    heard = len(she.texts)
    await she.write("۲")
    await she.hears(heard + 1)
    heard = len(she.texts)
    assert await she.write(CRY) == 200
    await she.hears(heard + 1)
    first = she.texts[heard]
    assert all(number in first for number in ("110", "123"))
    assert len(first) <= 70
    assert parts(first) == 1

    async with Desk(panah) as mina:
        await mina.open_account()
        case_id = await mina.take()
        assert CRY in await mina.read(case_id)
        await mina.write(case_id, FROM_MINA, "a" * 32)
        await until(lambda: FROM_MINA in she.texts)
        heard = len(she.texts)
        await she.write("خانه‌ی خواهرم")
        assert "خانه‌ی خواهرم" in await mina.read(case_id)
        await until(lambda: not rows(panah, "SELECT 1 FROM outbox WHERE state <> 'sent'"))
        for sid in list(twilio.callbacks):
            assert await twilio.report(sid, "delivered") == 204
        assert {("delivered",)} == set(rows(panah, "SELECT receipt FROM outbox"))
        assert "رسید" in await mina.read(case_id)

    assert heard == len(she.texts)
    assert max(parts(text) for text in she.texts) <= 2


async def test_a_forged_webhook_and_a_forged_receipt_change_nothing(twilio, panah, rows):
    she = twilio.phone("+989120000002")
    await she.write("سلام")
    await she.hears(1)
    before = rows(panah, "SELECT count(*) FROM inbox WHERE channel = 'sms'")
    forged = {"MessageSid": "SM1", "From": "+989120000009", "To": twilio.number, "Body": CRY}
    sid = list(twilio.callbacks)[-1]

    assert await twilio.post(f"{PUBLIC}/hooks/twilio/sms", forged, signature="Zm9yZ2Vk") == 403
    assert await twilio.report(sid, "failed", signature="Zm9yZ2Vk") == 403

    assert before == rows(panah, "SELECT count(*) FROM inbox WHERE channel = 'sms'")
    assert rows(panah, "SELECT count(*) FROM outbox WHERE receipt = 'failed'") == [(0,)]
