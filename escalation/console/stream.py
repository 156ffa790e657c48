"""The live feed: one server-sent stream a browser, whose event ids are the numbers of `case_events`.

A reconnect with Last-Event-ID gets every change since (I12); a wake-up on the bus only makes it quicker. The stream
beats every 10 s and the browser answers each beat: that answer, not the open socket, keeps the lease of the cases
she holds, because a laptop that fell asleep keeps its sockets open (I10). It ends within 4 s of a revoked sign-in.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bot.store.database import Tx
from escalation import acts, reading, repo, shifts
from escalation.case import ActError
from escalation.console.deps import ConsoleDeps, deps_of
from escalation.console.door import token_of
from escalation.console.health_routes import Dot, dot_of
from escalation.console.shell import require
from escalation.policy import may

BEAT_S = 10.0
#: How often a stream looks although nobody woke it: bounds both a lost wake-up and a revoked sign-in.
LOOK_S = 3.0
#: What happens within this time is looked at together: a burst costs a few looks, not one for each change.
GATHER_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What one look at the database found."""

    feed: reading.Feed
    alarm: dict[str, list[str]]


async def stream(request: Request) -> Response:
    """Hold the stream open: `ready` first, then `case` for each change, `alarm`, `stir`, `beat`, at last `bye`."""
    require(request, "queue", "view")
    pieces = _pieces(deps_of(request), token_of(request), _after(request))
    return StreamingResponse(pieces, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def alive(request: Request) -> Response:
    """Hear that a living browser heard the beat: renew her leases, touch her shift."""
    actor = require(request, "queue", "view")
    deps = deps_of(request)

    def renew(tx: Tx) -> bool:
        now_ms = deps.now_ms()
        for case in repo.cases_held_by(tx.connection, actor.staff_id):
            try:
                acts.renew_lease(tx, deps.office, actor=actor, case_id=case.id, token=case.token, now_ms=now_ms)
            except ActError:
                continue  # hers no longer; the page hears of it as a change of the case
        return shifts.touch_shift(tx, actor=actor, now_ms=now_ms)

    if await deps.store.write(renew):
        await deps.accounts.resume(token_of(request))  # on shift: waiting for a cry for help is use, not idleness
    return Response(status_code=204)


def _after(request: Request) -> int | None:
    """Give the number the browser has heard up to; None when it has just come."""
    raw = request.headers.get("last-event-id") or request.query_params.get("after", "")
    return int(raw) if raw.isascii() and raw.isdecimal() and len(raw) < 16 else None


async def _pieces(deps: ConsoleDeps, token: str, after: int | None) -> AsyncIterator[str]:
    with deps.bus.subscribe("cases") as hints:
        last = await deps.store.read(reading.newest_event) if after is None else after
        yield _event("ready", {}, last)
        alarm: dict[str, list[str]] = {}
        told: Dot | None = None
        beat_at, hinted = deps.clock.monotonic(), False
        while not deps.stopping.is_set():
            look = await _look(deps, token, last)
            if look is None:
                yield _event("bye", {})
                return
            for change in look.feed.events:
                yield _event("case", {"case": change.case_id, "change": change.kind}, change.id)
            last = look.feed.last_id
            if look.alarm != alarm:
                alarm = look.alarm
                yield _event("alarm", alarm)
            dot = dot_of(await deps.health.look())
            if dot != told:
                told = dot
                yield _event("health", {"state": dot.state, "words": dot.words})
            if hinted and not look.feed.events:
                yield _event("stir", {})  # something without a number changed: a receipt, a shift
            if deps.clock.monotonic() >= beat_at:
                beat_at = deps.clock.monotonic() + BEAT_S
                yield _event("beat", {})
            hinted = not look.feed.more and await hints.wait(LOOK_S)
            if hinted:
                await asyncio.sleep(GATHER_S)


async def _look(deps: ConsoleDeps, token: str, last: int) -> _Look | None:
    signed_in = await deps.accounts.peek(token)
    if signed_in is None or not may(signed_in.actor, "queue", "view"):
        return None
    actor, now_ms = signed_in.actor, deps.now_ms()

    def read(connection: Connection) -> _Look:
        feed = reading.feed_since(connection, actor=actor, last_id=last, now_ms=now_ms)
        return _Look(feed=feed, alarm=_alarm(reading.queue(connection, actor=actor, now_ms=now_ms)))

    return await deps.store.read(read)


def _alarm(rows: list[reading.QueueRow]) -> dict[str, list[str]]:
    """Give what sounds: `urgent` cases that wait for anybody, and which are `mine`, for a knock when she writes."""
    return {
        "urgent": [row.id for row in rows if row.tier == "T1" and row.state == "queued"],
        "mine": [row.id for row in rows if row.mine],
    }


def _event(name: str, data: dict[str, Any], number: int | None = None) -> str:
    head = f"id: {number}\n" if number is not None else ""
    return f"{head}event: {name}\ndata: {json.dumps(data)}\n\n"
