"""Health for those who look after the service: one calm page, its help, and the dot in everybody's header.

The page brings itself up to date; when it cannot, it turns red by itself (static/health.js), because an old «all is
well» is the worst it could say. Nothing on it is content.
"""

import asyncio
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from bot import locking
from bot.core.clock import TEHRAN
from bot.core.jalali import long_date
from bot.core.text import persian_digits
from bot.health import Report
from bot.health.probe import yes_or_no
from bot.health.words import NEVER_DONE, WORDS
from escalation import repo
from escalation.console.deps import deps_of
from escalation.console.shell import current_actor, render, require
from escalation.policy import may

_LOCKED = (
    '<!doctype html><html lang="fa" dir="rtl"><meta charset="utf-8"><title>قفل شد</title><main id="main">'
    "<h1>سامانه قفل شد</h1><p>کلیدها تا دو ثانیهٔ دیگر از حافظه می‌رود. به مردم فقط شماره‌های 110، 115 و 123 گفته می‌شود."
    " روی خود دستگاه با panah unlock باز می‌شود.</p></main></html>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """The header's dot: a colour and a word that says the same."""

    state: str  # well, ill, unknown
    words: str


def dot_of(report: Report | None) -> Dot:
    """Give the dot of a look; before the first look it says so."""
    if report is None:
        return Dot(state="unknown", words="سلامت: نامعلوم")
    if not report.red:
        return Dot(state="well", words="سامانه سالم")
    return Dot(state="ill", words=persian_digits(f"{len(report.red)} هشدار"))


async def healthz(request: Request) -> Response:
    """Say that this process runs turns: yes or no, no detail."""
    return yes_or_no(ok=deps_of(request).health.alive())


async def readyz(request: Request) -> Response:
    """Say that a message could be taken in: yes or no, no detail."""
    deps = deps_of(request)
    return yes_or_no(ok=not deps.stopping.is_set() and deps.health.ready())


async def metrics(request: Request) -> Response:
    """Give Prometheus its numbers, to whoever shows the token; without one in the settings there is no such page."""
    deps = deps_of(request)
    token = deps.settings.metrics_token
    if not token:
        raise HTTPException(404)
    shown = request.headers.get("authorization", "").encode()
    if not hmac.compare_digest(shown, f"Bearer {token}".encode()):
        return PlainTextResponse("", status_code=401, headers={"WWW-Authenticate": "Bearer"})
    return PlainTextResponse(await deps.health.metrics(), media_type="text/plain; version=0.0.4")


async def dot(request: Request) -> Response:
    """Give the dot as data, for pages without a stream."""
    current_actor(request)
    found = dot_of(await deps_of(request).health.look())
    return JSONResponse({"state": found.state, "words": found.words})


async def health_page(request: Request) -> Response:
    """Show every condition: what is red first, with what it means and what to do; then what was never done yet."""
    require(request, "system", "view")
    report = await deps_of(request).health.look()
    at = datetime.fromtimestamp(report.at_ms / 1000, UTC).astimezone(TEHRAN)
    return render(
        request,
        "health.html",
        at_ms=report.at_ms,
        checked=persian_digits(at.strftime("%H:%M:%S")),
        day=long_date(at),
        now=[check for check in report.red if check.now],
        later=[check for check in report.red if not check.now],
        to_do=report.to_do,
        well=report.well,
        dot=dot_of(report),
        may_lock=may(current_actor(request), "system", "lock"),
    )


async def lock_all(request: Request) -> Response:
    """Lock the installation: every process drops its keys within two seconds (bot.locking); the audit says who did it."""
    actor, deps = require(request, "system", "lock"), deps_of(request)
    now_ms = deps.now_ms()
    await deps.store.write(
        lambda tx: repo.add_audit(
            tx, actor=actor.staff_id, action="locked", target="installation", target_id="", now_ms=now_ms
        )
    )
    await asyncio.to_thread(locking.lock, deps.settings)
    return HTMLResponse(_LOCKED)


async def help_page(request: Request) -> Response:
    """Show what each alarm means, what to do, and how to see that it is over."""
    require(request, "system", "view")
    return render(request, "health_help.html", alarms=WORDS, never_done=NEVER_DONE)
