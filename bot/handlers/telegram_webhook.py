"""Keeps a bot's webhook ours: set at the start however long the provider is away, looked at twice a minute.

Anyone with the token can take a webhook away, and a failing one piles updates up unseen (I23, I30); both are logged.
"""

import asyncio

from bot.core.channels import SendError
from bot.handlers.hooks import Door
from bot.handlers.telegram import Telegram

_EVERY_S = 30.0
_BACK_OFF_MAX_S = 60.0
#: More than this waiting at the provider means that we answer too slowly or not at all (I30).
_PENDING_MAX = 50


class WebhookKeeper:
    """Sets and watches the webhook of one bot."""

    def __init__(self, channel: Telegram, door: Door, *, url: str, secret: str, every_s: float = _EVERY_S) -> None:
        self._channel = channel
        self._door = door
        self._url = url
        self._secret = secret
        self._every_s = every_s
        self._was_set = False
        self._beat = f"webhook:{channel.name}"

    async def run(self) -> None:
        """Look for ever; a provider that is away only makes it wait."""
        failures = 0
        self._door.beats.beat(self._beat)
        while True:
            try:
                await self.look()
                failures = 0
            except SendError as error:
                failures += 1
                self._door.log.warning(
                    "webhook_not_set", channel=self._channel.name, code=error.code, attempts=failures
                )
            self._door.beats.beat(self._beat, failures=failures)
            pause_s = min(2.0 ** min(failures, 10) / 2, _BACK_OFF_MAX_S) if failures else self._every_s
            await asyncio.sleep(pause_s)

    async def look(self) -> None:
        """Set the webhook when it is not ours; say how much waits at the provider when that is much.

        Raises:
            SendError: the provider did not answer, or refused.
        """
        if not self._was_set:  # always at the start: the address may be ours but the secret an old one
            await self._channel.set_webhook(self._url, self._secret)
            self._was_set = True
            return
        url, pending = await self._channel.webhook()
        if url != self._url:
            self._door.log.error("webhook_was_taken_away", channel=self._channel.name)
            await self._channel.set_webhook(self._url, self._secret)
        self._door.beats.beat(self._beat, pending=pending)
        if pending > _PENDING_MAX:
            self._door.log.warning("updates_pile_up", channel=self._channel.name, count=pending)
