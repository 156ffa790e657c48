"""Asks Twilio every few minutes what arrived, and takes in what a failed webhook lost: it is never sent again (I1)."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection, select

from bot.core.channels import SendError
from bot.core.messages import InboundMsg
from bot.handlers.hooks import Door
from bot.handlers.twilio import Twilio
from bot.inbox import OverloadedError
from bot.store.schema import inbox

_EVERY_S = 300.0
_BACK = timedelta(days=2)
#: So many are offered at a time: a batch larger than the inbox's room would be refused whole, and for ever.
_AT_ONCE = 50
#: Fewer than any database takes of values in one statement.
_ASKED_AT_ONCE = 500


class CatchUp:
    """Takes in what a failed webhook would have lost."""

    def __init__(self, channel: Twilio, door: Door, *, every_s: float = _EVERY_S) -> None:
        self._channel = channel
        self._door = door
        self._every_s = every_s

    async def run(self) -> None:
        """Look every few minutes, for ever."""
        failures = 0
        while True:
            try:
                await self.look()
                failures = 0
            except Exception as error:  # noqa: BLE001 - a full disk must not end it; the next look finds the same
                failures += 1
                code = error.code if isinstance(error, SendError) else type(error).__name__
                self._door.log.warning("catch_up_failed", channel="sms", code=code)
            self._door.beats.beat("catch_up:sms", failures=failures)
            await asyncio.sleep(self._every_s)

    async def look(self) -> int:
        """Take in what is missing; give how many messages that were.

        Raises:
            SendError: Twilio's list could not be read.
            NotStoredError: some were not stored; the next look finds them again.
        """
        now = self._door.clock.now()
        arrived = await self._channel.arrived_since(now - _BACK, now)
        if len(arrived) >= self._channel.catch_up_most:  # what is older was not looked at: people must know
            self._door.log.error("catch_up_is_cut_short", channel="sms", count=len(arrived))
        missing = await self._missing(arrived)
        taken, refused = 0, None
        for at in range(0, len(missing), _AT_ONCE):
            try:
                outcomes = await self._door.inbox.accept_batch(missing[at : at + _AT_ONCE])
            except OverloadedError as error:  # among those that follow may be some that must not wait for room
                refused = error
            else:
                taken += sum(not outcome.duplicate for outcome in outcomes)
        if refused is not None:
            raise refused
        return taken

    async def _missing(self, arrived: list[InboundMsg]) -> list[InboundMsg]:
        """Leave out what is on disk already."""
        known: set[str] = set()
        for at in range(0, len(arrived), _ASKED_AT_ONCE):
            asked = [message.provider_id for message in arrived[at : at + _ASKED_AT_ONCE]]
            known.update(await self._door.store.read(partial(_known, asked)))
        return [message for message in arrived if message.provider_id not in known]


def _known(asked: Sequence[str], connection: Connection) -> Sequence[str]:
    query = select(inbox.c.provider_id).where(inbox.c.channel == "sms", inbox.c.provider_id.in_(asked))
    return connection.execute(query).scalars().all()
