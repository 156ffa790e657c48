"""The live feed: one server-sent stream a browser, whose event ids are the numbers of `case_events`.

A reconnect with Last-Event-ID gets every change since (I12); a wake-up on the bus only makes it quicker. The stream
beats every 10 s and the browser answers each beat: that answer, not the open socket, keeps the lease of the cases
she holds, because a laptop that fell asleep keeps its sockets open (I10). It says `here` every 3 s, so that a browser
knows of a lost server within 8 s, and ends within 4 s of a revoked sign-in.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bot.store.database import Tx
from escalation import acts, reading, repo, shifts
from escalation.case import ActError
from escalation.console.deps import ConsoleDeps, deps_of
from escalation.console.door import token_of
from escalation.console.health_routes import Dot, dot_of
from escalation.console.looks import Looks
from escalation.console.shell import require
from escalation.policy import Actor, may

BEAT_S = 10.0
#: How often a stream looks although nobody woke it: bounds both a lost wake-up and a revoked sign-in.
LOOK_S = 3.0
#: What happens within this time is looked at together: a burst costs a few looks, not one for each change.
GATHER_S = 0.1


async def stream(request: Request) -> Response:
    """Hold the stream open: `ready` first, then `case` for each change, `alarm`, `health`, `stir`, `beat`, `here`, at last `bye`."""
    require(request, "queue", "view")
    looks = request.app.state.looks
    assert isinstance(looks, Looks)
    pieces = _pieces(deps_of(request), looks, token_of(request), _after(request))
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

    if await deps.store_of(actor).write(renew):
        await deps.accounts.resume(token_of(request))  # on shift: waiting for a cry for help is use, not idleness
    return Response(status_code=204)


def _after(request: Request) -> int | None:
    """Give the number the browser has heard up to; None when it has just come."""
    raw = request.headers.get("last-event-id") or request.query_params.get("after", "")
    return int(raw) if raw.isascii() and raw.isdecimal() and len(raw) < 16 else None


async def _pieces(deps: ConsoleDeps, looks: Looks, token: str, after: int | None) -> AsyncIterator[str]:
    with deps.bus.subscribe("cases") as hints:
        last = await looks.newest() if after is None else after
        yield _event("ready", {}, last)
        told = _Told(alarm=reading.Alarm(urgent=(), mine=()), dot=None)
        actor: Actor | None = None
        ask_at = beat_at = deps.clock.monotonic()
        hinted = False
        while not deps.stopping.is_set():
            if deps.clock.monotonic() >= ask_at:  # not at each change: but a revoked sign-in is heard of in LOOK_S
                actor, ask_at = await _actor(deps, token), deps.clock.monotonic() + LOOK_S
            if actor is None:
                yield _event("bye", {})
                return
            changes, now_ms = await looks.after(last, woken=hinted), deps.now_ms()
            feed = reading.feed_of(changes, actor=actor, now_ms=now_ms)
            for change in feed.events:
                meant = {"yours": True} if change.kind == "entrusted" and change.data["to"] == actor.staff_id else {}
                yield _event("case", {"case": change.case_id, "change": change.kind, **meant}, change.id)
            last = feed.last_id
            for piece in told.news(
                reading.alarm_of(changes, actor=actor, now_ms=now_ms), dot_of(await deps.health.look())
            ):
                yield piece
            if hinted and not feed.events:
                yield _event("stir", {})  # something without a number changed: a receipt, a shift
            beat = deps.clock.monotonic() >= beat_at
            beat_at = deps.clock.monotonic() + BEAT_S if beat else beat_at
            yield _event("beat" if beat else "here", {})
            hinted = not feed.more and await hints.wait(LOOK_S)
            if hinted:
                await asyncio.sleep(GATHER_S)


@dataclass(slots=True)
class _Told:
    """What this stream last told of alarm and health, so that only changes are told."""

    alarm: reading.Alarm
    dot: Dot | None

    def news(self, alarm: reading.Alarm, dot: Dot) -> list[str]:
        """Give the pieces that tell what changed."""
        pieces = []
        if alarm != self.alarm:
            pieces.append(_event("alarm", asdict(alarm)))
        if dot != self.dot:
            pieces.append(_event("health", asdict(dot)))
        self.alarm, self.dot = alarm, dot
        return pieces


async def _actor(deps: ConsoleDeps, token: str) -> Actor | None:
    """Give who listens, None when her sign-in is over or her role works no queue any more."""
    signed_in = await deps.accounts.peek(token)
    return signed_in.actor if signed_in is not None and may(signed_in.actor, "queue", "view") else None


def _event(name: str, data: dict[str, Any], number: int | None = None) -> str:
    head = f"id: {number}\n" if number is not None else ""
    return f"{head}event: {name}\ndata: {json.dumps(data)}\n\n"
