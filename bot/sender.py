"""The loop that says what waits in the outbox: lease, hand over, write down; round and round, never for one row.

Up to 64 messages are under way at once; each round writes down what has come back and leases as many new ones, in one
transaction. Sending may happen twice when a crash falls between the provider's yes and our record of it (O3, O4),
never zero times.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Protocol

from bot.beats import Beats
from bot.bus import Bus, Subscription
from bot.core.channels import Channel, SendError, Sent
from bot.core.clock import Clock
from bot.core.fault import fault
from bot.core.messages import Button, OutboundMsg
from bot.outbox import read_body
from bot.outbox_claim import Leased, Wanted, claim, newest_row
from bot.outbox_record import Outcome, anything_amiss, keep_hold, kept_hold_s, put_right, record
from bot.store.crypto import Keyring, UnreadableError
from bot.store.database import Store, Tx
from bot.store.vault import unseal
from bot.taking_back import TakingBack, Wish, wish_of
from bot.telemetry import Log

#: How many messages may be under way, and how many of them may be bulk: a hanging provider leaves urgent ones room.
_UNDER_WAY_MAX = 64
_BULK_UNDER_WAY_MAX = 48
#: So long after the lease was taken a call is given up, and none begins any more: nobody else may send it meanwhile.
_CALL_S_MAX = 45.0
_POLL_S = 1.0
_GAP_S = 0.005
#: How soon to look again for a free slot while bulk waits for the limiter.
_SLOT_S = 0.05
_PUT_RIGHT_EVERY_S = 5.0
#: How long a stop waits for calls under way, rather than saying twice what they say.
_GRACE_S = 3.0


class Limits(Protocol):
    """What a channel that has limits tells of them, in its attribute `pace` (bot.handlers.pace)."""

    @property
    def held_s(self) -> float:
        """For how long nothing may go out."""
        ...

    @property
    def bulk_room(self) -> int:
        """How many bulk messages may be handed over now."""
        ...

    def hold(self, seconds: float) -> None:
        """Let nothing out for so long."""
        ...


class Sender:
    """Sends what waits for one channel. Any number may run; the lease decides."""

    def __init__(
        self,
        channel: Channel,
        *,
        store: Store,
        keyring: Keyring,
        bus: Bus,
        clock: Clock,
        log: Log,
        beats: Beats,
        jitter: Callable[[], float] | None = None,
        process: str = "",
    ) -> None:
        """Make a sender; its leases begin with `process` (bot.processes), by which others free what it had leased."""
        self._channel = channel
        self._store = store
        self._keyring = keyring
        self._bus = bus
        self._clock = clock
        self._log = log
        self._beats = beats
        self._jitter = jitter or random.Random(channel.name).random  # noqa: S311 - spreads retries, guards nothing
        self._holder = f"{process}{channel.name}-{random.getrandbits(64):016x}"
        self._pace: Limits | None = getattr(channel, "pace", None)
        self._account: str = getattr(channel, "account", channel.name)
        self._under_way: dict[asyncio.Task[None], Leased] = {}
        self._done: list[Outcome] = []
        self._taking_back = TakingBack(channel, store, keyring, self._now_ms)
        self._owed_deletions: dict[int, Sent] = {}
        self._pulled_to = 0
        self._right_at = float("-inf")
        self._hints: Subscription | None = None

    async def run(self) -> None:
        """Send for ever; a hint wakes it at once, polling each second is the guarantee."""
        with self._bus.subscribe("outbox") as self._hints:
            try:
                await self._recall_hold()
                while True:
                    began = self._clock.monotonic()
                    await self._hints.wait(await self._round_safely())
                    if not self._done:  # hints of every turn, other channels' too, need not each be a transaction
                        await asyncio.sleep(max(0.0, began + _GAP_S - self._clock.monotonic()))
            finally:
                await self._finish()

    async def send_due(self) -> int:
        """Send one batch of what is due and wait for all of it; give how many messages were tried."""
        await self._put_right()
        leased = await self._turn_over()
        await asyncio.gather(*self._under_way)
        if self._done:
            await self._turn_over(take=False)
        return len(leased)

    async def _round_safely(self) -> float:
        """Do one round; give how long to wait for a hint before the next."""
        try:
            await self._put_right()
            await self._turn_over()
            self._beats.beat(f"sender:{self._channel.name}")
        except Exception as error:  # noqa: BLE001 - the loop must outlive a full disk; rows keep their lease
            self._log.error("outbox_failed", channel=self._channel.name, error=type(error).__name__)
            return _POLL_S
        return _SLOT_S if self._pace is not None and self._pace.held_s == 0 and not self._bulk_room() else _POLL_S

    async def _turn_over(self, *, take: bool = True) -> list[Leased]:
        """Write down what came back and lease what may go out, in one transaction; then hand it over."""
        done, self._done = self._done, []
        until_s = self._clock.monotonic() + _CALL_S_MAX
        wanted = self._wanted() if take else None
        if not done and wanted is None:
            return []
        try:
            leased = await self._store.write(lambda tx: self._write(tx, done, wanted))
        except BaseException:
            self._done[:0] = done  # what is known to be said must still be written down
            raise
        if leased:
            fault("O1")
        for item in leased:
            task = asyncio.create_task(self._hand_over(item, until_s))
            self._under_way[task] = item
            task.add_done_callback(self._landed)
        return leased

    def _wanted(self) -> Wanted | None:
        if self._pace is not None and self._pace.held_s > 0:
            return None
        urgent = _UNDER_WAY_MAX - len(self._under_way)
        if urgent <= 0:
            return None
        return Wanted(
            channel=self._channel.name,
            holder=self._holder,
            now_ms=self._now_ms(),
            urgent=urgent,
            bulk=min(self._bulk_room(), urgent),
            joins=self._pace is not None and self._channel.mode == "rich",  # an SMS has no room for a second text
            pulled_to=self._pulled_to,
        )

    def _bulk_room(self) -> int:
        room = _BULK_UNDER_WAY_MAX - sum(not item.urgent for item in self._under_way.values())
        return room if self._pace is None else min(room, self._pace.bulk_room)

    def _write(self, tx: Tx, done: list[Outcome], wanted: Wanted | None) -> list[Leased]:
        now_ms = self._now_ms()
        if done:
            record(tx, done, holder=self._holder, now_ms=now_ms, jitter=self._jitter)
            self._keep_hold(tx, done, now_ms)
            if any(outcome.leased.urgent or isinstance(outcome.result, SendError) for outcome in done):
                tx.after_commit(lambda: self._bus.publish("cases"))
        if wanted is None:
            return []
        leased = claim(tx, self._keyring, wanted)
        newest = newest_row(tx)
        tx.after_commit(lambda: self._pulled(newest))  # a commit that failed pulled nothing forward
        return leased

    def _pulled(self, newest: int) -> None:
        self._pulled_to = newest

    def _keep_hold(self, tx: Tx, done: list[Outcome], now_ms: int) -> None:
        named = [outcome.result.retry_after_s or 0.0 for outcome in done if isinstance(outcome.result, SendError)]
        if self._pace is not None and any(named) and self._pace.held_s > 0:
            held_s = self._pace.held_s
            keep_hold(tx, self._account, until_ms=now_ms + int(held_s * 1000), for_s=held_s)

    async def _recall_hold(self) -> None:
        """Obey after a restart what a provider said before it."""
        if self._pace is not None:
            held_s = await self._store.read(lambda found: kept_hold_s(found, self._account, self._now_ms()))
            if held_s > 0:
                self._pace.hold(held_s)

    async def _put_right(self) -> None:
        """Now and then close what is late, and mark cases whose line is dead."""
        now = self._clock.monotonic()
        if now - self._right_at < _PUT_RIGHT_EVERY_S and self._hints is not None:
            return
        self._right_at = now
        now_ms, name = self._now_ms(), self._channel.name
        while await self._store.read(lambda found: anything_amiss(found, name, now_ms)):
            await self._store.write(lambda tx: put_right(tx, name, now_ms))
            self._bus.publish("cases")

    async def _hand_over(self, item: Leased, until_s: float) -> None:
        fault("O2")
        result = await self._send(item, until_s - self._clock.monotonic())
        fault("O4")
        if isinstance(result, SendError):
            self._beats.count("send_failed", channel=self._channel.name, code=result.code)
            self._log.warning("send_failed", channel=self._channel.name, code=result.code, attempts=item.attempts)
        self._done.append(Outcome(item, result))

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._under_way.pop(task, None)
        if self._hints is not None:
            self._hints.wake()

    async def _send(self, item: Leased, left_s: float) -> Sent | SendError:
        if left_s <= 0:  # the process stood still: the lease may be over and the row somebody else's
            return SendError("timeout", retryable=True)
        try:
            message, wish = _message_of(item, self._keyring)
        except UnreadableError:
            return SendError("unreadable", retryable=False)
        try:
            async with asyncio.timeout(left_s):
                sent = self._owed_deletions.pop(item.row_id, None) or await self._channel.send(message)
                fault("O3")
                if wish is not None:
                    await self._take_back(item, message.external_id, wish, sent)
        except SendError as error:
            return error
        except TimeoutError:
            return SendError("timeout", retryable=True)
        except Exception as error:  # noqa: BLE001 - a handler's bug must not lose the message
            self._log.error("send_bug", channel=self._channel.name, error=type(error).__name__)
            return SendError("bad_response", retryable=True, ours=True)
        return sent

    async def _take_back(self, item: Leased, external_id: str, wish: Wish, sent: Sent) -> None:
        """Take back what is to leave her chat; the text itself is not said again when this must be retried.

        A single word is tried for once: what else there is to say to her must not wait for it.
        """
        self._owed_deletions[item.row_id] = sent
        try:
            await self._taking_back.take(item, external_id, wish)
        except SendError as error:
            if wish.everything:
                raise
            self._log.warning("not_taken_back", channel=self._channel.name, code=error.code)
        del self._owed_deletions[item.row_id]

    async def _finish(self) -> None:
        """At a stop, let the calls under way end and write down what they brought."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_GRACE_S)
        for task in self._under_way:
            task.cancel()
        if self._done:
            await self._turn_over(take=False)

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)


def _message_of(item: Leased, keyring: Keyring) -> tuple[OutboundMsg, Wish | None]:
    """Open what was leased: the message, and what is to leave her chat with it."""
    if item.wrapped_key is None or item.sealed_external_id is None or None in item.sealed_bodies:
        raise UnreadableError  # erased meanwhile
    key = keyring.unwrap(item.wrapped_key)
    external_id: str = unseal(key, "addresses.external_id", item.sealed_external_id)["id"]
    bodies = [read_body(key, body) for body in item.sealed_bodies if body is not None]
    message = OutboundMsg(
        key=item.key,
        external_id=external_id,
        text="\n\n".join(body["text"] for body in bodies),
        buttons=tuple(Button(found["label"], found["data"]) for found in bodies[-1]["buttons"]),
        kind=item.kind,
        urgent=item.urgent,
        contact_id=item.contact_id,
    )
    return message, wish_of(bodies)


def recover(tx: Tx) -> None:
    """At the start of the only sending process: what a dead one had leased may go out again at once."""
    tx.raw.execute(  # the first condition is the partial index's own
        "UPDATE outbox SET state = 'queued', lease_until = NULL, lease_by = NULL"
        " WHERE state IN ('queued', 'sending') AND state = 'sending'"
    )
