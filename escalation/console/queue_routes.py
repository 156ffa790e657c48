"""The queue's page, «take the most urgent», the shift. One press leads to the person who needs her most."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.store.database import Tx
from escalation import acts, reading, shifts
from escalation.case import CaseClosedError, CaseTakenError, NoSuchCaseError, StaleTokenError
from escalation.console.deps import deps_of
from escalation.console.present_queue import queue_view
from escalation.console.shell import current_actor, render, require
from escalation.policy import Actor, may

#: What a redirect to the queue says, by its code in the address.
_SAID = {
    "taken": "همکار دیگری همین حالا آن پرونده را برداشت.",
    "none": "کسی منتظر نیست؛ شاید همکاری زودتر برداشت.",
    "released": "پرونده به صف برگشت.",
    "handed-back": "گفت‌وگو به ربات سپرده شد؛ پرونده باز است.",
    "transferred": "پرونده به میز دیگر سپرده شد.",
    "entrusted": "پرونده با نام همکارتان در صف است؛ تا برندارد، هر همکاری می‌تواند بردارد.",
    "seen": "ثبت شد که دیدید. اگر کسی برندارد، هشدار دوباره آغاز می‌شود.",
}
#: Quicker colleagues are no reason to come back with empty hands.
_TAKE_TRIES = 20


async def queue_page(request: Request) -> Response:
    """Show who waits. Staff without a queue go to what their role is for."""
    actor = current_actor(request)
    if not may(actor, "queue", "view"):
        return RedirectResponse(_home(request, actor), status_code=303)
    deps, now_ms = deps_of(request), deps_of(request).now_ms()
    rows, names, gaps = await deps.store_of(actor).read(
        lambda connection: (
            reading.queue(connection, actor=actor, now_ms=now_ms),
            shifts.names_on_shift(connection, now_ms),
            reading.gaps(connection, now_ms),
        )
    )
    all_others = request.query_params.get("all") == "1"
    view = queue_view(rows, on_shift=names, gaps=gaps, now_ms=now_ms, all_others=all_others)
    notice = _SAID.get(request.query_params.get("said", ""), "")
    return render(request, "queue.html", queue=view, notice=notice)


def _home(request: Request, actor: Actor) -> str:
    """Give the page that a role without a queue is for."""
    if may(actor, "staff", "view"):
        return "/staff"
    return "/flows/" if may(actor, "flow", "view") and deps_of(request).extra_routes else "/me"


async def take(request: Request) -> Response:
    """Claim the most urgent case that nobody holds and open it."""
    actor = require(request, "case", "claim")
    deps, now_ms = deps_of(request), deps_of(request).now_ms()

    def claim_first(tx: Tx) -> str | None:
        rows = reading.queue(tx.connection, actor=actor, now_ms=now_ms)
        for row in [row for row in rows if row.state == "queued"][:_TAKE_TRIES]:
            try:
                return acts.claim_case(tx, deps.office, actor=actor, case_id=row.id, now_ms=now_ms).case_id
            except (CaseTakenError, CaseClosedError, NoSuchCaseError, StaleTokenError):
                continue
        return None

    case_id = await deps.store_of(actor).write(claim_first)
    return RedirectResponse(f"/cases/{case_id}" if case_id else "/?said=none", status_code=303)


async def shift(request: Request) -> Response:
    """Begin or end the shift; ending it puts her cases back in the queue."""
    actor = require(request, "shift", "work")
    deps, now_ms = deps_of(request), deps_of(request).now_ms()
    form = await request.form()

    def change(tx: Tx) -> None:
        if form.get("to") == "on":
            shifts.start_shift(tx, deps.office, actor=actor, now_ms=now_ms)
        else:
            shifts.end_shift(tx, deps.office, actor=actor, now_ms=now_ms)

    await deps.store_of(actor).write(change)
    return RedirectResponse("/", status_code=303)
