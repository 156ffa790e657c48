"""What citizens got and get: the publications, what each changed, and the way back."""

from itertools import pairwise
from typing import Any

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.core.jalali import long_moment
from bot.drafts import FileDiff, diff
from bot.publishing import Publication, PublishError, history, rollback, version_sources
from bot.store.database import Tx
from bot.web.studio_deps import PREFIX, Shell, StudioDeps, moment, names_of_staff, read_fields, record
from bot.web.studio_publish import WORDS, isolated

_NOTICES = {"published": "منتشر شد. گفت‌وگوهای تازه از همین حالا با این نسخه‌اند.", "back": "برگشت انجام شد."}


class HistoryPages:
    """The publications, newest first; one of them; going back to it."""

    def __init__(self, deps: StudioDeps, shell: Shell, assets: dict[str, str]) -> None:
        self._deps = deps
        self._shell = shell
        self._assets = assets

    def routes(self) -> list[Route]:
        """Give the routes of these pages."""
        return [
            Route("/history", self.history, methods=["GET"]),
            Route("/history/{publication}", self.look, methods=["GET"]),
            Route("/history/{version}/rollback", self.roll_back, methods=["POST"]),
        ]

    async def history(self, request: Request) -> Response:
        """Show every publication, newest first."""
        self._shell.require(request, "flow", "view")
        return await self._history(request, notice=_NOTICES.get(request.query_params.get("said", ""), ""))

    async def look(self, request: Request) -> Response:
        """Show what a publication changed, and what going back to it would change now."""
        self._shell.require(request, "flow", "view")
        found = await self._deps.store.read(lambda connection: _seen(connection, request.path_params["publication"]))
        if found is None:
            raise HTTPException(404)
        row, made, back = found
        names = await self._deps.store.read(names_of_staff)
        context = {"one": _told(row, names), "made": made, "back": back, "isolated": isolated}
        return self._page(request, "studio/publication.html", context, 200)

    async def roll_back(self, request: Request) -> Response:
        """Make an earlier publication the current one, at once."""
        self._shell.require(request, "flow", "view")
        action = "publish" if self._shell.allowed(request, "flow", "publish") else "propose"
        actor = self._shell.require(request, "flow", action)
        act = self._deps.act(actor, (await read_fields(request)).get("reason", ""))
        version = request.path_params["version"]

        def go_back(tx: Tx) -> None:
            rollback(tx, version, act, bus=self._deps.bus)
            record(tx, act, "rollback", version)

        try:
            await self._deps.store.write(go_back)
        except PublishError as error:
            return await self._history(request, error=WORDS[type(error)], status=409)
        return RedirectResponse(f"{PREFIX}/history?said=back", status_code=303)

    async def _history(self, request: Request, *, notice: str = "", error: str = "", status: int = 200) -> Response:
        rows, names = await self._deps.store.read(lambda found: (history(found), names_of_staff(found)))
        context = {
            "rows": [_told(row, names) for row in rows],
            "current": rows[0].version if rows else "",
            "notice": notice,
            "error": error,
        }
        return self._page(request, "studio/history.html", context, status)

    def _page(self, request: Request, template: str, context: dict[str, Any], status: int) -> Response:
        may = any(self._shell.allowed(request, "flow", action) for action in ("publish", "propose"))
        return self._shell.page(request, template, {**context, "may_go_back": may, "assets": self._assets}, status)


def _told(row: Publication, names: dict[str, str]) -> tuple[Publication, str, str]:
    """Give a publication with the name of who made it and the words of its moment."""
    return row, names.get(row.by, row.by), long_moment(moment(row.at))


def _seen(connection: Connection, publication: str) -> tuple[Publication, list[FileDiff], list[FileDiff]] | None:
    """Give a publication, what it changed against the one before it, and what going back to it changes now."""
    rows = history(connection)
    before = {newer.id: older.version for newer, older in pairwise(rows)}
    row = next((row for row in rows if str(row.id) == publication), None)
    if row is None:
        return None
    here, now = version_sources(connection, row.version), version_sources(connection, rows[0].version)
    return row, diff(version_sources(connection, before.get(row.id)), here) if row.id in before else [], diff(now, here)
