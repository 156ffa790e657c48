"""What guards every answer and every POST of the citizen's port: headers, same-origin, a bounded body.

No third party is ever named: the policy allows our own files and nothing else, and no inline script or style.
"""

from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Most bytes of a body that are read; beyond it the answer is 413 (I22).
BODY_BYTES_MAX = 1_000_000

_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; "
    "require-trusted-types-for 'script'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
    "X-Robots-Tag": "noindex",
}


class TooLargeError(Exception):
    """The body is larger than BODY_BYTES_MAX."""


class SecurityHeaders:
    """Adds the headers to every answer; one that says nothing about caching is not to be stored."""

    def __init__(self, app: ASGIApp, *, behind_tls: bool) -> None:
        self._app = app
        self._headers = dict(_HEADERS)
        if behind_tls:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request with the headers added."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


def is_same_origin(request: Request) -> bool:
    """True unless the browser says that another site made this request.

    Our own `no-referrer` makes browsers send `Origin: null` with plain forms, and old phones send no header at all;
    both pass, because a foreign page's POST comes without the SameSite cookie and so without anybody's identity.
    """
    origin = request.headers.get("origin", "null")
    if origin != "null" and urlsplit(origin).netloc != request.headers.get("host", ""):
        return False
    return request.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}


async def read_body(request: Request) -> bytes:
    """Read a body up to its bound; a sender who goes away leaves an empty one.

    Raises:
        TooLargeError: it is larger.
    """
    declared = request.headers.get("content-length", "0")
    if declared.isascii() and declared.isdecimal() and int(declared[:12]) > BODY_BYTES_MAX:
        raise TooLargeError
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                raise TooLargeError
    except ClientDisconnect:
        return b""
    return bytes(body)
