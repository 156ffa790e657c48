"""Pages for when something is wrong: short, neutral in title, and always with the number to call.

Nothing of what was sent or of what broke is shown, but for her own words when a busy moment hands them back. They are
said in the language of the page that the request came from, as that page says: nothing is looked up for them.
"""

from collections.abc import Mapping

from jinja2 import Environment
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, ExceptionHandler, Message, Receive, Scope, Send

from bot.web.security import TooLargeError
from bot.web.transcript import pieces_of
from bot.web.words import Frames

#: Seconds after which a busy service asks to be tried again.
RETRY_AFTER_S = 5

SENTENCES = {
    400: "این درخواست خوانده نشد.",
    403: "این درخواست از صفحهٔ ما نیامده است. صفحه را باز کنید و دوباره بفرستید.",
    404: "این صفحه پیدا نشد.",
    405: "این درخواست خوانده نشد.",
    413: "پیام خیلی بزرگ بود و نرسید. لطفاً کوتاه‌تر بنویسید.",
    500: "خطایی پیش آمد. تقصیر شما نیست. لطفاً دوباره بفرستید.",
    503: "الان شلوغ است و پیام شما هنوز نرسیده. چند لحظهٔ دیگر دوباره بفرستید.",
}

HELP = "اگر کمک فوری لازم دارید، همین حالا 123 را بگیرید."


class ErrorPages:
    """Answers for a browser and for the page's script."""

    def __init__(self, environment: Environment, frames: Frames) -> None:
        self._environment = environment
        self._frames = frames

    def answer(self, request: Request, status: int, fields: Mapping[str, str] | None = None) -> Response:
        """Give the answer for a status; `fields` are her own form, to be sent again."""
        headers = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else {}
        known = {"t": "", "p": "", "n": "", "l": "", **(fields or {})}
        frame = self._frames.of(known["l"] or said_in(request))
        sentence = frame(SENTENCES.get(status, SENTENCES[400 if status < 500 else 500]))
        if request.headers.get("x-page"):
            return JSONResponse({"error": sentence}, status_code=status, headers=headers)
        text = self._environment.get_template("error.html").render(
            sentence=sentence, help=pieces_of(frame(HELP)), fields=known, w=frame
        )
        return HTMLResponse(text, status_code=status, headers=headers)

    def handlers(self) -> dict[object, ExceptionHandler]:
        """Give Starlette's table: every way out of a request that is no normal answer."""
        return {HTTPException: self._http, TooLargeError: self._too_large}

    async def _http(self, request: Request, error: Exception) -> Response:
        return self.answer(request, error.status_code if isinstance(error, HTTPException) else 500)

    async def _too_large(self, request: Request, error: Exception) -> Response:  # noqa: ARG002 - Starlette's shape
        response = self.answer(request, 413)
        response.headers["Connection"] = "close"  # the rest of the body is not read
        return response


def said_in(request: Request) -> str:
    """Give the language of the frame that the page's script speaks from; empty where it says none."""
    return request.headers.get("x-language", "")


class LastResort:
    """Answers a bug with the kind page, under the security headers, and lets the bug go on to the log."""

    def __init__(self, app: ASGIApp, *, pages: ErrorPages) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""
        is_started = False

        async def send_noting(message: Message) -> None:
            nonlocal is_started
            is_started = True
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except Exception:
            if not is_started and scope["type"] == "http":
                await self._pages.answer(Request(scope), 500)(scope, receive, send)
            raise
