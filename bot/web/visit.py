"""Who is asking, and what she may see: from two cookies to a contact and a window on her messages."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from starlette.requests import Request

from bot.core.clock import Clock
from bot.i18n import SOURCE
from bot.store.addresses import contact_of
from bot.store.crypto import Keyring
from bot.store.database import Store
from bot.web.forms import WEB, external_id
from bot.web.transcript import Newest, Shown, Window, is_first_of_view, language_of, newest, read_transcript
from bot.web.view import IDLE_MS, Cookies, View, new_token

#: What arrived this long before a view went idle still reaches a page that was between two polls on a slow line.
_GRACE_MS = 2 * 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """One request's browser: its secret, address, contact (none before the first message) and view."""

    token: str
    address: str
    contact_id: str | None
    view: View
    now_ms: int
    is_new: bool

    @property
    def is_idle(self) -> bool:
        """True when this view has ended."""
        return self.view.is_idle(self.now_ms)


class Visits:
    """Finds visitors and reads their messages."""

    def __init__(self, store: Store, keyring: Keyring, clock: Clock, cookies: Cookies) -> None:
        self._store = store
        self._keyring = keyring
        self._clock = clock
        self._cookies = cookies

    async def of(self, request: Request) -> Visitor:
        """Give who is asking; a browser without our cookies gets a new secret and an empty view."""
        now_ms = self.now_ms()
        known = self._cookies.token(request)
        token = known or new_token()
        address = external_id(token)
        contact_id = await self._contact(address) if known else None
        view = self._cookies.view(request, token) if known else None
        if view is None:
            view = View(since=(await self._newest(contact_id)).id, seen_ms=now_ms)
        return Visitor(token=token, address=address, contact_id=contact_id, view=view, now_ms=now_ms, is_new=not known)

    async def again(self, visitor: Visitor) -> Visitor:
        """Give the visitor after her message was taken in: by now she is a contact."""
        return replace(visitor, contact_id=await self._contact(visitor.address))

    async def fresh(self, visitor: Visitor) -> Visitor:
        """Begin a new view: nothing of before is in it."""
        view = View(since=(await self._newest(visitor.contact_id)).id, seen_ms=visitor.now_ms)
        return replace(visitor, view=view)

    async def read(self, visitor: Visitor, *, after: int = 0) -> list[Shown]:
        """Give the messages of her view above `after`, oldest first."""
        if visitor.contact_id is None:
            return []
        contact_id, window = visitor.contact_id, window_of(visitor, after)
        return await self._store.read(lambda found: read_transcript(found, self._keyring, contact_id, window))

    async def language(self, visitor: Visitor, shown: Sequence[Shown]) -> str:
        """Give what the frame around `shown` speaks: hers where something of ours is seen, else the source's.

        So a page that shows nothing of before tells nothing of her language either.
        """
        contact_id = visitor.contact_id
        if contact_id is None or all(message.author == "contact" for message in shown):
            return SOURCE
        return await self._store.read(lambda found: language_of(found, contact_id))

    async def is_anew(self, visitor: Visitor) -> bool:
        """True when her next message is the first of a view that shows nothing of before."""
        contact_id, view = visitor.contact_id, visitor.view
        if contact_id is None or view.unlocked:
            return False
        return await self._store.read(lambda found: is_first_of_view(found, contact_id, view.since))

    async def newest(self, visitor: Visitor) -> Newest:
        """Give where her conversation stands (cheap: nothing is opened)."""
        return await self._newest(visitor.contact_id)

    def now_ms(self) -> int:
        """Give the present in milliseconds."""
        return int(self._clock.now().timestamp() * 1000)

    async def _contact(self, address: str) -> str | None:
        return await self._store.read(lambda found: contact_of(found, self._keyring, WEB, address))

    async def _newest(self, contact_id: str | None) -> Newest:
        return Newest() if contact_id is None else await self._store.read(lambda found: newest(found, contact_id))


def window_of(visitor: Visitor, after: int) -> Window:
    """Give what a view may see above `after`; an idle one only what came when it was about to end, or later.

    So a page left open goes on receiving, and nobody can ask it for what was said before.
    """
    view = visitor.view
    not_before_ms = view.seen_ms + IDLE_MS - _GRACE_MS if visitor.is_idle else 0
    return Window(after=max(after, view.since), not_before_ms=not_before_ms, unlocked=view.unlocked)


def is_opened_anew(request: Request) -> bool:
    """True when the browser says that this is no click of our page and no reload: typed, restored, from elsewhere.

    Android keeps «session» cookies for weeks, so their end alone does not tell a reopened page.
    """
    site = request.headers.get("sec-fetch-site", "same-origin")
    is_reload = "max-age=0" in request.headers.get("cache-control", "")
    return site != "same-origin" and not is_reload
