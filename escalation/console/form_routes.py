"""Questionnaires for trained staff on a case: the page to fill one in, keeping it, and raising the tier it recommends.

The talk goes on beside the questions. A result only ever offers to raise; nobody who writes to us sees it.
"""

from typing import cast

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.core.screening import Tier
from bot.core.staff_form import StaffForm
from bot.store.database import Tx
from escalation import acts, relay
from escalation.case import NoSuchCaseError, StaleTokenError
from escalation.console import wording
from escalation.console.case_routes import Fields
from escalation.console.deps import deps_of
from escalation.console.present_case import case_view
from escalation.console.shell import Shell, require
from escalation.office import Office
from escalation.page import read_case
from escalation.policy import Actor

#: What a questionnaire tells of itself, in this order.
_SOURCE = {"name": "نام", "by": "از", "licence": "پروانه", "persian": "فارسی", "scoring": "شمارش", "use": "کاربرد"}


async def form_page(request: Request) -> Response:
    """Show a questionnaire; whoever does not hold the case has none to fill in."""
    require(request, "case", "write")
    return await _page(request, _form(request), {}, ())


async def fill(request: Request) -> Response:
    """Keep a filled questionnaire; an incomplete one is shown again with its answers, and so is one that only looks for news."""
    actor = require(request, "case", "write")
    deps, form, case_id = deps_of(request), _form(request), request.path_params["case_id"]
    given = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    if given.get("look"):
        return await _page(request, form, given, ())
    result = deps.forms.score(form.id, given)
    if result.missing:
        return await _page(request, form, given, result.missing)
    fields = Fields(given, deps.now_ms())
    await deps.store_of(actor).write(
        lambda tx: relay.keep_assessment(
            tx,
            deps.office,
            actor=actor,
            case_id=case_id,
            token=fields.token,
            form=form,
            result=result,
            now_ms=fields.now_ms,
        )
    )
    return RedirectResponse(f"/cases/{case_id}", status_code=303)


def raise_tier(tx: Tx, office: Office, actor: Actor, case_id: str, fields: Fields) -> object:
    """Raise the tier."""
    return acts.raise_tier(
        tx,
        office,
        actor=actor,
        case_id=case_id,
        token=fields.token,
        tier=cast("Tier", fields.text("tier")),
        now_ms=fields.now_ms,
    )


def _form(request: Request) -> StaffForm:
    wanted = request.path_params["form"]
    form = next((one for one in deps_of(request).forms.all() if one.id == wanted), None)
    if form is None:
        raise NoSuchCaseError
    return form


async def _page(request: Request, form: StaffForm, given: dict[str, str], missing: tuple[str, ...]) -> Response:
    actor = require(request, "case", "write")
    deps, now_ms = deps_of(request), deps_of(request).now_ms()
    case_id = request.path_params["case_id"]
    page = await deps.store_of(actor).write(
        lambda tx: read_case(tx, deps.office, actor=actor, case_id=case_id, now_ms=now_ms, again=True)
    )
    if not page.mine:
        raise StaleTokenError
    context = {
        "case": case_view(page, actor=actor, now_ms=now_ms),
        "phrases": wording.PHRASES,
        "form": form,
        "title": wording.word(wording.INSTRUMENTS, form.id) if form.id in wording.INSTRUMENTS else form.title,
        "source": [(label, form.source[name]) for name, label in _SOURCE.items() if form.source.get(name)],
        "given": given,
        "missing": missing,
    }
    return Shell().page(request, "form.html", context, status=422 if missing else 200)
