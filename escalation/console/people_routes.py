"""The first admin's link, invitations, and the accounts of staff."""

from collections.abc import Sequence
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.core.provinces import PROVINCES
from escalation import repo_factors
from escalation.accounts import INVITE_MS, NameTakenError
from escalation.console import wording
from escalation.console.agents import agent_words
from escalation.console.deps import ConsoleDeps, deps_of
from escalation.console.door import known_by, set_device
from escalation.console.present_people import person_view
from escalation.console.refusals import REFUSALS, status_of, words_of
from escalation.console.shell import Shell, require
from escalation.console.signin_routes import require_sure, sign_in, text_of
from escalation.policy import ROLES, may
from escalation.profiles import BadNameError, BadUsernameError, NoRoleError, Profile
from escalation.repo_staff import linked_chats
from escalation.staffbot_links import unlink_staffbot

_shell = Shell()
#: What the form of an invitation begins with.
_NOBODY_YET = Profile(username="", name="", roles=("counsellor",))
#: Beside which of its fields a refusal is said.
_FIELDS: dict[type[Exception], str] = {
    NameTakenError: "username",
    BadUsernameError: "username",
    BadNameError: "name",
    NoRoleError: "roles",
}


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
        "form_name": text_of(form, "name") if form else "",
        "form_username": text_of(form, "username") if form else "",
    }
    return _shell.page(request, "welcome.html", context, status=status)


async def first_admin(request: Request) -> Response:
    """Make the first admin's account and sign in; as for a colleague's link, strangers' guesses do not stand before it."""
    form, deps = await request.form(), deps_of(request)
    if text_of(form, "password") != text_of(form, "again"):
        return await _welcome(request, error="دو گذرواژه یکی نیستند.", form=form, status=422)
    username = text_of(form, "username").strip().casefold()
    try:
        staff_id = await deps.accounts.accept_first_admin(
            code=request.path_params["code"],
            username=username,
            name=text_of(form, "name").strip(),
            password=text_of(form, "password"),
            answers=bool(text_of(form, "answers")),
        )
        device = await _know_browser(request, staff_id)
        target = "/" if form.get("answers") else "/staff"
        return await sign_in(request, username, text_of(form, "password"), target, device=device)
    except REFUSALS as error:
        return await _welcome(request, error=words_of(error), form=form, status=status_of(error))


async def accept_invite(request: Request) -> Response:
    """Set one's first password; signing in comes next, because the link does not say who she is.

    Her browser is known from now on: while strangers guess at the door, a colleague's fresh link is the way in.
    """
    form, deps = await request.form(), deps_of(request)
    if text_of(form, "password") != text_of(form, "again"):
        return await _welcome(request, error="دو گذرواژه یکی نیستند.", form=form, status=422)
    try:
        staff_id = await deps.accounts.accept_invite(
            code=request.path_params["code"], password=text_of(form, "password")
        )
    except REFUSALS as error:
        return await _welcome(request, error=words_of(error), form=form, status=status_of(error))
    device = await _know_browser(request, staff_id)
    response = RedirectResponse("/login?said=ready", status_code=303)
    set_device(response, device, tls=deps.settings.behind_tls)
    return response


async def _know_browser(request: Request, staff_id: str) -> str:
    agent = agent_words(request.headers.get("user-agent", ""))
    return await deps_of(request).accounts.know_browser(staff_id=staff_id, device=known_by(request), agent=agent)


async def _linked(deps: ConsoleDeps) -> set[str]:
    return {one.staff_id for _, one in await deps.store.read(linked_chats)}


async def unlink(request: Request) -> Response:
    """End the link of a colleague's chat: a phone is lost or in another's hands."""
    actor, deps, staff_id = require(request, "staff", "manage"), deps_of(request), request.path_params["staff_id"]
    await deps.store.write(lambda tx: unlink_staffbot(tx, actor=actor, staff_id=staff_id, now_ms=deps.now_ms()))
    return await _staff(request, notice="تلگرام این همکار قطع شد.")


async def staff_page(request: Request) -> Response:
    """Show who works here."""
    return await _staff(request)


async def _staff(request: Request, *, status: int = 200, **said: Any) -> Response:
    """Show who works here, with what there is to say: link, link_for, notice, error, mistakes (by field), entered."""
    actor = require(request, "staff", "view")
    deps = deps_of(request)
    rows, linked = await deps.accounts.list_staff(actor=actor), await _linked(deps)
    coded = await deps.store.read(repo_factors.with_factor)
    rows.sort(key=lambda row: (row.disabled_at is not None, row.name))
    context = {
        "people": [person_view(row, linked=linked, coded=coded) for row in rows],
        "may_manage": may(actor, "staff", "manage"),
        "provinces": [(one.code, one.name) for one in PROVINCES.values()],
        "all_roles": [(role, wording.word(wording.ROLES, role)) for role in ROLES],
        "link": "",
        "link_until": wording.when(deps.now_ms() + INVITE_MS),
        "link_life": wording.wait_words(INVITE_MS / 1000),
        "mistakes": {},
        "entered": _NOBODY_YET,
        **said,
    }
    return _shell.page(request, "staff.html", context, status=status)


def _roles(form: FormData) -> Sequence[str]:
    return tuple(role for role in form.getlist("roles") if isinstance(role, str))


async def invite(request: Request) -> Response:
    """Make an account and show its one-time link once."""
    actor, form = require(request, "staff", "manage"), await request.form()
    profile = Profile(
        username=text_of(form, "username").strip().casefold(),
        name=text_of(form, "name").strip(),
        roles=tuple(_roles(form)),
        province=text_of(form, "province"),
    )
    try:
        code = await deps_of(request).accounts.invite(actor=actor, profile=profile)
    except REFUSALS as error:
        field = _FIELDS.get(type(error))
        said = {"mistakes": {field: words_of(error)}} if field else {"error": words_of(error)}
        return await _staff(request, **said, entered=profile, status=status_of(error))
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
    settings = deps_of(request).settings
    scheme = "https" if settings.behind_tls else request.url.scheme
    here = f"{scheme}://{request.headers.get('host', '')}"
    return f"{settings.console_url.rstrip('/') or here}/invite/{code}"


async def change_roles(request: Request) -> Response:
    """Change roles and desk of an account; they hold from its next request on."""
    actor, form = require(request, "staff", "manage"), await request.form()
    accounts, staff_id = deps_of(request).accounts, request.path_params["staff_id"]
    name = next((row.name for row in await accounts.list_staff(actor=actor) if row.id == staff_id), "")
    try:
        await accounts.change_profile(
            actor=actor, staff_id=staff_id, name=name, roles=_roles(form), province=text_of(form, "province")
        )
    except REFUSALS as error:
        return await _staff(request, error=words_of(error), status=status_of(error))
    return await _staff(request, notice="ذخیره شد.")


async def reset_factor(request: Request) -> Response:
    """Take a colleague's second factor away, for one's own password and a tick: her phone is lost."""
    actor, form, accounts = require(request, "staff", "manage"), await request.form(), deps_of(request).accounts
    try:
        require_sure(form)
        await accounts.check_again(actor=actor, password=text_of(form, "password"))
        await accounts.reset_factor(actor=actor, staff_id=request.path_params["staff_id"])
    except REFUSALS as error:
        return await _staff(request, error=words_of(error), status=status_of(error))
    return await _staff(request, notice="رمز دوم این همکار برداشته شد و نشست‌هایش بسته شد.")


async def disable(request: Request) -> Response:
    """Close an account: sign-ins end at once, cases go back to the queue."""
    actor, deps = require(request, "staff", "manage"), deps_of(request)
    try:
        await deps.accounts.disable(actor=actor, staff_id=request.path_params["staff_id"], office=deps.office)
    except REFUSALS as error:
        return await _staff(request, error=words_of(error), status=status_of(error))
    return await _staff(request, notice="حساب بسته شد.")


async def reopen(request: Request) -> Response:
    """Open a closed account again and show the link with which its owner sets a new password."""
    actor, staff_id = require(request, "staff", "manage"), request.path_params["staff_id"]
    try:
        code = await deps_of(request).accounts.reopen(actor=actor, staff_id=staff_id)
    except REFUSALS as error:
        return await _staff(request, error=words_of(error), status=status_of(error))
    return await _staff(request, link=_link(request, code), link_for="همکار", notice="حساب دوباره باز شد.")
