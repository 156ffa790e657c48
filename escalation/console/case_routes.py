"""A case's page and every act on it. Each POST is one act of escalation.acts or .relay in one transaction.

Answers: a form gets a redirect (303) to the page that shows the result; the message box, which sends `X-Live`, gets
204 or the reason as JSON, so that it can keep her words and try again under the same command.
"""

from collections.abc import Callable
from typing import cast

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from bot.core.screening import TIERS, Tier
from bot.store.database import Tx
from escalation import acts, relay, seeing
from escalation.case import OUTCOMES, BadInputError, Case
from escalation.console import wording
from escalation.console.deps import deps_of
from escalation.console.present_case import case_view
from escalation.console.present_desks import colleagues_to_choose, desks_to_choose
from escalation.console.refusals import REFUSALS, status_of, words_of
from escalation.console.shell import render, require
from escalation.entrusting import entrust_case, who_can_take
from escalation.office import Office
from escalation.page import read_case
from escalation.policy import Actor, may
from escalation.routing import NATIONAL

Act = Callable[[Tx, Office, Actor, str, "Fields"], object]


class Fields:
    """The fields of a posted form as text; what is missing is empty."""

    def __init__(self, values: dict[str, str], now_ms: int) -> None:
        self._values = values
        self.now_ms = now_ms

    def text(self, name: str) -> str:
        """Give one field."""
        return self._values.get(name, "")

    @property
    def token(self) -> int:
        """The claim's number.

        Raises:
            BadInputError: the form carries none.
        """
        raw = self.text("token")
        if not raw.isascii() or not raw.isdecimal() or len(raw) > 9:
            raise BadInputError
        return int(raw)


async def case_page(request: Request) -> Response:
    """Show a case; reading it is written down in the same transaction."""
    actor = require(request, "case", "read")
    deps, now_ms, case_id = deps_of(request), deps_of(request).now_ms(), request.path_params["case_id"]
    again = "x-live" in request.headers  # the open page brings itself up to date; its opening is in the audit
    page, working = await deps.store_of(actor).write(
        lambda tx: (
            read_case(tx, deps.office, actor=actor, case_id=case_id, now_ms=now_ms, again=again),
            who_can_take(tx.connection, now_ms),
        )
    )
    return render(
        request,
        "case.html",
        case=case_view(page, actor=actor, now_ms=now_ms),
        phrases=wording.PHRASES,
        outcomes=list(OUTCOMES.items()),
        desks=desks_to_choose(working, but=(page.case.desk, actor.province or NATIONAL)),
        colleagues=colleagues_to_choose(working, but=actor),
        places=list(wording.PLACES.items()),
        lower_tiers=[(tier, word) for tier, word in wording.TIERS.items() if tier > page.case.tier],
        may_note=page.content and may(actor, "case", "note"),
        forms=[(name, wording.word(wording.INSTRUMENTS, name)) for name in deps.forms.names()],
    )


def acting(act: Act, *, action: str, then: str | Callable[[object], str] = "") -> Callable[[Request], object]:
    """Make the route of one act: ask the policy, run it in a transaction, go to `then` or back to the case."""

    async def route(request: Request) -> Response:
        actor = require(request, "case", action)
        deps, case_id = deps_of(request), request.path_params["case_id"]
        form = await request.form()
        fields = Fields({name: value for name, value in form.items() if isinstance(value, str)}, deps.now_ms())
        try:
            result = await deps.store_of(actor).write(lambda tx: act(tx, deps.office, actor, case_id, fields))
        except REFUSALS as error:
            if "x-live" not in request.headers:
                raise
            return JSONResponse({"error": words_of(error)}, status_code=status_of(error))
        if "x-live" in request.headers:
            return Response(status_code=204)
        went_to = result if isinstance(result, str) and act is undo_close else case_id
        place = then(result) if callable(then) else then
        return RedirectResponse(place or f"/cases/{went_to}", status_code=303)

    return route


def claim(tx: Tx, office: Office, actor: Actor, case_id: str, fields: Fields) -> object:
    """Take the case."""
    return acts.claim_case(tx, office, actor=actor, case_id=case_id, now_ms=fields.now_ms)


def see(tx: Tx, office: Office, actor: Actor, case_id: str, fields: Fields) -> object:
    """Say «دیدم»: the alerts rest for a while."""
    return seeing.see(tx, office, actor=actor, case_id=case_id, now_ms=fields.now_ms)


def undo_claim(tx: Tx, office: Office, actor: Actor, case_id: str, fields: Fields) -> object:
    """Put it back where it stood."""
    return acts.undo_claim(tx, office, actor=actor, case_id=case_id, token=fields.token, now_ms=fields.now_ms)


def release(tx: Tx, office: Office, actor: Actor, case_id: str, fields: Fields) -> object:
    """Put it back in the queue."""
    return acts.release_case(tx, office, actor=actor, case_id=case_id, token=fields.token, now_ms=fields.now_ms)


def hand_back(tx: Tx, office: Office, actor: Actor, case_id: str, fields: Fields) -> object:
    """Give the talk back to the flow."""
    return acts.hand_back(tx, office, actor=actor, case_id=case_id, token=fields.token, now_ms=fields.now_ms)


def after_hand_back(case: object) -> str:
    """Say where the case is now: resting, or in the queue because nobody has written to her yet."""
    return "/?said=released" if isinstance(case, Case) and case.state == "queued" else "/?said=handed-back"


def close(tx: Tx, office: Office, actor: Actor, case_id: str, fields: Fields) -> object:
    """End the case."""
    return acts.close_case(
        tx,
        office,
        actor=actor,
        case_id=case_id,
        token=fields.token,
        outcome=fields.text("outcome"),
        reason=fields.text("reason"),
        now_ms=fields.now_ms,
    )


def undo_close(tx: Tx, office: Office, actor: Actor, case_id: str, fields: Fields) -> object:
    """Take the ending back; gives the case that is open now."""
    return acts.undo_close(tx, office, actor=actor, case_id=case_id, now_ms=fields.now_ms).id


def entrust(tx: Tx, office: Office, actor: Actor, case_id: str, fields: Fields) -> object:
    """Put it in the queue for one colleague, with a note for her when one was written."""
    _note_along(tx, office, actor, case_id, fields)
    return entrust_case(
        tx, office, actor=actor, case_id=case_id, token=fields.token, to=fields.text("to"), now_ms=fields.now_ms
    )


def transfer(tx: Tx, office: Office, actor: Actor, case_id: str, fields: Fields) -> object:
    """Move it to another desk, with a note for the colleagues there when one was written."""
    _note_along(tx, office, actor, case_id, fields)
    return acts.transfer_case(
        tx,
        office,
        actor=actor,
        case_id=case_id,
        token=fields.token,
        desk=fields.text("desk"),
        now_ms=fields.now_ms,
    )


def _note_along(tx: Tx, office: Office, actor: Actor, case_id: str, fields: Fields) -> None:
    if fields.text("text").strip():
        relay.add_note(tx, office, actor=actor, case_id=case_id, text=fields.text("text"), now_ms=fields.now_ms)


def lower(tx: Tx, office: Office, actor: Actor, case_id: str, fields: Fields) -> object:
    """Lower the tier."""
    if fields.text("tier") not in TIERS:
        raise BadInputError
    return acts.lower_tier(
        tx,
        office,
        actor=actor,
        case_id=case_id,
        token=fields.token,
        tier=cast("Tier", fields.text("tier")),
        reason=fields.text("reason"),
        now_ms=fields.now_ms,
    )


def write(tx: Tx, office: Office, actor: Actor, case_id: str, fields: Fields) -> object:
    """Say something to her."""
    return relay.write_message(
        tx,
        office,
        actor=actor,
        case_id=case_id,
        token=fields.token,
        text=fields.text("text"),
        command_id=fields.text("command"),
        now_ms=fields.now_ms,
    )


def note(tx: Tx, office: Office, actor: Actor, case_id: str, fields: Fields) -> object:
    """Write a note for colleagues."""
    return relay.add_note(tx, office, actor=actor, case_id=case_id, text=fields.text("text"), now_ms=fields.now_ms)


def refer(tx: Tx, office: Office, actor: Actor, case_id: str, fields: Fields) -> object:
    """Refer her to a service or send a team."""
    return relay.refer_case(
        tx,
        office,
        actor=actor,
        case_id=case_id,
        token=fields.token,
        to_type=fields.text("to"),
        near="",
        now_ms=fields.now_ms,
    )


def mark_safe(tx: Tx, office: Office, actor: Actor, case_id: str, fields: Fields) -> None:
    """Write down how she may be reached safely."""
    safe = {name: fields.text(name) for name in relay.SAFE_FIELDS if fields.text(name).strip()}
    relay.mark_safe_contact(
        tx, office, actor=actor, case_id=case_id, token=fields.token, safe=safe, now_ms=fields.now_ms
    )
