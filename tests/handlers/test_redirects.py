"""What we fetch is what the operator wrote down (T15): no call of ours follows a provider that points elsewhere.

A redirect would carry her words (307) or our own reach into the network behind us (302) wherever a stranger on the
provider's side, or on the way to it, wants them.
"""

import asyncio
import re
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from fakes.waiting import until
from handlers.telegram_talk import TOKEN, outbound
from telegram import Bot
from telegram.error import TelegramError

from bot.core.channels import SendError
from bot.core.clock import SystemClock
from bot.handlers.bale import bale
from bot.handlers.telegram import Telegram
from bot.handlers.telegram_poller import Poller
from bot.handlers.twilio import Twilio
from escalation.watch_ways import SmsWay, StaffBotWay, Threads, WayError, fetch
from escalation.watch_words import Page

ROOT = Path(__file__).resolve().parents[2]
STATUSES = (301, 302, 303, 307, 308)
#: Every module that can make a call over HTTP; whoever adds one adds it to the test below, too.
CALLERS = {
    "bot/handlers/telegram_poller.py",
    "bot/handlers/telegram_session.py",
    "bot/handlers/telegram.py",
    "bot/handlers/twilio_client.py",
    "escalation/staffbot.py",
    "escalation/watch_ways.py",
}
_CAN_CALL = re.compile(
    r"^\s*(?:import|from) (?:aiohttp|httpx|requests|urllib\.request|urllib3|http\.client|aiogram|telegram|twilio)\b",
    re.MULTILINE,
)
#: These name a library's types or errors and call nobody.
_NAMES_ONLY = {"bot/handlers/telegram_errors.py", "bot/handlers/twilio.py", "bot/commands/staffbot.py"}
PAGE = Page(lines=(), made_at=SystemClock().now())


class Elsewhere:
    """A provider that points every caller at a place behind us, and that place, which counts who comes."""

    def __init__(self):
        self.status = 0
        self.asked = self.visited = 0

    async def point(self, request):
        self.asked += 1
        await request.read()
        return web.Response(status=self.status, headers={"Location": str(self.inside.make_url("/latest/meta-data"))})

    async def receive(self, request):
        self.visited += 1
        await request.read()
        return web.json_response({"ok": True, "result": {"message_id": 1}, "sid": "SM1", "status": "queued"})

    async def __aenter__(self):
        self.outside, self.inside = TestServer(_app(self.point)), TestServer(_app(self.receive))
        await self.outside.start_server()
        await self.inside.start_server()
        self.url = str(self.outside.make_url("")).rstrip("/")
        return self

    async def __aexit__(self, *_):
        await self.outside.close()
        await self.inside.close()


def _app(answer):
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    return app


@pytest.fixture
async def elsewhere():
    async with Elsewhere() as found:
        yield found


async def telegram_send(url, door):
    channel = Telegram(token=TOKEN, api=url, clock=SystemClock())
    await _refused(channel)


async def bale_send(url, door):
    await _refused(bale(token=TOKEN, api=url, clock=SystemClock()))


async def sms_send(url, door):
    account = "AC" + "0" * 32
    channel = Twilio(account=account, token="t", number="+15005550006", api=url, base_url=url, clock=SystemClock())
    await _refused(channel, external_id="+989120000001")


async def _refused(channel, **where):
    try:
        with pytest.raises(SendError):
            await channel.send(outbound(**where))
    finally:
        await channel.close()


async def poll(url, door):
    channel = Telegram(token=TOKEN, api=url, clock=SystemClock())
    poller = Poller(channel, door, holder="p1", poll_s=1)
    task = asyncio.create_task(poller.run())
    try:
        await until(lambda: poller._failures > 0)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await channel.close()


async def staff_bot(url, door):
    bot = Bot(TOKEN, base_url=f"{url}/bot")
    with pytest.raises(TelegramError):
        await bot.send_message(1, "x")  # without `initialize`, which would ask for itself first
    for request in bot._request:
        await request.shutdown()


async def page_by_staff_bot(url, door):
    with pytest.raises(WayError):
        await StaffBotWay(token=TOKEN, api=url).send("7", PAGE)


async def page_by_sms(url, door):
    with pytest.raises(WayError):
        await SmsWay(account="AC1", token="t", number="+15005550006", api=url).send("+989120000001", PAGE)


async def heartbeat(url, door):
    with pytest.raises(WayError):
        await fetch(Threads(), f"{url}/ping")


CALLS = (telegram_send, bale_send, sms_send, poll, staff_bot, page_by_staff_bot, page_by_sms, heartbeat)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
async def test_no_call_follows_a_redirect(elsewhere, door, call):
    for elsewhere.status in STATUSES:
        before = elsewhere.asked
        await call(elsewhere.url, door)
        assert elsewhere.asked > before
    assert 0 == elsewhere.visited


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://127.0.0.1/x", "data:text/plain,x", "gopher://x/"])
async def test_the_outside_watchers_address_is_http_or_nothing(address):
    with pytest.raises(WayError):
        await fetch(Threads(), address)


def test_no_other_module_makes_calls():
    found = {
        str(file.relative_to(ROOT))
        for part in ("bot", "escalation")
        for file in (ROOT / part).rglob("*.py")
        if _CAN_CALL.search(file.read_text(encoding="utf-8"))
    }

    assert CALLERS == {name for name in found - _NAMES_ONLY if not name.startswith(("bot/proof/", "bot/bench/"))}
