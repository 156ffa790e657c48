"""One's own page: the staff bot, the password, the second factor, and where one is signed in."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup
from sqlalchemy import RowMapping
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.core.clock import TEHRAN
from bot.core.jalali import long_date
from bot.core.text import persian_digits
from escalation import repo_devices, repo_staff
from escalation.console import wording
from escalation.console.deps import ConsoleDeps, deps_of
from escalation.console.door import forget_session, known_by, token_of
from escalation.console.refusals import REFUSALS, status_of, words_of
from escalation.console.shell import Shell, current_actor, require
from escalation.console.signin_routes import own_path, require_sure, text_of
from escalation.factors import Proposed, WrongCodeError
from escalation.passwords import hash_token
from escalation.policy import ROLES, may
from escalation.repo_staff import linked_chats
from escalation.routing import NATIONAL, desk_name
from escalation.signin import SignedIn
from escalation.staffbot_links import unlink_staffbot

_shell = Shell()
_WRONG_CODE = (
    "این رمز درست نبود؛ آنچه با گوشی خواندید همچنان برقرار است. رمزی را که برنامه همین حالا نشان می‌دهد بنویسید. "
    "اگر باز نشد، ساعت گوشی را روی «خودکار» بگذارید؛ با ساعتی که جلو یا عقب است، رمزها درست درنمی‌آید."
)


async def me_page(request: Request) -> Response:
    """Show one's own page."""
    return await _me(request)


async def _me(request: Request, *, code: str = "", notice: str = "", error: str = "", status: int = 200) -> Response:
    actor, deps = current_actor(request), deps_of(request)
    linked = await deps.store.read(linked_chats)
    has_factor, left, must = await deps.accounts.factor_state(_myself(request))
    context = {
        "roles": [wording.word(wording.ROLES, role) for role in ROLES if role in actor.roles],
        "desk": desk_name(actor.province or NATIONAL),
        "linked": actor.staff_id in {one.staff_id for _, one in linked},
        "may_link": may(actor, "case", "claim"),
        "code": code,
        "has_factor": has_factor,
        "codes_left": left,
        "must_factor": must,
        "sessions": await _sessions(request, deps),
        "devices": await _devices(request, deps),
        "notice": notice,
        "error": error,
    }
    return _shell.page(request, "me.html", context, status=status)


async def _sessions(request: Request, deps: ConsoleDeps) -> list[dict[str, Any]]:
    actor, now_ms, mine = current_actor(request), deps.now_ms(), hash_token(token_of(request))
    rows = await deps.store.read(lambda db: repo_staff.sessions_of(db, actor.staff_id, now_ms))
    return [_browser(row, mine, repo_staff.SESSION_NAME_CHARS) for row in rows]


async def _devices(request: Request, deps: ConsoleDeps) -> list[dict[str, Any]]:
    actor, now_ms, mine = current_actor(request), deps.now_ms(), hash_token(known_by(request))
    rows = await deps.store.read(lambda db: repo_devices.devices_of(db, actor.staff_id, now_ms))
    return [_browser(row, mine, repo_devices.DEVICE_NAME_CHARS) for row in rows]


def _browser(row: RowMapping, mine: str, name_chars: int) -> dict[str, Any]:
    """Give what is shown of a sign-in or a device; `mine` is the hash of the one that asks."""
    return {
        "name": row["token_hash"][:name_chars],
        "agent": row["agent"] or "مرورگر ناشناس",
        "since": _moment(row["created_at"]),
        "seen": _moment(row["seen_at"]),
        "here": row["token_hash"] == mine,
    }


async def end_device(request: Request) -> Response:
    """Forget one of one's own devices, or all but this one; signing in there is a stranger's again."""
    actor, deps, form = current_actor(request), deps_of(request), await request.form()
    name, mine = text_of(form, "device"), hash_token(known_by(request))
    if name == "others":
        await deps.store.write(lambda tx: repo_devices.forget_all(tx, actor.staff_id, but=mine) and None)
    else:
        await deps.store.write(lambda tx: repo_devices.forget_named(tx, actor.staff_id, name) and None)
    return await _me(request, notice="دستگاه فراموش شد.")


def _moment(at_ms: int) -> str:
    at = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(TEHRAN)
    return f"{long_date(at)}، {persian_digits(at.strftime('%H:%M'))}"


async def end_session(request: Request) -> Response:
    """End one of one's own sign-ins, or all but this one; open pages there close within five seconds."""
    actor, deps, form = current_actor(request), deps_of(request), await request.form()
    name, mine = text_of(form, "session"), hash_token(token_of(request))
    if name == "others":
        await deps.store.write(lambda tx: repo_staff.end_other_sessions(tx, actor.staff_id, mine) and None)
    else:
        await deps.store.write(lambda tx: repo_staff.end_named_session(tx, actor.staff_id, name) and None)
    if mine.startswith(name) and name:
        response = RedirectResponse("/login", status_code=303)
        forget_session(response, tls=deps.settings.behind_tls)
        return response
    return await _me(request, notice="نشست بسته شد.")


async def staffbot_code(request: Request) -> Response:
    """Give the code that links the staff bot; it is shown once."""
    actor = require(request, "case", "claim")
    return await _me(request, code=await deps_of(request).accounts.staffbot_code(actor=actor))


async def unlink_mine(request: Request) -> Response:
    """End the link of one's own chat with the staff bot."""
    actor, deps = current_actor(request), deps_of(request)
    await deps.store.write(lambda tx: unlink_staffbot(tx, actor=actor, staff_id=actor.staff_id, now_ms=deps.now_ms()))
    return await _me(request, notice="ربات همکاران از حساب شما قطع شد.")


async def change_password(request: Request) -> Response:
    """Change one's own password; all sign-ins end, this one too."""
    actor, form = current_actor(request), await request.form()
    old, new = text_of(form, "old"), text_of(form, "password")
    try:
        await deps_of(request).accounts.set_password(actor=actor, old=old, new=new, device=known_by(request))
    except REFUSALS as error:
        return await _me(request, error=words_of(error), status=status_of(error))
    response = RedirectResponse("/login", status_code=303)
    forget_session(response, tls=deps_of(request).settings.behind_tls)
    return response


def _myself(request: Request) -> SignedIn:
    """Give who sets up her second factor: signed in, or kept at the door until she has one.

    Raises:
        SignInNeededError: nobody is.
    """
    waiting = request.state.waiting
    if isinstance(waiting, SignedIn) and waiting.stage == "enrol":
        return waiting
    return SignedIn(actor=current_actor(request), csrf=str(request.state.csrf))


async def factor_page(request: Request) -> Response:
    """Show how a second factor is set up."""
    _myself(request)
    return await _factor(request)


async def _factor(
    request: Request, *, proposed: Proposed | None = None, codes: Sequence[str] = (), error: str = "", status: int = 200
) -> Response:
    found = _myself(request)
    has_factor, _, must = await deps_of(request).accounts.factor_state(found)
    context = {
        "kept_out": found.stage == "enrol" and not codes,
        "has_factor": has_factor,
        "must_factor": must,
        "drawing": _drawn(proposed.address) if proposed else "",
        "secret": proposed.secret if proposed else "",
        "codes": codes,
        "error": error,
        "next": own_path(request.query_params.get("next", "/")),
    }
    return _shell.page(request, "second.html", context, status=status)


async def begin_factor(request: Request) -> Response:
    """Draw a secret and show it, as a picture and as letters; whoever is in already gives her password first."""
    found, form, deps = _myself(request), await request.form(), deps_of(request)
    try:
        if found.stage != "enrol":
            await deps.accounts.check_again(actor=found.actor, password=text_of(form, "password"))
        proposed = await deps.accounts.propose_factor(actor=found.actor, issuer=deps.settings.public_name)
    except REFUSALS as error:
        return await _factor(request, error=words_of(error), status=status_of(error))
    return await _factor(request, proposed=proposed)


def _drawn(address: str) -> Markup:
    """Draw a QR picture as SVG within the page: no file, no foreign host, no inline style."""
    import segno  # noqa: PLC0415 - a few times in an account's life

    drawing: str = segno.make_qr(address, error="m").svg_inline(
        border=4, omitsize=True, light="#fff", dark="#000", svgclass="qr", lineclass=None
    )
    return Markup(drawing)  # noqa: S704 - drawn by segno from an address of ours, numbers and letters only


async def confirm_factor(request: Request) -> Response:
    """Take the first code; show the recovery codes once. A wrong one leaves the page as it was: what she scanned stays good."""
    found, form, deps = _myself(request), await request.form(), deps_of(request)
    try:
        codes = await deps.accounts.confirm_factor(
            actor=found.actor, code=text_of(form, "code"), token=token_of(request)
        )
    except REFUSALS as error:
        proposed = await deps.accounts.proposed_factor(
            actor=found.actor, issuer=deps.settings.public_name, secret=text_of(form, "secret")
        )
        words = _WRONG_CODE if proposed and isinstance(error, WrongCodeError) else words_of(error)
        return await _factor(request, proposed=proposed, error=words, status=status_of(error))
    return await _factor(request, codes=codes)


async def renew_codes(request: Request) -> Response:
    """Show fresh recovery codes once."""
    actor, form = current_actor(request), await request.form()
    try:
        codes = await deps_of(request).accounts.renew_recovery(actor=actor, code=text_of(form, "code"))
    except REFUSALS as error:
        return await _me(request, error=words_of(error), status=status_of(error))
    return await _factor(request, codes=codes)


async def remove_factor(request: Request) -> Response:
    """Take one's own second factor away, for a code of it and a tick."""
    actor, form = current_actor(request), await request.form()
    try:
        require_sure(form)
        await deps_of(request).accounts.remove_factor(actor=actor, code=text_of(form, "code"))
    except REFUSALS as error:
        return await _me(request, error=words_of(error), status=status_of(error))
    return await _me(request, notice="رمز دوم برداشته شد.")
