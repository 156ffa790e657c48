"""The editor's way to the citizens: what differs, proposing it, a second person's review.

A proposal is checked completely before it is kept, and again before it is published: cards and numbers grow old.
Who may do what is the Shell's table; that the author is not the publisher of danger is bot.publishing's rule.
"""

import re
from typing import Any

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.core.jalali import long_moment
from bot.drafts import FileDiff, Sources, diff, read_sources
from bot.engine.issues import Issue, errors
from bot.engine.model import Bundle
from bot.engine.read import read_aloud
from bot.publishing import (
    NoReasonError,
    NotOpenError,
    NotReadyError,
    Proposal,
    PublishError,
    SecondPersonError,
    StaleRequestError,
    UnknownVersionError,
    current_version,
    find_request,
    gate,
    history,
    load_version,
    needs_second_person,
    propose,
    publish,
    refuse,
    refused_last,
    requests,
    version_sources,
)
from bot.store.database import Tx
from bot.web.studio_checks import Checked, Checker
from bot.web.studio_deps import PREFIX, Shell, StudioDeps, moment, names_of_staff, read_fields, record

#: What is said of what went wrong.
WORDS: dict[type[PublishError], str] = {
    NotReadyError: "هنوز نمی‌شود منتشر کرد: خطاها را درست کنید، و اگر هشداری هست آن را ببینید و تیک بزنید.",
    SecondPersonError: "این تغییر به خطر مربوط است؛ کس دیگری جز نویسنده باید آن را منتشر کند.",
    NotOpenError: "دربارهٔ این پیشنهاد پیش‌تر تصمیم گرفته شده است.",
    StaleRequestError: "پس از این پیشنهاد، نسخهٔ دیگری منتشر شده است. نویسنده باید دوباره پیشنهاد بدهد.",
    UnknownVersionError: "این نسخه پیدا نشد یا هرگز منتشر نشده بود.",
    NoReasonError: "دلیل را بنویسید؛ کس دیگری باید بداند چرا.",
}


#: A value between the marks of the language, where it has Persian letters.
_VALUE = re.compile(r'([^\s\[\]{},:"][^\[\]{},:"]*[\u0600-\u06ff][^\[\]{},:"]*)')


class PublishPages:
    """From a draft to a publication and back."""

    def __init__(self, deps: StudioDeps, shell: Shell, checker: Checker, assets: dict[str, str]) -> None:
        self._deps = deps
        self._shell = shell
        self._checker = checker
        self._assets = assets

    def routes(self) -> list[Route]:
        """Give the routes of these pages."""
        return [
            Route("/changes", self.changes, methods=["GET"]),
            Route("/changes", self.propose, methods=["POST"]),
            Route("/requests/{request_id}", self.review, methods=["GET"]),
            Route("/requests/{request_id}/publish", self.publish, methods=["POST"]),
            Route("/requests/{request_id}/refuse", self.refuse, methods=["POST"]),
        ]

    async def changes(self, request: Request) -> Response:
        """Show what differs from what citizens get now, checked completely."""
        self._shell.require(request, "flow", "view")
        return await self._changes(request)

    async def propose(self, request: Request) -> Response:
        """Keep the draft as a version and ask for its publication."""
        actor = self._shell.require(request, "flow", "propose")
        fields = await read_fields(request)
        sources = read_sources(self._deps.flows_dir)
        checked = await self._checker.check(sources, complete=True)
        bundle = checked.bundle
        try:
            gate(await self._news(checked), acknowledged=fields.get("acknowledged") == "yes")
        except NotReadyError as error:
            return await self._changes(request, error=WORDS[type(error)], status=422)
        if bundle is None or not diff(await self._published(), sources):
            return await self._changes(request, error="چیزی برای پیشنهاد نیست.", status=422)
        act, request_id = self._deps.act(actor, fields.get("note", "")), self._deps.ids()

        def keep(tx: Tx) -> None:
            propose(tx, request_id, sources, bundle, act)
            record(tx, act, "propose", request_id)

        await self._deps.store.write(keep)
        return RedirectResponse(f"{PREFIX}/requests/{request_id}", status_code=303)

    async def review(self, request: Request) -> Response:
        """Show a proposal to the second person: what differs, and the changed scripts read aloud."""
        self._shell.require(request, "flow", "view")
        return await self._review(request, await self._proposal(request))

    async def publish(self, request: Request) -> Response:
        """Give a proposal to the citizens."""
        actor = self._shell.require(request, "flow", "publish")
        proposal = await self._proposal(request)
        fields = await read_fields(request)
        checked = await self._checked(proposal)
        act = self._deps.act(actor, fields.get("note", ""))

        def make_current(tx: Tx) -> None:
            version = publish(tx, proposal.id, act, bus=self._deps.bus)
            record(tx, act, "publish", version)

        try:
            gate(await self._news(checked), acknowledged=fields.get("acknowledged") == "yes")
            await self._deps.store.write(make_current)
        except PublishError as error:
            return await self._review(request, proposal, error=WORDS[type(error)], status=409)
        return RedirectResponse(f"{PREFIX}/history?said=published", status_code=303)

    async def refuse(self, request: Request) -> Response:
        """Turn a proposal down; its author may withdraw her own."""
        viewer = self._shell.require(request, "flow", "view")
        proposal = await self._proposal(request)
        is_hers = viewer.staff_id == proposal.author
        actor = self._shell.require(request, "flow", "propose" if is_hers else "review")
        act = self._deps.act(actor, (await read_fields(request)).get("note", ""))

        def decide(tx: Tx) -> None:
            refuse(tx, proposal.id, act)
            record(tx, act, "withdraw" if is_hers else "refuse", proposal.id)

        try:
            await self._deps.store.write(decide)
        except PublishError as error:
            return await self._review(request, proposal, error=WORDS[type(error)], status=409)
        return RedirectResponse(f"{PREFIX}/requests/{proposal.id}", status_code=303)

    async def _published(self) -> dict[str, str]:
        return await self._deps.store.read(lambda found: version_sources(found, current_version(found)))

    async def _news(self, checked: Checked) -> list[Issue]:
        """Give every error, and the warnings that nobody has ticked yet: those the published version does not have."""
        fresh = await self._checker.fresh(checked, await self._published())
        return errors(list(checked.issues)) + [found for found in fresh if found.severity == "W"]

    async def _proposal(self, request: Request) -> Proposal:
        request_id = request.path_params["request_id"]
        found = await self._deps.store.read(lambda connection: find_request(connection, request_id))
        if found is None:
            raise HTTPException(404)
        return found

    async def _checked(self, proposal: Proposal) -> Checked:
        return await self._checker.check(await self._sources(proposal.version), complete=True)

    async def _sources(self, version: str) -> dict[str, str]:
        return await self._deps.store.read(lambda found: version_sources(found, version))

    async def _changes(self, request: Request, *, error: str = "", status: int = 200) -> Response:
        sources = read_sources(self._deps.flows_dir)
        checked = await self._checker.check(sources, complete=True)
        diffs = diff(await self._published(), sources)
        waiting, refused, names = await self._deps.store.read(
            lambda found: (requests(found), refused_last(found), names_of_staff(found))
        )
        context = {
            "diffs": diffs,
            "isolated": isolated,
            "waiting": waiting,
            "refused": refused,
            "names": names,
            "may_propose": self._shell.allowed(request, "flow", "propose"),
            "error": error,
            **_problems(checked, await self._news(checked), diffs),
        }
        return self._page(request, "studio/changes.html", context, status)

    async def _review(self, request: Request, proposal: Proposal, *, error: str = "", status: int = 200) -> Response:
        sources = await self._sources(proposal.version)
        checked = await self._checked(proposal)
        diffs = diff(await self._published(), sources)
        names, old = await self._deps.store.read(lambda found: (names_of_staff(found), _newest(found)))
        is_danger = checked.bundle is None or needs_second_person(old, checked.bundle)
        context = {
            "proposal": proposal,
            "is_danger": is_danger,
            "author": names.get(proposal.author, proposal.author),
            "decided_by": names.get(proposal.decided_by or "", proposal.decided_by),
            "decided_at": long_moment(moment(proposal.decided_at)) if proposal.decided_at else "",
            "proposed_at": long_moment(moment(proposal.created_at)),
            "diffs": diffs,
            "isolated": isolated,
            "aloud": _aloud(checked, diffs, sources),
            "may_publish": self._shell.allowed(request, "flow", "publish"),
            "may_refuse": self._shell.allowed(request, "flow", "review"),
            "error": error,
            **_problems(checked, await self._news(checked), diffs),
        }
        return self._page(request, "studio/request.html", context, status)

    def _page(self, request: Request, template: str, context: dict[str, Any], status: int) -> Response:
        return self._shell.page(request, template, {**context, "assets": self._assets}, status)


def _problems(checked: Checked, news: list[Issue], diffs: list[FileDiff]) -> dict[str, Any]:
    """Give errors and new warnings, those of the changed files and those elsewhere, and the warnings known before."""
    changed = {found.name for found in diffs}
    warnings = [found for found in news if found.severity == "W"]
    told = [*errors(list(checked.issues)), *warnings]
    return {
        "errors": [found for found in told if found.severity == "E"],
        "warnings": warnings,
        "here": [found for found in told if found.file in changed],
        "elsewhere": [found for found in told if found.file not in changed],
        "known": [found for found in checked.issues if found.severity == "W" and found not in warnings],
    }


def _newest(found: Connection) -> Bundle | None:
    newest = history(found, most=1)
    return load_version(found, newest[0].version) if newest else None


def isolated(line: str) -> list[tuple[str, bool]]:
    """Cut a line of a script into pieces and say which are Persian values.

    Beside Latin letters the numbers of «1 بله 2 نه» would change their places; a value in a box of its own keeps them.
    """
    return [(piece, at % 2 == 1) for at, piece in enumerate(_VALUE.split(line)) if piece]


def _aloud(checked: Checked, diffs: list[FileDiff], sources: Sources) -> list[tuple[str, str]]:
    flows = checked.bundle.flows if checked.bundle else {}
    changed = [found.name.removesuffix(".yaml") for found in diffs if found.name in sources]
    return [(flows[name].title, read_aloud(flows[name], flows.get("always"))) for name in changed if name in flows]
