"""The application of the citizen's port: the page, its files, and the routes that live beside it."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from bot.web.citizen import EXITS, CitizenDeps, CitizenPage
from bot.web.errors import ErrorPages, LastResort
from bot.web.security import SecurityHeaders
from bot.web.static import StaticFiles
from bot.web.view import IDLE_MS
from bot.web.words import Frames

HERE = Path(__file__).parent


def build_citizen(deps: CitizenDeps, *, others: Sequence[BaseRoute] = ()) -> Starlette:
    """Make the application of the citizen's port; `others` are routes that live beside the page (webhooks)."""
    static = StaticFiles(HERE / "static")
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        title=deps.settings.public_name, exit_url=EXITS[0], static=static.urls, idle_s=IDLE_MS // 1000
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False}  # a third of the bytes
    frames = Frames(deps.settings.languages)
    errors = ErrorPages(environment, frames)
    page = CitizenPage(deps, environment, frames, errors)
    return Starlette(
        routes=[*page.routes(), static.route(), *others],
        middleware=[
            Middleware(SecurityHeaders, behind_tls=deps.settings.behind_tls),
            Middleware(LastResort, pages=errors),
        ],
        exception_handlers=errors.handlers(),
    )
