"""Long polling for Telegram and Bale: raw updates in, each accepted by itself, confirmed only after the commit.

The next offset is what confirms updates to the provider, so it is sent only when all before it are on disk. One
poller a bot, under a lease row: a second one would make the provider answer 409 to both. aiogram's own get_updates
is not used: one malformed update fails its whole batch.
"""

import asyncio
import contextlib
import random
from datetime import timedelta
from typing import Any

import aiohttp

from bot.core.channels import SendError
from bot.core.fault import fault
from bot.handlers.gaps import note_heard
from bot.handlers.hooks import Door
from bot.handlers.telegram import Telegram
from bot.handlers.telegram_dates import clock_ahead, dated
from bot.handlers.telegram_decode import ALLOWED_UPDATES, Arrival, decode_update, split_batch
from bot.inbox import OverloadedError
from bot.store.database import Tx

_POLL_S = 25
_BATCH_MAX = 100
_BODY_BYTES_MAX = 16 * 1024 * 1024
#: Longer than a poll and its transfer; the lease is renewed before each.
LEASE_MS = 60_000
_LEASE_RETRY_S = 10.0
#: How often the provider is asked how much still waits there (I30).
_ASK_PENDING_S = 30.0
_BACK_OFF_MAX_S = 60.0
#: How exactly it is kept when the provider last answered.
_HEARD_EVERY_S = 60.0

#: What the operator is told, by the provider's status.
_REFUSALS = {
    401: ("bot_token_is_refused_by_the_provider", "wrong_token"),
    404: ("bot_token_is_refused_by_the_provider", "wrong_token"),
    409: ("another_poller_or_a_webhook_holds_this_bot", "conflict"),
}
#: What may be over at the next try.
_PASSING = ("unavailable", "timeout", "throttled")


class _PollError(Exception):
    """One poll brought nothing; how long to wait before the next."""

    def __init__(self, event: str, code: str, retry_after_s: float = 0.0) -> None:
        super().__init__(code)
        self.event = event
        self.code = code
        self.retry_after_s = retry_after_s


def take_lease(tx: Tx, *, name: str, holder: str, now_ms: int) -> bool:
    """Take or renew a lease; False while another holder has it."""
    row = tx.raw.execute(
        "INSERT INTO leases (name, holder, lease_until) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET"
        " holder = excluded.holder, lease_until = excluded.lease_until"
        " WHERE leases.holder = excluded.holder OR leases.lease_until <= ? RETURNING holder",
        (name, holder, now_ms + LEASE_MS, now_ms),
    ).fetchone()
    return row is not None


def drop_lease(tx: Tx, *, name: str, holder: str) -> None:
    """Give a lease back, so that the next process need not wait for its end."""
    tx.raw.execute("DELETE FROM leases WHERE name = ? AND holder = ?", (name, holder))


class Poller:
    """Fetches one bot's updates for ever."""

    def __init__(self, channel: Telegram, door: Door, *, holder: str, poll_s: int = _POLL_S) -> None:
        self._channel = channel
        self._door = door
        self._holder = holder
        self._poll_s = poll_s
        self._lease = f"{channel.name}:{channel.bot_id}"
        self._offset: int | None = None
        self._failures = 0
        self._webhook_gone = False
        self._name = f"poller:{channel.name}"
        self._asked_at = 0.0
        self._unconfirmed = 0
        self._away = 0
        self._ahead = timedelta()
        self._heard_at: float | None = None
        self._spread = random.Random(holder)  # noqa: S311 - spreads retries, guards nothing

    async def run(self) -> None:
        """Poll until cancelled; a lost lease or a failing provider only makes it wait."""
        timeout = aiohttp.ClientTimeout(total=self._poll_s + 20)
        self._door.beats.beat(self._name)
        try:
            async with aiohttp.ClientSession(timeout=timeout) as session:
                while True:
                    pause_s = await self._once(session)
                    await self._tell()
                    if pause_s:
                        await asyncio.sleep(pause_s)
        finally:
            await self._door.store.write(lambda tx: drop_lease(tx, name=self._lease, holder=self._holder))

    async def _tell(self) -> None:
        """Say that polling goes on, how often the provider failed in a row, and how much waits there."""
        beats, clock = self._door.beats, self._door.clock
        beats.beat(self._name, failures=self._away)
        if self._failures or clock.monotonic() - self._asked_at < _ASK_PENDING_S:
            return
        self._asked_at = clock.monotonic()
        with contextlib.suppress(SendError):  # a provider that is away fails the polls too, and those are counted
            _, pending = await self._channel.webhook()
            # what we have already waits there too, until the next poll confirms it
            beats.beat(self._name, pending=max(0, pending - self._unconfirmed))

    async def _once(self, session: aiohttp.ClientSession) -> float:
        """Do one round; give how many seconds to pause after it."""
        try:
            if not await self._take_lease():
                self._offset = None  # whoever polls meanwhile confirms; we start from what is left
                return _LEASE_RETRY_S
            await self._poll(session)
        except _PollError as error:
            self._away += 1
            return self._pause(error)
        except OverloadedError:
            return self._pause(_PollError("inbox_is_full", "overloaded"))
        except Exception as error:  # noqa: BLE001 - a full disk must not end polling; nothing was confirmed
            return self._pause(_PollError("poll_failed", type(error).__name__))
        self._failures = self._away = 0
        return 0.0

    async def _take_lease(self) -> bool:
        now_ms = self._door.now_ms()
        return await self._door.store.write(
            lambda tx: take_lease(tx, name=self._lease, holder=self._holder, now_ms=now_ms)
        )

    async def _poll(self, session: aiohttp.ClientSession) -> None:
        if not self._webhook_gone:
            await self._remove_webhook()
        body = await self._fetch(session)
        found = [self._decode(raw) for raw in split_batch(body)]
        self._unconfirmed = len(found)
        arrivals = dated(found, ahead=self._ahead, more_follow=len(found) >= _BATCH_MAX)
        await self._note_heard()
        if not arrivals:
            return
        await self._channel.take_in(self._door, arrivals)
        fault("W4")
        self._confirm(arrivals)

    async def _note_heard(self) -> None:
        """Keep, to the minute, that the provider answered; after a long silence the desk gets a notice."""
        clock = self._door.clock
        if self._heard_at is not None and clock.monotonic() - self._heard_at < _HEARD_EVERY_S:
            return
        now_ms = self._door.now_ms()
        silent_ms = await self._door.store.write(lambda tx: note_heard(tx, self._channel.name, now_ms))
        self._heard_at = clock.monotonic()
        if silent_ms:
            self._door.log.warning("provider_heard_again", channel=self._channel.name, seconds=silent_ms // 1000)
            self._door.bus.publish("cases")

    def _decode(self, raw: bytes) -> Arrival:
        now = self._door.clock.now()
        return decode_update(raw, channel=self._channel.name, received_at=now, bot_id=self._channel.bot_id)

    def _confirm(self, arrivals: list[Arrival]) -> None:
        numbers = [item.update_id for item in arrivals if item.update_id is not None]
        if not numbers:
            raise _PollError("updates_carry_no_number", "bad_response")
        self._offset = max(numbers) + 1

    async def _remove_webhook(self) -> None:
        """A webhook left from before makes every poll a 409."""
        try:
            await self._channel.remove_webhook()
        except SendError as error:
            if error.code in _PASSING:
                raise _PollError("poll_failed", error.code, error.retry_after_s or 0.0) from None
            # anything else getUpdates will meet too, and name precisely
        self._webhook_gone = True

    async def _fetch(self, session: aiohttp.ClientSession) -> bytes:
        # after a failure without waiting: that the provider is back is known at once, not at the end of a long poll
        wanted: dict[str, Any] = {"timeout": 0 if self._failures else self._poll_s, "limit": _BATCH_MAX}
        if self._offset is not None:
            wanted["offset"] = self._offset
        if self._channel.can.filters_updates:
            wanted["allowed_updates"] = list(ALLOWED_UPDATES)
        url = f"{self._channel.api}/bot{self._channel.token}/getUpdates"
        try:
            async with session.post(url, json=wanted, allow_redirects=False) as answer:
                body = await _read(answer.content)
                status = answer.status
                self._ahead = clock_ahead(answer.headers.get("Date", ""), self._door.clock.now())
                retry_after = answer.headers.get("Retry-After", "")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _PollError("poll_failed", type(error).__name__) from None  # its text holds the URL, so the token
        if status == 200:
            return body
        event, code = _REFUSALS.get(status, ("poll_failed", f"http_{status}"))
        if status == 409:
            self._webhook_gone = False
        raise _PollError(event, code, float(retry_after[:4]) if retry_after.isdecimal() else 0.0)

    def _pause(self, error: _PollError) -> float:
        self._failures += 1
        self._door.log.warning(error.event, channel=self._channel.name, code=error.code, attempts=self._failures)
        back_off_s = min(2.0 ** min(self._failures, 10) / 2, _BACK_OFF_MAX_S) * self._spread.uniform(0.5, 1.0)
        return max(back_off_s, error.retry_after_s)


async def _read(stream: aiohttp.StreamReader) -> bytes:
    """Read an answer up to the most we take; the update cut off there is read as far as it goes."""
    body = bytearray()
    async for chunk in stream.iter_any():
        body += chunk
        if len(body) >= _BODY_BYTES_MAX:
            break
    return bytes(body)
