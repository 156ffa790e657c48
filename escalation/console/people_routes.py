"""Signing in and out, the first admin's link, invitations, one's own page, and the accounts of staff."""

from collections.abc import Sequence

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.core.provinces import PROVINCES
from escalation.accounts import Profile
from escalation.console import wording
from escalation.console.deps import ConsoleDeps, deps_of
from escalation.console.door import forget_session, set_session, token_of
from escalation.console.present_people import person_view
from escalation.console.refusals import REFUSALS, status_of, words_of
from escalation.console.shell import Shell, current_actor, render, require
from escalation.policy import ROLES, Actor, may
from escalation.repo_staff import linked_chats
from escalation.routing import NATIONAL, desk_name
from escalation.staffbot_links import unlink_staffbot

_shell = Shell()


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def _own_path(raw: str) -> str:
    """Give a path of ours to go to after signing in; anything else is the queue."""
    safe = (
        raw.startswith("/")
        and not raw.startswith(("//", "/\\", "/login", "/logout"))
        and raw.isascii()
        and len(raw) < 200
    )
    return raw if safe and "\\" not in raw and "\n" not in raw else "/"


async def login_page(request: Request) -> Response:
    """Show the door; whoever is in already goes to work."""
    if request.state.actor is not None:
        return RedirectResponse("/", status_code=303)
    return render(request, "login.html", error="", next=_own_path(request.query_params.get("next", "/")))


async def login(request: Request) -> Response:
    """Sign in."""
    form = await request.form()
    target = _own_path(_text(form, "next"))
    try:
        return await _sign_in(request, _text(form, "username"), _text(form, "password"), target)
    except REFUSALS as error:
        context = {"error": words_of(error), "next": target}
        return _shell.page(request, "login.html", context, status=status_of(error))


async def _sign_in(request: Request, username: str, password: str, target: str) -> Response:
    deps = deps_of(request)
    address = request.client.host if request.client else ""
    session = await deps.accounts.login(username=username, password=password, address=address)
    response = RedirectResponse(target, status_code=303)
    set_session(response, session, tls=deps.settings.behind_tls)
    return response


async def logout(request: Request) -> Response:
    """Sign out; the browser drops what it may have kept."""
    deps = deps_of(request)
    if token_of(request):
        await deps.accounts.logout(token_of(request))
    response = RedirectResponse("/login", status_code=303)
    forget_session(response, tls=deps.settings.behind_tls)
    return response


async def welcome_page(request: Request) -> Response:
    """Show the form behind a one-time link; a link that is good no more says so before anything is typed."""
    return await _welcome(request, error="", form=None, status=200)


async def _welcome(request: Request, *, error: str, form: FormData | None, status: int) -> Response:
    first = request.url.path.startswith("/first/")
    purpose = "first_admin" if first else "invite"
    username = await deps_of(request).accounts.behind_link(request.path_params["code"], purpose)
    if username is None:
        return _shell.page(request, "link_over.html", {"first": first}, status=410)
    context = {
        "first": first,
        "username": username,
        "error": error,
        "form_name": _text(form, "name") if form else "",
        "form_username": _text(form, "username") if form else "",
    }
    return _shell.page(request, "welcome.html", context, status=status)


async def first_admin(request: Request) -> Response:
    """Make the first admin's account and sign in."""
    form, deps = await request.form(), deps_of(request)
    if _text(form, "password") != _text(form, "again"):
        return await _welcome(request, error="دو گذرواژه یکی نیستند.", form=form, status=422)
    username = _text(form, "username").strip().casefold()
    try:
        await deps.accounts.accept_first_admin(
            code=request.path_params["code"],
            username=username,
            name=_text(form, "name").strip(),
            password=_text(form, "password"),
            answers=bool(_text(form, "answers")),
        )
        return await _sign_in(request, username, _text(form, "password"), "/" if form.get("answers") else "/staff")
    except REFUSALS as error:
        return await _welcome(request, error=words_of(error), form=form, status=status_of(error))


async def accept_invite(request: Request) -> Response:
    """Set one's first password; signing in comes next, because the link does not say who she is."""
    form, deps = await request.form(), deps_of(request)
    if _text(form, "password") != _text(form, "again"):
        return await _welcome(request, error="دو گذرواژه یکی نیستند.", form=form, status=422)
    try:
        await deps.accounts.accept_invite(code=request.path_params["code"], password=_text(form, "password"))
    except REFUSALS as error:
        return await _welcome(request, error=words_of(error), form=form, status=status_of(error))
    return RedirectResponse("/login", status_code=303)


async def me_page(request: Request) -> Response:
    """Show one's own page."""
    return await _me(request)


async def _me(request: Request, *, code: str = "", notice: str = "", error: str = "", status: int = 200) -> Response:
    actor, deps = current_actor(request), deps_of(request)
    linked = await _linked(deps)
    context = {
        "roles": [wording.word(wording.ROLES, role) for role in ROLES if role in actor.roles],
        "desk": desk_name(actor.province or NATIONAL),
        "linked": actor.staff_id in linked,
        "may_link": may(actor, "case", "claim"),
        "code": code,
        "notice": notice,
        "error": error,
    }
    return _shell.page(request, "me.html", context, status=status)


async def _linked(deps: ConsoleDeps) -> set[str]:
    return {one.staff_id for _, one in await deps.store.read(linked_chats)}


async def staffbot_code(request: Request) -> Response:
    """Give the code that links the staff bot; it is shown once."""
    actor = require(request, "case", "claim")
    return await _me(request, code=await deps_of(request).accounts.staffbot_code(actor=actor))


async def unlink_mine(request: Request) -> Response:
    """End the link of one's own chat with the staff bot."""
    actor = current_actor(request)
    await _unlink(request, actor, actor.staff_id)
    return await _me(request, notice="ربات همکاران از حساب شما قطع شد.")


async def unlink(request: Request) -> Response:
    """End the link of a colleague's chat: a phone is lost or in another's hands."""
    actor = require(request, "staff", "manage")
    await _unlink(request, actor, request.path_params["staff_id"])
    return await _staff(request, notice="تلگرام این همکار قطع شد.")


async def _unlink(request: Request, actor: Actor, staff_id: str) -> None:
    deps = deps_of(request)
    await deps.store.write(lambda tx: unlink_staffbot(tx, actor=actor, staff_id=staff_id, now_ms=deps.now_ms()))


async def change_password(request: Request) -> Response:
    """Change one's own password; all sign-ins end, this one too."""
    actor, form = current_actor(request), await request.form()
    try:
        await deps_of(request).accounts.set_password(actor=actor, old=_text(form, "old"), new=_text(form, "password"))
    except REFUSALS as error:
        return await _me(request, error=words_of(error), status=status_of(error))
    response = RedirectResponse("/login", status_code=303)
    forget_session(response, tls=deps_of(request).settings.behind_tls)
    return response


async def staff_page(request: Request) -> Response:
    """Show who works here."""
    return await _staff(request)


async def _staff(
    request: Request, *, link: str = "", link_for: str = "", notice: str = "", error: str = "", status: int = 200
) -> Response:
    actor = require(request, "staff", "view")
    deps = deps_of(request)
    rows, linked = await deps.accounts.list_staff(actor=actor), await _linked(deps)
    rows.sort(key=lambda row: (row.disabled_at is not None, row.name))
    context = {
        "people": [person_view(row, linked) for row in rows],
        "may_manage": may(actor, "staff", "manage"),
        "provinces": [(one.code, one.name) for one in PROVINCES.values()],
        "all_roles": [(role, wording.word(wording.ROLES, role)) for role in ROLES],
        "link": link,
        "link_for": link_for,
        "notice": notice,
        "error": error,
    }
    return _shell.page(request, "staff.html", context, status=status)


def _roles(form: FormData) -> Sequence[str]:
    return tuple(role for role in form.getlist("roles") if isinstance(role, str))


async def invite(request: Request) -> Response:
    """Make an account and show its one-time link once."""
    actor, form = require(request, "staff", "manage"), await request.form()
    profile = Profile(
        username=_text(form, "username").strip().casefold(),
        name=_text(form, "name").strip(),
        roles=tuple(_roles(form)),
        province=_text(form, "province"),
    )
    try:
        code = await deps_of(request).accounts.invite(actor=actor, profile=profile)
    except REFUSALS as error:
        return await _staff(request, error=words_of(error), status=status_of(error))
    return await _staff(request, link=_link(request, code), link_for=profile.name)


async def new_link(request: Request) -> Response:
    """Give a fresh link for setting a password."""
    actor, staff_id = require(request, "staff", "manage"), request.path_params["staff_id"]
    try:
        code = await deps_of(request).accounts.renew_invite(actor=actor, staff_id=staff_id)
    except REFUSALS as error:
        return await _staff(request, error=words_of(error), status=status_of(error))
    return await _staff(request, link=_link(request, code), link_for="همکار")


def _link(request: Request, code: str) -> str:
    scheme = "https" if deps_of(request).settings.behind_tls else request.url.scheme
    return f"{scheme}://{request.headers.get('host', '')}/invite/{code}"


async def change_roles(request: Request) -> Response:
    """Change roles and desk of an account; they hold from its next request on."""
    actor, form = require(request, "staff", "manage"), await request.form()
    accounts, staff_id = deps_of(request).accounts, request.path_params["staff_id"]
    name = next((row.name for row in await accounts.list_staff(actor=actor) if row.id == staff_id), "")
    try:
        await accounts.change_profile(
            actor=actor, staff_id=staff_id, name=name, roles=_roles(form), province=_text(form, "province")
        )
    except REFUSALS as error:
        return await _staff(request, error=words_of(error), status=status_of(error))
    return await _staff(request, notice="ذخیره شد.")


async def disable(request: Request) -> Response:
    """Close an account: sign-ins end at once, cases go back to the queue."""
    actor, deps = require(request, "staff", "manage"), deps_of(request)
    try:
        await deps.accounts.disable(actor=actor, staff_id=request.path_params["staff_id"], office=deps.office)
    except REFUSALS as error:
        return await _staff(request, error=words_of(error), status=status_of(error))
    return await _staff(request, notice="حساب بسته شد.")
