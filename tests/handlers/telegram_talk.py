"""Telegram's tests in common: one bot's token and secret, a message to send, a poller that runs until a fact holds."""

import asyncio

from fakes.waiting import until

from bot.core.messages import OutboundMsg, Press
from bot.handlers.telegram_poller import Poller

TOKEN = "111:canary-token"
SECRET = "a-secret_0123456789"
PRESS = Press(flow="welcome", step="need", visit=1, key="talk").encode()


def outbound(text="سلام", *, key="k1", external_id="42", buttons=(), urgent=False):
    return OutboundMsg(key=key, external_id=external_id, text=text, buttons=buttons, urgent=urgent)


async def polling(channel, door, fact):
    task = asyncio.create_task(Poller(channel, door, holder="p1", poll_s=1).run())
    try:
        await until(fact)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
