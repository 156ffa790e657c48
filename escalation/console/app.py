"""Puts the console together: the table of routes, what stands before them, what is said when something fails.

`ROUTES` is the whole surface: every method and path with the (target, action) it needs; a test walks the built
application and finds nothing else. Mounted parts (`extra_routes`) live under /flows.
"""

from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bot.core.text import persian_digits
from escalation.case import ActError
from escalation.console import (
    audit_routes,
    case_routes,
    form_routes,
    health_routes,
    own_routes,
    people_routes,
    presence,
    queue_routes,
    signin_routes,
    stream,
)
from escalation.console.case_routes import acting
from escalation.console.deps import ConsoleDeps, deps_of
from escalation.console.door import DoorMiddleware
from escalation.console.looks import Looks
from escalation.console.refusals import status_of, words_of
from escalation.console.security import HeadersMiddleware, OneOriginMiddleware, security_headers
from escalation.console.shell import (
    HERE,
    ForbiddenError,
    NavEntry,
    Shell,
    ShellParts,
    SignInNeededError,
    make_environment,
)
from escalation.policy import Actor, may

Need = tuple[str, str] | None
#: Needs nobody signed in.
OPEN: Need = None
#: Needs somebody signed in, whatever her role.
ANYBODY: Need = ("", "")
#: Needs a sign-in that waits for exactly this.
WAITING: Need = ("", "waiting")

_NAV = (
    NavEntry(path="/", label="صف", target="queue", action="view"),
    NavEntry(path="/staff", label="کارکنان", target="staff", action="view"),
    NavEntry(path="/audit", label="دفتر کارها", target="audit", action="view"),
    NavEntry(path="/health", label="سلامت", target="system", action="view"),
)


_CASE = "/cases/{case_id:str}"
#: Method, path, endpoint, what it needs.
ROUTES: tuple[tuple[str, str, Any, Need], ...] = (
    ("GET", "/healthz", health_routes.healthz, OPEN),
    ("GET", "/readyz", health_routes.readyz, OPEN),
    ("GET", "/metrics", health_routes.metrics, OPEN),
    ("GET", "/health", health_routes.health_page, ("system", "view")),
    ("POST", "/health/lock", health_routes.lock_all, ("system", "lock")),
    ("GET", "/health/help", health_routes.help_page, ("system", "view")),
    ("GET", "/health/dot", health_routes.dot, ANYBODY),
    ("GET", "/login", signin_routes.login_page, OPEN),
    ("POST", "/login", signin_routes.login, OPEN),
    ("GET", "/login/code", signin_routes.code_page, WAITING),
    ("POST", "/login/code", signin_routes.give_code, WAITING),
    ("POST", "/lock", signin_routes.lock, ANYBODY),
    ("GET", "/unlock", signin_routes.unlock_page, WAITING),
    ("POST", "/unlock", signin_routes.unlock, WAITING),
    ("POST", "/logout", signin_routes.logout, OPEN),
    ("GET", "/first/{code:str}", people_routes.welcome_page, OPEN),
    ("POST", "/first/{code:str}", people_routes.first_admin, OPEN),
    ("GET", "/invite/{code:str}", people_routes.welcome_page, OPEN),
    ("POST", "/invite/{code:str}", people_routes.accept_invite, OPEN),
    ("GET", "/", queue_routes.queue_page, ANYBODY),
    ("POST", "/take", queue_routes.take, ("case", "claim")),
    ("POST", "/shift", queue_routes.shift, ("shift", "work")),
    ("GET", "/stream", stream.stream, ("queue", "view")),
    ("POST", "/stream/alive", stream.alive, ("queue", "view")),
    ("GET", _CASE, case_routes.case_page, ("case", "read")),
    ("POST", _CASE + "/here", presence.here, ("case", "read")),
    ("POST", _CASE + "/claim", acting(case_routes.claim, action="claim"), ("case", "claim")),
    ("POST", _CASE + "/see", acting(case_routes.see, action="claim", then="/?said=seen"), ("case", "claim")),
    ("POST", _CASE + "/undo-claim", acting(case_routes.undo_claim, action="claim", then="/?said=released"), ("case", "claim")),
    ("POST", _CASE + "/release", acting(case_routes.release, action="claim", then="/?said=released"), ("case", "claim")),
    ("POST", _CASE + "/hand-back", acting(case_routes.hand_back, action="write", then=case_routes.after_hand_back), ("case", "write")),
    ("POST", _CASE + "/messages", acting(case_routes.write, action="write"), ("case", "write")),
    ("POST", _CASE + "/safe-contact", acting(case_routes.mark_safe, action="write"), ("case", "write")),
    ("POST", _CASE + "/notes", acting(case_routes.note, action="note"), ("case", "note")),
    ("POST", _CASE + "/refer", acting(case_routes.refer, action="refer"), ("case", "refer")),
    ("POST", _CASE + "/transfer", acting(case_routes.transfer, action="transfer", then="/?said=transferred"), ("case", "transfer")),
    ("POST", _CASE + "/entrust", acting(case_routes.entrust, action="transfer", then="/?said=entrusted"), ("case", "transfer")),
    ("GET", _CASE + "/forms/{form:str}", form_routes.form_page, ("case", "write")),
    ("POST", _CASE + "/forms/{form:str}", form_routes.fill, ("case", "write")),
    ("POST", _CASE + "/raise", acting(form_routes.raise_tier, action="write"), ("case", "write")),
    ("POST", _CASE + "/lower", acting(case_routes.lower, action="lower"), ("case", "lower")),
    ("POST", _CASE + "/close", acting(case_routes.close, action="close"), ("case", "close")),
    ("POST", _CASE + "/undo-close", acting(case_routes.undo_close, action="close"), ("case", "close")),
    ("GET", "/me", own_routes.me_page, ANYBODY),
    ("POST", "/me/staffbot", own_routes.staffbot_code, ("case", "claim")),
    ("POST", "/me/staffbot/unlink", own_routes.unlink_mine, ANYBODY),
    ("POST", "/me/password", own_routes.change_password, ANYBODY),
    ("POST", "/me/sessions/end", own_routes.end_session, ANYBODY),
    ("POST", "/me/devices/end", own_routes.end_device, ANYBODY),
    ("GET", "/second", own_routes.factor_page, ANYBODY),
    ("POST", "/second/begin", own_routes.begin_factor, ANYBODY),
    ("POST", "/second/confirm", own_routes.confirm_factor, ANYBODY),
    ("POST", "/second/codes", own_routes.renew_codes, ANYBODY),
    ("POST", "/second/remove", own_routes.remove_factor, ANYBODY),
    ("GET", "/staff", people_routes.staff_page, ("staff", "view")),
    ("POST", "/staff/invite", people_routes.invite, ("staff", "manage")),
    ("POST", "/staff/{staff_id:str}/link", people_routes.new_link, ("staff", "manage")),
    ("POST", "/staff/{staff_id:str}/unlink", people_routes.unlink, ("staff", "manage")),
    ("POST", "/staff/{staff_id:str}/second-off", people_routes.reset_factor, ("staff", "manage")),
    ("POST", "/staff/{staff_id:str}/roles", people_routes.change_roles, ("staff", "manage")),
    ("POST", "/staff/{staff_id:str}/disable", people_routes.disable, ("staff", "manage")),
    ("POST", "/staff/{staff_id:str}/reopen", people_routes.reopen, ("staff", "manage")),
    ("GET", "/audit", audit_routes.audit_page, ("audit", "view")),
    ("POST", "/audit", audit_routes.ask_audit, ("audit", "view")),
)  # fmt: skip

_ERRORS = {
    403: ("اجازهٔ این کار را ندارید", "نقش شما این بخش را ندارد. اگر باید داشته باشد، به مدیر کارکنان بگویید."),
    404: ("پیدا نشد", "چنین صفحه یا پرونده‌ای در میز شما نیست."),
    405: ("این‌جا چیزی برای دیدن نیست", "به صف برگردید."),
    413: ("بزرگ‌تر از اندازه", "این نوشته بزرگ‌تر از اندازه است."),
    500: (
        "چیزی از کار افتاد",
        "این خطا از ماست، نه از شما. آنچه نوشتید شاید نرسیده باشد؛ به صف برگردید و دوباره نگاه کنید.",
    ),
}
_STALE = ("صفحه کهنه شده است", "برای ایمنی، این کار از صفحهٔ کهنه پذیرفته نمی‌شود. برگردید و دوباره بزنید.")


def build_console(deps: ConsoleDeps) -> Starlette:
    """Build the staff port's application."""
    routes = [Route(path, endpoint, methods=[method]) for method, path, endpoint, _ in ROUTES]
    app = Starlette(
        routes=[
            *routes,
            Mount("/static", StaticFiles(directory=HERE / "static")),
            *([Mount("/flows", routes=list(deps.extra_routes))] if deps.extra_routes else []),
        ],
        middleware=[
            Middleware(HeadersMiddleware, tls=deps.settings.behind_tls),
            Middleware(
                DoorMiddleware, accounts=deps.accounts, store=deps.store, clock=deps.clock, tls=deps.settings.behind_tls
            ),
            Middleware(OneOriginMiddleware, refuse=_refused),
        ],
        exception_handlers={
            SignInNeededError: _sign_in,
            ForbiddenError: _forbidden,
            ActError: _refusal,
            HTTPException: _http_error,
            Exception: _broken,
        },
    )
    environment = make_environment(deps.extra_templates)
    environment.filters["fa"] = persian_digits
    app.state.deps = deps
    app.state.looks = Looks(deps.store, deps.clock)
    app.state.shell = ShellParts(environment=environment, nav=(*_NAV, *deps.extra_nav), globals=_globals)
    return app


def _globals(request: Request) -> Mapping[str, Any]:
    """Give what every page of the frame needs; `on_shift` was read with the sign-in."""
    deps = deps_of(request)
    actor = getattr(request.state, "actor", None)
    signed_in = actor if isinstance(actor, Actor) else None
    return {
        "public_name": deps.settings.public_name,
        "on_shift": bool(getattr(request.state, "on_shift", False)),
        "may_work": signed_in is not None and may(signed_in, "shift", "work"),
        "may_system": signed_in is not None and may(signed_in, "system", "view"),
        "may_claim": signed_in is not None and may(signed_in, "case", "claim"),
        "new_command": deps.ids,
        "dot": health_routes.dot_of(deps.health.latest),
        "notice": "",
        "error": "",
    }


def _error_page(request: Request, heading: str, words: str, status: int) -> Response:
    signed_in = getattr(request.state, "actor", None) is not None
    context = {
        "heading": heading,
        "words": words,
        "back": "/" if signed_in else "/login",
        "back_label": "برگشت به صف" if signed_in else "ورود",
    }
    return Shell().page(request, "error.html", context, status=status)


def _refused(request: Request, status: int) -> Response:
    heading, words = _STALE if status == 403 else _ERRORS[status]
    return _error_page(request, heading, words, status)


async def _sign_in(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the handler's shape
    if request.method != "GET" or request.url.path.startswith("/stream"):
        return _error_page(request, "نخست وارد شوید", "نشست شما تمام شده است.", 401)
    return RedirectResponse(f"/login?next={request.url.path}", status_code=303)


async def _forbidden(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the handler's shape
    return _error_page(request, *_ERRORS[403], 403)


async def _refusal(request: Request, error: Exception) -> Response:
    return _error_page(request, "این کار انجام نشد", words_of(error), status_of(error))


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    heading, words = _ERRORS.get(status, _ERRORS[404] if status < 500 else _ERRORS[500])
    return _error_page(request, heading, words, status)


async def _broken(request: Request, error: Exception) -> Response:  # noqa: ARG001 - what broke is the log's business
    """Answer a bug. This handler stands outside our middleware, so it adds the headers itself."""
    request.state.csrf = getattr(request.state, "csrf", "")
    response = _error_page(request, *_ERRORS[500], 500)
    tls = deps_of(request).settings.behind_tls
    security_headers(MutableHeaders(raw=response.raw_headers), path=request.url.path, tls=tls)
    return response
