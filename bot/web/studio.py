"""The plain editor of scripts, inside the console's port and sign-in: the list, and one file at a time.

A draft may always be saved, whatever it says; the page shows each problem at its line. Nothing here knows the
console: it is handed a Shell. Proposing and publishing: bot.web.studio_publish; the past: bot.web.studio_history.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.core.clock import TEHRAN
from bot.core.text import squash
from bot.drafts import (
    BadNameError,
    EditConflictError,
    Sources,
    TooBigError,
    diff,
    read_file,
    read_sources,
    save_file,
    text_hash,
)
from bot.engine.read import read_aloud
from bot.publishing import current_version, refused_last, requests, version_sources
from bot.web.static import StaticFiles
from bot.web.studio_beginning import beginning
from bot.web.studio_checks import Checked, Checker
from bot.web.studio_deps import PREFIX, Shell, StudioDeps, names_of_staff, read_fields
from bot.web.studio_finding import CHARS_MIN, SHOWN_MAX, find
from bot.web.studio_history import HistoryPages
from bot.web.studio_publish import PublishPages, isolated

HERE = Path(__file__).parent
_SOUGHT_MAX = 500

_GROUPS = (
    ("", "سناریوها"),
    ("instruments", "پرسش‌نامه‌ها"),
    ("guides", "کارت‌های راهنما"),
    ("directory", "مراکز"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """A file in the list. `state`: same, changed, new or removed."""

    name: str
    title: str
    state: str
    errors: int
    warnings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    """A file on the editor's page: the text being edited, and what is stored under its name."""

    name: str
    text: str
    stored: str
    notice: str = ""
    error: str = ""
    is_conflict: bool = False

    @property
    def seen(self) -> str:
        """What the next saving must have seen."""
        return text_hash(self.stored)

    @property
    def is_script(self) -> bool:
        """True for what can be read aloud."""
        return "/" not in self.name and self.name != "helplines.yaml"


class Titled(Protocol):
    """Anything a list can name."""

    @property
    def title(self) -> str:
        """What people call it."""
        ...


def studio_routes(deps: StudioDeps, shell: Shell) -> list[Route]:
    """Give the editor's routes, to be mounted under /flows behind the port's sign-in."""
    checker = Checker(deps.clock, screen=deps.screen, run_talks=deps.run_talks)
    static = StaticFiles(HERE / "studio_static", prefix=f"{PREFIX}/assets")
    pages = EditPages(deps, shell, checker, static.urls)
    publishing = PublishPages(deps, shell, checker, static.urls)
    return [
        static.route("/assets"),
        Route("/", pages.index, methods=["GET"]),
        Route("/new", pages.create, methods=["POST"]),
        Route("/find", pages.find, methods=["POST"]),
        Route("/edit/{name:path}", pages.edit, methods=["GET"]),
        Route("/edit/{name:path}", pages.save, methods=["POST"]),
        Route("/read/{name:path}", pages.read, methods=["GET"]),
        *publishing.routes(),
        *HistoryPages(deps, shell, static.urls).routes(),
    ]


class EditPages:
    """The list of files, and the page of one."""

    def __init__(self, deps: StudioDeps, shell: Shell, checker: Checker, assets: dict[str, str]) -> None:
        self._deps = deps
        self._shell = shell
        self._checker = checker
        self._assets = assets

    async def index(self, request: Request) -> Response:
        """List the files with their state and problems, and what waits for a second person."""
        self._shell.require(request, "flow", "view")
        return await self._index(request)

    async def create(self, request: Request) -> Response:
        """Begin a new script."""
        self._shell.require(request, "flow", "edit")
        name = (await read_fields(request)).get("name", "").strip()
        try:
            text = beginning(name, self._deps.clock.now().astimezone(TEHRAN).date())
            save_file(self._deps.flows_dir, f"{name}.yaml", text, seen="")
        except BadNameError:
            return await self._index(request, error="نام باید با حروف کوچک لاتین باشد، مثل night_shift.", status=422)
        except EditConflictError:
            return await self._index(request, error="سناریویی با این نام هست.", status=409)
        return RedirectResponse(f"{PREFIX}/edit/{name}.yaml", status_code=303)

    async def find(self, request: Request) -> Response:
        """Show where a sentence stands. It is posted: what is pasted may be a citizen's and belongs in no URL."""
        self._shell.require(request, "flow", "view")
        sought = (await read_fields(request)).get("sought", "").strip()[:_SOUGHT_MAX]
        sources = read_sources(self._deps.flows_dir)
        checked = await self._checker.check(sources, complete=False)
        places = find(sources, sought)
        context = {
            "sought": sought,
            "is_short": len(squash(sought)) < CHARS_MIN,
            "count": len(places),
            "places": places[:SHOWN_MAX],
            "titles": {place.name: _title(place.name, checked) for place in places},
            "assets": self._assets,
        }
        return self._shell.page(request, "studio/find.html", context)

    async def edit(self, request: Request) -> Response:
        """Show one file with its problems."""
        self._shell.require(request, "flow", "view")
        name, text = self._file(request)
        notice = "پیش‌نویس ذخیره شد." if request.query_params.get("said") == "saved" else ""
        return await self._editor(request, _Sheet(name=name, text=text, stored=text, notice=notice))

    async def save(self, request: Request) -> Response:
        """Save a draft; if somebody else saved meanwhile, show both and overwrite nothing."""
        self._shell.require(request, "flow", "edit")
        name, stored = self._file(request)
        fields = await read_fields(request)
        text = fields.get("text", "").replace("\r\n", "\n")
        try:
            save_file(self._deps.flows_dir, name, text, seen=fields.get("seen", ""))
        except EditConflictError:
            error = "همکار دیگری این فایل را در این میان ذخیره کرده است. نوشتهٔ شما اینجا مانده و چیزی از بین نرفته."
            sheet = _Sheet(name=name, text=text, stored=stored, error=error, is_conflict=True)
            return await self._editor(request, sheet, status=409)
        except TooBigError:
            error = "این فایل از یک مگابایت بزرگ‌تر است و ذخیره نشد."
            return await self._editor(request, _Sheet(name=name, text=text, stored=stored, error=error), status=413)
        return RedirectResponse(f"{PREFIX}/edit/{name}?said=saved", status_code=303)

    async def read(self, request: Request) -> Response:
        """Show a script as the Persian page that a reviewer reads aloud."""
        self._shell.require(request, "flow", "view")
        name, _ = self._file(request)
        checked = await self._checker.check(read_sources(self._deps.flows_dir), complete=False)
        flows = checked.bundle.flows if checked.bundle else {}
        flow = flows.get(name.removesuffix(".yaml"))
        if flow is None:
            raise HTTPException(404)
        page = {"name": name, "title": flow.title, "text": read_aloud(flow, flows.get("always"))}
        return self._shell.page(request, "studio/read.html", {**page, "assets": self._assets})

    def _file(self, request: Request) -> tuple[str, str]:
        name = request.path_params["name"]
        try:
            text = read_file(self._deps.flows_dir, name)
        except BadNameError:
            text = None
        if text is None:
            raise HTTPException(404)
        return name, text

    async def _index(self, request: Request, *, error: str = "", status: int = 200) -> Response:
        sources = read_sources(self._deps.flows_dir)
        checked = await self._checker.check(sources, complete=False)
        published = await self._deps.store.read(lambda found: version_sources(found, current_version(found)))
        waiting, refused, names = await self._deps.store.read(
            lambda found: (requests(found), refused_last(found), names_of_staff(found))
        )
        listed = [_listed(name, sources, published, checked) for name in sorted({*sources, *published})]
        groups = [
            (label, [one for one in listed if one.name.rpartition("/")[0] == folder]) for folder, label in _GROUPS
        ]
        context = {
            "groups": groups,
            "changes": sum(one.state != "same" for one in listed),
            "waiting": waiting,
            "refused": refused,
            "names": names,
            "may_edit": self._shell.allowed(request, "flow", "edit"),
            "assets": self._assets,
            "error": error,
        }
        return self._shell.page(request, "studio/list.html", context, status)

    async def _editor(self, request: Request, sheet: _Sheet, status: int = 200) -> Response:
        is_complete = request.query_params.get("check") == "complete"
        sources = {**read_sources(self._deps.flows_dir), sheet.name: sheet.text}
        checked = await self._checker.check(sources, complete=is_complete)
        published = await self._deps.store.read(lambda found: version_sources(found, current_version(found)))
        changed = [name for name in sorted({*sources, *published}) if sources.get(name) != published.get(name)]
        others = {found.file for found in checked.issues} - {sheet.name}
        context = {
            "sheet": sheet,
            "between": diff({sheet.name: sheet.stored}, {sheet.name: sheet.text}) if sheet.is_conflict else [],
            "isolated": isolated,
            "title": _title(sheet.name, checked),
            "changed": changed,
            "elsewhere": await self._checker.fresh(checked, published, files=others) if sheet.name in changed else [],
            "lines": sheet.text.count("\n") + 2,
            "issues": checked.of_file(sheet.name),
            "is_complete": is_complete,
            "may_edit": self._shell.allowed(request, "flow", "edit"),
            "assets": self._assets,
        }
        return self._shell.page(request, "studio/edit.html", context, status)


def _listed(name: str, sources: Sources, published: Sources, checked: Checked) -> _Listed:
    state = "removed" if name not in sources else "new" if name not in published else "changed"
    if sources.get(name) == published.get(name):
        state = "same"
    return _Listed(
        name=name,
        title=_title(name, checked),
        state=state,
        errors=checked.count(name, "E"),
        warnings=checked.count(name, "W"),
    )


def _title(name: str, checked: Checked) -> str:
    if name == "helplines.yaml":
        return "خط‌های تلفن"
    bundle, stem = checked.bundle, Path(name).stem
    if bundle is None:
        return stem
    shelves: dict[str, Mapping[str, Titled]] = {
        "": bundle.flows,
        "instruments": bundle.instruments,
        "guides": bundle.cards,
        "directory": bundle.directory,
    }
    found = shelves[name.rpartition("/")[0]].get(stem)
    return stem if found is None else found.title
