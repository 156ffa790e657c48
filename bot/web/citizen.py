"""The citizen's page: one address to read, write, see answers come in, and leave at once.

Everything works with plain forms and links; the script only makes it livelier. A message is answered after its
commit. Nothing of a conversation stands in a URL, a title or a browser's store, and what was written before this
view began is not shown without the code word (bot.web.view).
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.bus import Bus
from bot.core.clock import Clock
from bot.core.messages import InboundMsg, Input, TextInput
from bot.i18n import SOURCE
from bot.inbox import Accepted, NotStoredError
from bot.live import Live, OwnLive
from bot.settings import Settings
from bot.store.crypto import Keyring
from bot.store.database import Store
from bot.web import forms
from bot.web.codeword import CodeWord, read_code_word
from bot.web.errors import ErrorPages, said_in
from bot.web.forms import PageForm
from bot.web.guesses import Guesses
from bot.web.rates import Rates
from bot.web.security import is_same_origin, read_body
from bot.web.transcript import Shown, open_choices
from bot.web.view import Cookies, View
from bot.web.visit import Visitor, Visits, is_opened_anew
from bot.web.words import Frame, Frames

#: Where «leave» leads: everyday pages that nobody asks about. The first is used.
EXITS = ("https://www.irimo.ir/", "https://www.time.ir/")
#: A long poll answers at the latest after this; between hints it looks for itself this often.
POLL_S = 25.0
LOOK_S = 5.0
#: How long a form waits for its turn before it says «try again»; the retry is recognised.
ACCEPT_S = 20.0
#: How long leaving waits for the engine to hear of it.
LEAVE_S = 1.0
RAW_BYTES_MAX = 256 * 1024


class InboxDoor(Protocol):
    """What the page needs of bot.inbox."""

    async def accept(self, message: InboundMsg) -> Accepted:
        """Take a message in; returns after its commit."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CitizenDeps:
    """What the page is built from. `stopping` is set when the process begins to stop: open polls end at once."""

    store: Store
    keyring: Keyring
    inbox: InboxDoor
    bus: Bus
    clock: Clock
    settings: Settings
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    live: Live | None = None  #: what the doors share; None: this one is alone


class CitizenPage:
    """The page's endpoints."""

    def __init__(self, deps: CitizenDeps, environment: Environment, frames: Frames, errors: ErrorPages) -> None:
        self._deps = deps
        self._environment = environment
        self._frames = frames
        self._errors = errors
        self._cookies = Cookies(deps.keyring, behind_tls=deps.settings.behind_tls)
        self._visits = Visits(deps.store, deps.keyring, deps.clock, self._cookies)
        self._guesses = Guesses(deps.live or OwnLive(deps.clock.monotonic))
        self._rates = Rates(deps.clock.monotonic)

    def routes(self) -> list[Route]:
        """Give the routes of the page."""
        return [
            Route("/", self.show, methods=["GET"]),
            Route("/", self.write, methods=["POST"]),
            Route("/more", _more, methods=["GET"]),
            Route("/new", self.news, methods=["GET"]),
            Route("/back", self.come_back, methods=["POST"]),
            Route("/leave", self.leave, methods=["GET", "POST"]),
            Route("/favicon.ico", _no_icon, methods=["GET"]),
        ]

    async def show(self, request: Request) -> Response:
        """Give the page: this view's conversation, or a fresh start."""
        visitor = await self._visits.of(request)
        if is_opened_anew(request) or visitor.is_idle:
            visitor = await self._visits.fresh(visitor)
        return await self._page(visitor)

    async def write(self, request: Request) -> Response:
        """Take a message in; the script gets what is new as data, a plain form gets the page again."""
        if not is_same_origin(request):
            return self._errors.answer(request, 403)
        if not self._may_send(request):
            return self._errors.answer(request, 503)
        body = await read_body(request)
        form = forms.read_form(body)
        visitor = await self._visits.of(request)
        if visitor.is_idle:
            visitor = await self._visits.fresh(visitor)
        received = forms.form_input(form)
        accepted = await self._accept(visitor, received, form, body) if received is not None else Accepted()
        if accepted is None:
            kept = {"t": form.text, "p": form.press, "n": form.message_id, "l": form.language}
            return self._errors.answer(request, 503, kept)
        visitor = await self._visits.again(visitor)
        if _by_script(request):
            answer = {**await self._news(request, visitor, form.after), "duplicate": accepted.duplicate}
            response = self._keep(JSONResponse(answer), visitor)
            if answer["gone"]:
                self._cookies.forget_view(response)
            return response
        if visitor.is_new:  # where cookies are refused, a redirect would lose the answer and its numbers
            return await self._page(visitor)
        return self._keep(RedirectResponse("/#end", status_code=303), visitor)

    async def news(self, request: Request) -> Response:
        """Wait for messages above `after` and give them to the script; `here=1` says that she is at the page."""
        if not _by_script(request):
            return RedirectResponse("/", status_code=303)
        visitor = await self._visits.of(request)
        after = forms.number(request.query_params.get("after", ""))
        if visitor.contact_id is not None:
            await self._wait_for_news(request, visitor, after)
        response = JSONResponse(await self._news(request, visitor, after))
        if request.query_params.get("here") == "1" and not visitor.is_idle and not visitor.is_new:
            self._cookies.keep(response, visitor.token, visitor.view.seen(self._visits.now_ms()))
        return response

    async def come_back(self, request: Request) -> Response:
        """Open the conversation again for the code word; a wrong one gives a fresh page."""
        if not is_same_origin(request):
            return self._errors.answer(request, 403)
        if not self._may_send(request):
            return self._errors.answer(request, 503)
        body = await read_body(request)
        form = forms.read_form(body)
        visitor = await self._visits.of(request)
        if visitor.contact_id is not None:
            may_try = await self._guesses.may_try(visitor.contact_id)
            code = await self._code_word(visitor.contact_id)
            calls = code.calls_for_help(form.word)
            if may_try and (calls or code.fits(form.word)):
                await self._guesses.was_right(visitor.contact_id)
            if calls:  # heard however many tries he made before her
                return await self._called_for_help(visitor, form, body, looks_right=may_try)
            if may_try and code.fits(form.word):
                return await self._opened(visitor, code, form, body)
        return await self._nothing_found(visitor)

    async def _opened(self, visitor: Visitor, code: CodeWord, form: PageForm, body: bytes) -> Response:
        if code.is_locked:  # after a quick exit the engine waits for the word, too
            await self._accept(visitor, TextInput(code.word), form, body)
        response = RedirectResponse("/#end", status_code=303)
        self._cookies.keep(response, visitor.token, View(since=0, seen_ms=visitor.now_ms, unlocked=True))
        return response

    async def _called_for_help(self, visitor: Visitor, form: PageForm, body: bytes, *, looks_right: bool) -> Response:
        """Look like an opening in which nothing was written yet; where no word opens any more, like a wrong one."""
        fresh = await self._visits.fresh(visitor)
        await self._accept(fresh, TextInput(form.word), form, body)
        if looks_right:
            return self._keep(RedirectResponse("/#end", status_code=303), fresh)
        return await self._nothing_found(visitor)

    async def _nothing_found(self, visitor: Visitor) -> Response:
        return await self._page(await self._visits.fresh(visitor), notice="با این رمز چیزی پیدا نشد.")

    async def leave(self, request: Request) -> Response:
        """Leave at once, whatever else fails; the engine is told, and without a conversation nothing is written."""
        if is_same_origin(request) or request.method == "GET":
            telling = asyncio.ensure_future(self._tell_of_leaving(request))
            await asyncio.wait({telling}, timeout=LEAVE_S)  # never raises: a failure there must not hold her here
            telling.add_done_callback(lambda done: done.cancelled() or done.exception())
        is_beacon = "beacon" in request.query_params  # the script has left already; it must not follow us out
        response = Response(status_code=204) if is_beacon else RedirectResponse(EXITS[0], status_code=303)
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        self._cookies.forget_view(response)
        return response

    def _may_send(self, request: Request) -> bool:
        address = request.client.host if request.client else ""
        return self._rates.may_send(token=self._cookies.token(request), address=address)

    async def _tell_of_leaving(self, request: Request) -> None:
        visitor = await self._visits.of(request)
        if visitor.contact_id is not None:
            form = PageForm(text="0", message_id=secrets.token_hex(16))
            await self._accept(visitor, TextInput("0"), form, b"")

    async def _accept(self, visitor: Visitor, received: Input, form: PageForm, body: bytes) -> Accepted | None:
        """Put a message into the inbox; None when it must be sent again (the retry is recognised by its id)."""
        message_id = form.message_id or secrets.token_hex(16)
        message = InboundMsg(
            channel=forms.WEB,
            external_id=visitor.address,
            provider_id=forms.provider_id(visitor.address, form, message_id),
            input=received,
            received_at=datetime.fromtimestamp(visitor.now_ms / 1000, UTC),
            raw=body[:RAW_BYTES_MAX],
            opened_anew=await self._visits.is_anew(visitor),
        )
        try:
            # Shielded: a wait that is given up must not take the message out of the worker's hands.
            return await asyncio.wait_for(asyncio.shield(self._deps.inbox.accept(message)), ACCEPT_S)
        except (NotStoredError, TimeoutError):
            return None

    async def _wait_for_news(self, request: Request, visitor: Visitor, after: int) -> None:
        gone, stop = asyncio.ensure_future(_gone(request)), asyncio.ensure_future(self._deps.stopping.wait())
        try:
            with self._deps.bus.subscribe(f"contact:{visitor.contact_id}") as hints:
                for _ in range(int(POLL_S // LOOK_S)):
                    newest = await self._visits.newest(visitor)
                    if newest.id > max(after, visitor.view.since) or gone.done() or stop.done():
                        return
                    hint = asyncio.ensure_future(hints.wait(LOOK_S))
                    await asyncio.wait({hint, gone, stop}, return_when=asyncio.FIRST_COMPLETED)
                    hint.cancel()
        finally:
            gone.cancel()
            stop.cancel()

    async def _news(self, request: Request, visitor: Visitor, after: int) -> dict[str, Any]:
        """Give what is above `after`; `gone` when she has left by a word and nothing of before may stay on a screen.

        With something of ours comes what it `speaks`, and the frame of that language where the page spoke another as it
        asked; it may have gone back to Persian since, and knows the frame from before.
        """
        newest = await self._visits.newest(visitor)
        shown = await self._visits.read(visitor, after=after)
        frame = await self._frame(visitor, shown)
        has_ours = any(message.author != "contact" for message in shown)
        is_other = has_ours and (said_in(request) or SOURCE) != frame.language
        return {
            **({"speaks": frame.language} if has_ours else {}),
            **({"frame": frame.as_json()} if is_other else {}),
            "messages": [message.as_json() for message in shown],
            "last": newest.id,
            "gone": newest.is_hidden and newest.id > after and not visitor.view.unlocked,
        }

    async def _frame(self, visitor: Visitor, shown: Sequence[Shown]) -> Frame:
        return self._frames.of(await self._visits.language(visitor, shown))

    async def _code_word(self, contact_id: str) -> CodeWord:
        return await self._deps.store.read(lambda found: read_code_word(found, self._deps.keyring, contact_id))

    async def _page(self, visitor: Visitor, *, notice: str = "") -> Response:
        shown = await self._visits.read(visitor)
        text = self._environment.get_template("citizen.html").render(
            messages=shown,
            choices=open_choices(shown),
            is_waiting=bool(shown) and shown[-1].author == "contact",
            last=shown[-1].id if shown else visitor.view.since,
            nonces=[secrets.token_hex(16) for _ in range(4)],
            notice=notice,
            w=await self._frame(visitor, shown),
        )
        return self._keep(HTMLResponse(text), visitor)

    def _keep(self, response: Response, visitor: Visitor) -> Response:
        self._cookies.keep(response, visitor.token, visitor.view.seen(visitor.now_ms))
        return response


async def _more(_request: Request) -> Response:
    """Lead the refresh link back to the page: a link to «/#end» would only scroll."""
    return RedirectResponse("/#end", status_code=303)


async def _no_icon(_request: Request) -> Response:
    """Spare a slow line the error page of an icon that is not there."""
    return Response(status_code=204, headers={"Cache-Control": "public, max-age=604800"})


async def _gone(request: Request) -> None:
    """Return when the browser has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _by_script(request: Request) -> bool:
    """True for a request of the page's script; a typed address cannot carry this header."""
    return request.headers.get("x-page") == "1"
