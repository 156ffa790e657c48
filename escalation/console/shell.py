"""What every page of the console's port shares: who is asking, may she, and the frame round the page.

The studio (bot.web) may not import this package: it takes a Shell as an argument and sees only these methods. All
state lives on the application and the request, so one Shell serves every mounted part.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from escalation.policy import Actor, may

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class NavEntry:
    """A link in the header, shown to those who may do `action` to `target`."""

    path: str
    label: str
    target: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellParts:
    """What a Shell finds on `app.state.shell`."""

    environment: Environment
    nav: Sequence[NavEntry]
    globals: Callable[[Request], Mapping[str, Any]]


class SignInNeededError(Exception):
    """Sign in first; the page comes back afterwards."""


class ForbiddenError(Exception):
    """Your role does not include this."""


def make_environment(template_dirs: Sequence[Path]) -> Environment:
    """Make the one Jinja environment: autoescape always, a missing name is a bug, other parts' directories behind ours."""
    return Environment(
        loader=FileSystemLoader([HERE / "templates", *template_dirs]),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class Shell:
    """The frame for pages of this port. Its templates begin with `{% extends "base.html" %}` and fill block `main`."""

    def actor(self, request: Request) -> Actor:
        """Give who is signed in: staff_id, name, roles, province.

        Raises:
            SignInNeededError: nobody is; the console answers with a redirect to /login.
        """
        actor = _signed_in(request)
        if actor is None:
            raise SignInNeededError
        return actor

    def allowed(self, request: Request, target: str, action: str) -> bool:
        """True when somebody is signed in and her roles hold the (target, action) pair."""
        actor = _signed_in(request)
        return actor is not None and may(actor, target, action)

    def require(self, request: Request, target: str, action: str) -> Actor:
        """Give the actor if she may.

        Raises:
            SignInNeededError: nobody is signed in.
            ForbiddenError: her roles do not hold the pair; the console answers 403.
        """
        actor = self.actor(request)
        if not may(actor, target, action):
            raise ForbiddenError
        return actor

    def csrf(self, request: Request) -> str:
        """Give the token that every POST must carry: form field `csrf` or header `X-CSRF-Token`. Checked before the route."""
        return str(request.state.csrf)

    def page(
        self, request: Request, template: str, context: Mapping[str, Any] | None = None, status: int = 200
    ) -> Response:
        """Render a template with the frame's own names (actor, nav, csrf, path, public_name) added."""
        parts = self._parts(request)
        actor = _signed_in(request)
        nav = [entry for entry in parts.nav if actor is not None and may(actor, entry.target, entry.action)]
        frame = {"actor": actor, "nav": nav, "csrf": self.csrf(request), "path": request.url.path}
        values = {**parts.globals(request), **frame, **(context or {})}
        return HTMLResponse(parts.environment.get_template(template).render(values), status_code=status)

    @staticmethod
    def _parts(request: Request) -> ShellParts:
        parts = request.app.state.shell
        assert isinstance(parts, ShellParts)
        return parts


def _signed_in(request: Request) -> Actor | None:
    actor = getattr(request.state, "actor", None)
    return actor if isinstance(actor, Actor) else None


_shell = Shell()


def current_actor(request: Request) -> Actor:
    """Give who is signed in; see Shell.actor."""
    return _shell.actor(request)


def require(request: Request, target: str, action: str) -> Actor:
    """Give the actor if she may; see Shell.require."""
    return _shell.require(request, target, action)


def render(request: Request, template: str, *, status: int = 200, **context: Any) -> Response:
    """Render a page of the console; see Shell.page."""
    return _shell.page(request, template, context, status)
