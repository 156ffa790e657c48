"""What every webhook does alike: bounded bodies, secrets compared on bytes, and 2xx only after the commit.

Knows no provider. A handler decodes, this takes in; what came from no person leaves a bare row, so that a redelivery
of it is known and nothing is answered.
"""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from bot.beats import Beats
from bot.bus import Bus
from bot.core.clock import Clock
from bot.core.messages import InboundMsg, UnreadableInput
from bot.inbox import Accepted, NotStoredError
from bot.store.database import Store, Tx
from bot.telemetry import Log

#: Beyond this a body is refused unread; no provider of ours sends half of it.
BODY_BYTES_MAX = 1024 * 1024
RETRY_AFTER_S = 5

T = TypeVar("T")


class Accepts(Protocol):
    """The part of the inbox that handlers need."""

    async def accept(self, message: InboundMsg) -> Accepted:
        """Take a message in; returns after the commit that holds it."""
        ...

    async def accept_batch(self, messages: Sequence[InboundMsg]) -> list[Accepted]:
        """Take several messages in, in their order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What a way in needs of the process it runs in."""

    inbox: Accepts
    store: Store
    clock: Clock
    log: Log
    bus: Bus
    beats: Beats

    def now_ms(self) -> int:
        """Give the present moment in milliseconds."""
        return int(self.clock.now().timestamp() * 1000)


async def read_body(request: Request, *, most: int = BODY_BYTES_MAX) -> bytes | None:
    """Read a request's body; None when it is longer than `most` bytes, and then no more than that was read."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and len(announced) < 12 and int(announced) > most:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            return None
    return bytes(body)


def same_secret(given: str | None, wanted: str) -> bool:
    """Compare a header with our secret in constant time; on bytes, since a non-ASCII text would raise.

    Headers reach us as Latin-1. An empty secret of ours matches nothing.
    """
    if not wanted or given is None:
        return False
    return hmac.compare_digest(given.encode("latin-1", "replace"), wanted.encode("utf-8"))


def come_back() -> Response:
    """Say that nothing was stored and when to try again."""
    return Response(status_code=503, headers={"Retry-After": str(RETRY_AFTER_S)})


async def stored(door: Door, write: Callable[[Tx], T]) -> T:
    """Run a write of a webhook's own and wait for its commit.

    Raises:
        NotStoredError: it failed, for whatever reason; nothing of it was kept.
    """
    try:
        return await door.store.write(write)
    except Exception as error:
        raise NotStoredError from error


async def keep_for_nobody(door: Door, messages: Sequence[InboundMsg]) -> None:
    """Leave a bare row for each arrival that no person sent; broken ones stand out as quarantined.

    Raises:
        NotStoredError: the commit failed; all may be offered again.
    """
    now_ms = door.now_ms()
    await stored(door, lambda tx: _add_bare_rows(tx, messages, now_ms))


def _add_bare_rows(tx: Tx, messages: Sequence[InboundMsg], now_ms: int) -> None:
    tx.many(
        "INSERT INTO inbox (channel, provider_id, contact_id, kind, received_at, state, attempts, due_at, done_at, error)"
        " VALUES (:channel, :provider_id, '', 'ignored', :at, :state, 0, :at, :at, :error) ON CONFLICT DO NOTHING",
        [
            {
                "channel": message.channel,
                "provider_id": message.provider_id,
                "at": now_ms,
                "state": "quarantined" if _is_broken(message) else "done",
                "error": "broken" if _is_broken(message) else None,
            }
            for message in messages
        ],
    )


def _is_broken(message: InboundMsg) -> bool:
    return message.input == UnreadableInput("broken")
