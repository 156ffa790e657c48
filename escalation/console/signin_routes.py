"""The door: user name and password, then the second code; locking and unlocking; signing out.

A sign-in that waits for something is led to the page it waits for, and reaches nothing else.
"""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from escalation.console.agents import agent_words
from escalation.console.deps import deps_of
from escalation.console.door import forget_session, known_by, set_session, token_of
from escalation.console.refusals import REFUSALS, NotSureError, status_of, words_of
from escalation.console.shell import Shell, SignInNeededError, current_actor, render
from escalation.signin import NewSession, SignedIn

_shell = Shell()
_READY = "گذرواژه گذاشته شد. حالا با نام کاربری و همین گذرواژه وارد شوید."
_WAITS_AT = {"code": "/login/code", "enrol": "/second", "locked": "/unlock"}


def text_of(form: FormData, name: str) -> str:
    """Give a field of a form as text; what is missing is empty."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def require_sure(form: FormData) -> None:
    """Let a weighty act pass only with the tick that says what follows.

    Raises:
        NotSureError: it is missing.
    """
    if not text_of(form, "sure"):
        raise NotSureError


def own_path(raw: str) -> str:
    """Give a path of ours to go to after signing in; anything else is the queue."""
    doors = ("//", "/\\", "/login", "/logout", "/lock", "/unlock")
    safe = raw.startswith("/") and not raw.startswith(doors) and raw.isascii() and len(raw) < 200
    return raw if safe and "\\" not in raw and "\n" not in raw else "/"


def waiting_for(request: Request, stage: str) -> SignedIn:
    """Give the sign-in that waits for this.

    Raises:
        SignInNeededError: there is none; she begins at the door.
    """
    found = request.state.waiting
    if not isinstance(found, SignedIn) or found.stage != stage:
        raise SignInNeededError
    return found


async def login_page(request: Request) -> Response:
    """Show the door; whoever is in already goes to work, whoever waits to what she waits for."""
    target = own_path(request.query_params.get("next", "/"))
    if request.state.actor is not None:
        return RedirectResponse("/", status_code=303)
    if request.state.waiting is not None:
        return RedirectResponse(f"{_WAITS_AT[request.state.waiting.stage]}?next={target}", status_code=303)
    notice = _READY if request.query_params.get("said") == "ready" else ""
    return render(request, "login.html", notice=notice, error="", next=target)


async def login(request: Request) -> Response:
    """Take user name and password."""
    form = await request.form()
    target = own_path(text_of(form, "next"))
    try:
        return await sign_in(
            request, text_of(form, "username"), text_of(form, "password"), target, device=known_by(request)
        )
    except REFUSALS as error:
        context = {"error": words_of(error), "next": target}
        return _shell.page(request, "login.html", context, status=status_of(error))


async def sign_in(request: Request, username: str, password: str, target: str, *, device: str) -> Response:
    """Sign in and go on: to `target`, or to what the sign-in waits for. `device`: what the browser is known by."""
    address = request.client.host if request.client else ""
    agent = agent_words(request.headers.get("user-agent", ""))
    accounts = deps_of(request).accounts
    opened = await accounts.login(username=username, password=password, address=address, agent=agent, device=device)
    return _go_on(request, opened, target)


def _go_on(request: Request, opened: NewSession, target: str) -> Response:
    place = _WAITS_AT.get(opened.signed_in.stage)
    response = RedirectResponse(f"{place}?next={target}" if place else target, status_code=303)
    set_session(response, opened, tls=deps_of(request).settings.behind_tls)
    return response


async def code_page(request: Request) -> Response:
    """Ask for the second code."""
    waiting_for(request, "code")
    return render(request, "code.html", error="", next=own_path(request.query_params.get("next", "/")))


async def give_code(request: Request) -> Response:
    """Take the second code."""
    waiting_for(request, "code")
    form = await request.form()
    target = own_path(text_of(form, "next"))
    try:
        opened = await deps_of(request).accounts.login_code(
            token=token_of(request), code=text_of(form, "code"), device=known_by(request)
        )
    except REFUSALS as error:
        context = {"error": words_of(error), "next": target}
        return _shell.page(request, "code.html", context, status=status_of(error))
    return _go_on(request, opened, target)


async def lock(request: Request) -> Response:
    """Lock this sign-in at once; her stream ends, and what she holds goes back to the queue as after any silence."""
    current_actor(request)
    await deps_of(request).accounts.lock(token_of(request))
    return RedirectResponse("/unlock", status_code=303)


async def unlock_page(request: Request) -> Response:
    """Ask for the password of whoever was here."""
    found = waiting_for(request, "locked")
    target = own_path(request.query_params.get("next", "/"))
    return render(request, "unlock.html", error="", next=target, name=found.actor.name)


async def unlock(request: Request) -> Response:
    """Go on where she was."""
    found, form = waiting_for(request, "locked"), await request.form()
    target = own_path(text_of(form, "next"))
    try:
        opened = await deps_of(request).accounts.unlock(token=token_of(request), password=text_of(form, "password"))
    except REFUSALS as error:
        context = {"error": words_of(error), "next": target, "name": found.actor.name}
        return _shell.page(request, "unlock.html", context, status=status_of(error))
    return _go_on(request, opened, target)


async def logout(request: Request) -> Response:
    """Sign out; the browser drops what it may have kept."""
    deps = deps_of(request)
    if token_of(request):
        await deps.accounts.logout(token_of(request))
    response = RedirectResponse("/login", status_code=303)
    forget_session(response, tls=deps.settings.behind_tls)
    return response
