"""Who has the page open, and from where on she may see: two cookies with names that say nothing.

The first is a random secret and all the identity there is; it ends with the browser. The second says from which
message on this view shows the conversation and when she was last here, signed for that secret. A view ends after
ten minutes, or when the page is opened anew; what came before then needs the code word. Nothing is kept on the
server, so a restart changes nothing.
"""

import hmac
import secrets
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response

from bot.store.crypto import Keyring

#: How long a view lasts without a sign of her.
IDLE_MS = 10 * 60 * 1000
_TOKEN_CHARS = 43  # 32 bytes in URL-safe base64
_MAC_CHARS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Messages with an id above `since` are shown; `unlocked` after the code word: what was hidden, too."""

    since: int
    seen_ms: int
    unlocked: bool = False

    def is_idle(self, now_ms: int) -> bool:
        """True when nothing was heard of her for ten minutes."""
        return not 0 <= now_ms - self.seen_ms <= IDLE_MS

    def seen(self, now_ms: int) -> "View":
        """Give the view after a sign of her."""
        return replace(self, seen_ms=now_ms)


def new_token() -> str:
    """Draw a browser's secret: 256 bits."""
    return secrets.token_urlsafe(32)


class Cookies:
    """Reads and writes the two cookies."""

    def __init__(self, keyring: Keyring, *, behind_tls: bool) -> None:
        self._keyring = keyring
        self._secure = behind_tls
        prefix = "__Host-" if behind_tls else ""
        self._token_name = f"{prefix}s"
        self._view_name = f"{prefix}v"

    def token(self, request: Request) -> str:
        """Give the browser's secret, empty when it has none of ours."""
        found = request.cookies.get(self._token_name, "")
        fits = len(found) == _TOKEN_CHARS and found.isascii() and found.replace("-", "").replace("_", "").isalnum()
        return found if fits else ""

    def view(self, request: Request, token: str) -> View | None:
        """Give the view this browser holds; None when there is none or it was changed."""
        payload, _, mac = request.cookies.get(self._view_name, "").partition("~")
        parts = payload.split(".")
        if len(parts) != 3 or not all(part.isascii() and part.isdecimal() and len(part) < 19 for part in parts):
            return None
        if not hmac.compare_digest(mac.encode("utf-8", "replace"), self._mac(token, payload).encode()):
            return None
        since, seen_ms, unlocked = map(int, parts)
        return View(since=since, seen_ms=seen_ms, unlocked=unlocked == 1)

    def keep(self, response: Response, token: str, view: View) -> None:
        """Give the browser its secret and its view, until it is closed."""
        payload = f"{view.since}.{view.seen_ms}.{int(view.unlocked)}"
        self._set(response, self._token_name, token)
        self._set(response, self._view_name, f"{payload}~{self._mac(token, payload)}")

    def forget_view(self, response: Response) -> None:
        """End the view. The secret stays: a case that is open must still find her when she comes back."""
        response.delete_cookie(self._view_name, path="/", secure=self._secure, httponly=True, samesite="lax")

    def _mac(self, token: str, payload: str) -> str:
        return self._keyring.sign("web-view", f"{token}|{payload}".encode()).hex()[:_MAC_CHARS]

    def _set(self, response: Response, name: str, value: str) -> None:
        response.set_cookie(name, value, path="/", secure=self._secure, httponly=True, samesite="lax")
