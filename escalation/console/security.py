"""What stands before every route: headers on every answer, one origin, one token, a bounded body.

Knows nothing of accounts: who is signed in is put on `request.state` by escalation.console.door before the token is
compared. A refused POST has changed nothing.
"""

import hmac
from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: More than any form of ours and any script of the studio.
BODY_BYTES_MAX = 2_000_000
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
#: No inline script or style, no foreign host; nodes are made of HTML in one place only (page.js, policy «panah»).
_CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types panah"
)
_HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), display-capture=()",
}


def security_headers(headers: MutableHeaders, *, path: str, tls: bool) -> None:
    """Add what every answer carries; pages and data are never stored by a browser, files of ours are revalidated."""
    for name, value in _HEADERS.items():
        headers[name] = value
    headers["Content-Security-Policy"] = _CSP
    headers["Cache-Control"] = "no-cache" if path.startswith("/static/") else "no-store"
    if tls:
        headers["Strict-Transport-Security"] = "max-age=31536000"


class HeadersMiddleware:
    """Adds the security headers to every answer."""

    def __init__(self, app: ASGIApp, *, tls: bool) -> None:
        self._app = app
        self._tls = tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request with the headers added."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                security_headers(MutableHeaders(scope=message), path=scope["path"], tls=self._tls)
            await send(message)

        await self._app(scope, receive, send_with)


class OneOriginMiddleware:
    """Refuses a write that does not come from a page of ours: foreign origin, missing or foreign token, huge body."""

    def __init__(self, app: ASGIApp, *, refuse: Callable[[Request, int], Response]) -> None:
        self._app = app
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is safe or ours; refuse the rest."""
        if scope["type"] != "http" or scope["method"] in _SAFE_METHODS:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        body = await _read(receive)
        if body is None:
            await self._refuse(Request(scope), 413)(scope, receive, send)
        elif not same_origin(headers, scope["scheme"]) or not _token_fits(
            headers, body, scope["state"].get("csrf", "")
        ):
            await self._refuse(Request(scope), 403)(scope, receive, send)
        else:
            await self._app(scope, _again(body, receive), send)


def same_origin(headers: Headers, scheme: str) -> bool:
    """True when the browser itself says that the request comes from a page of this very address.

    Sec-Fetch-Site decides; it is not sent over plain HTTP from another machine, and then Origin must be ours. A
    request with neither is not a browser's form and is refused.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return headers.get("origin", "") in {f"{scheme}://{headers.get('host', '')}", f"https://{headers.get('host', '')}"}


def _token_fits(headers: Headers, body: bytes, expected: str) -> bool:
    shown = headers.get("x-csrf-token", "") or _field(headers, body)
    return bool(expected) and hmac.compare_digest(shown.encode(), expected.encode())


def _field(headers: Headers, body: bytes) -> str:
    if not headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return ""
    try:
        return parse_qs(body.decode("utf-8"), max_num_fields=200).get("csrf", [""])[0]
    except ValueError:
        return ""


async def _read(receive: Receive) -> bytes | None:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            return None
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _again(body: bytes, receive: Receive) -> Receive:
    """Give the read body once more, then whatever follows (the disconnect)."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
