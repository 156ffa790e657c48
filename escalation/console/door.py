"""Who is knocking: the sign-in cookie becomes `request.state.actor`, and every visitor has a token for her forms.

A sign-in that waits (for a code, for a password) is no actor: it stands in `request.state.waiting`.

Before signing in the token lives in a cookie of its own (a foreign page cannot set one for us: SameSite, and __Host-
behind TLS); afterwards it is the sign-in's own token from the database.
"""

import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.core.clock import Clock
from bot.store.database import Store
from escalation.accounts import Accounts, NewSession, SignedIn
from escalation.devices import KNOWN_DAYS
from escalation.shifts import on_shift_since

_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,100}")
#: An open stream or a page that looks by itself is no use of the console: without this an unwatched screen would stay signed in for ever.
_NO_USE = frozenset({"/stream", "/stream/alive", "/health", "/health/dot"})


def session_cookie(*, tls: bool) -> str:
    """Name the sign-in cookie; __Host- binds it to this host, path / and HTTPS."""
    return "__Host-panah-staff" if tls else "panah-staff"


def device_cookie(*, tls: bool) -> str:
    """Name the cookie by which a browser is known that was signed in before; it stays when one signs out."""
    return "__Host-panah-device" if tls else "panah-device"


def visit_cookie(*, tls: bool) -> str:
    """Name the cookie that carries the form token before anybody is signed in."""
    return "__Host-panah-visit" if tls else "panah-visit"


def set_session(response: Response, session: NewSession, *, tls: bool) -> None:
    """Give the browser its sign-in, until it closes; and, once all was proved, what it is known by."""
    response.set_cookie(session_cookie(tls=tls), session.token, secure=tls, httponly=True, samesite="strict", path="/")
    if session.device:
        set_device(response, session.device, tls=tls)


def set_device(response: Response, device: str, *, tls: bool) -> None:
    """Give the browser what it is known by next time."""
    age_s = KNOWN_DAYS * 86_400
    name = device_cookie(tls=tls)
    response.set_cookie(name, device, max_age=age_s, secure=tls, httponly=True, samesite="strict", path="/")


def forget_session(response: Response, *, tls: bool) -> None:
    """Take the sign-in back and have the browser drop what it may have kept."""
    response.delete_cookie(session_cookie(tls=tls), secure=tls, httponly=True, samesite="strict", path="/")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'


def token_of(request: Request) -> str:
    """Give the sign-in token of a request; empty when there is none."""
    return str(request.state.token)


def known_by(request: Request) -> str:
    """Give what the browser of a request is known by; empty for a new one."""
    return str(request.state.device)


class DoorMiddleware:
    """Puts `actor`, `csrf`, `token`, `device` and `on_shift` on the request's state."""

    def __init__(self, app: ASGIApp, *, accounts: Accounts, store: Store, clock: Clock, tls: bool) -> None:
        self._app = app
        self._accounts = accounts
        self._clock = clock
        self._store = store
        self._tls = tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look at the cookies of one request and pass it on."""
        if scope["type"] != "http" or scope["path"].startswith("/static/"):
            await self._app(scope, receive, send)
            return
        cookies = _cookies(Headers(scope=scope))
        token = _well_formed(cookies.get(session_cookie(tls=self._tls), ""))
        found = await self._find(token, scope["path"]) if token else None
        waiting = await self._accounts.waiting(token) if token and found is None else None
        visit = _well_formed(cookies.get(visit_cookie(tls=self._tls), ""))
        known = found or waiting
        fresh = "" if known or visit else secrets.token_urlsafe(24)
        state = scope.setdefault("state", {})
        state["actor"] = found.actor if found else None
        state["waiting"] = waiting
        state["token"] = token if known else ""
        state["device"] = _well_formed(cookies.get(device_cookie(tls=self._tls), ""))
        state["csrf"] = known.csrf if known else visit or fresh
        state["on_shift"] = found is not None and await self._works(found)
        await self._app(scope, receive, self._with_visit(send, fresh) if fresh else send)

    async def _find(self, token: str, path: str) -> SignedIn | None:
        by_itself = path in _NO_USE or path.endswith("/here")
        return await (self._accounts.peek(token) if by_itself else self._accounts.resume(token))

    async def _works(self, found: SignedIn) -> bool:
        now_ms = int(self._clock.now().timestamp() * 1000)
        since = await self._store.read(lambda connection: on_shift_since(connection, found.actor, now_ms))
        return since is not None

    def _with_visit(self, send: Send, fresh: str) -> Send:
        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                secure = "; Secure" if self._tls else ""
                cookie = f"{visit_cookie(tls=self._tls)}={fresh}; Path=/; HttpOnly; SameSite=Strict{secure}"
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        return send_with


def _cookies(headers: Headers) -> dict[str, str]:
    """Split by hand: the library refuses a whole line for one cookie that another program on this host may have left."""
    pairs = (pair.partition("=") for line in headers.getlist("cookie") for pair in line.split(";"))
    return {name.strip(): value.strip().strip('"') for name, _, value in pairs}


def _well_formed(value: str) -> str:
    return value if _TOKEN.fullmatch(value) else ""
