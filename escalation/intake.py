"""What an EscalationRequested makes of a contact's one open case. Pure; bot.commit writes what this gives.

Risk only rises here (I8): the tier never weakens, kinds, reasons and flags only grow, a claimed case keeps its
holder. A resting case comes back to the queue, because a person is asked for again.
"""

import json
from dataclasses import dataclass, field, replace
from typing import Any

from bot.core.events import EscalationRequested
from bot.core.ids import case_code
from bot.core.screening import Tier
from escalation.deadlines import plan_of
from escalation.routing import desk_of

_NOTE_CHARS = 2000
#: The columns of a case row that intake never sets to anything but this when it opens one.
_FRESH: dict[str, Any] = {
    "state": "queued",
    "holder": None,
    "token": 0,
    "lease_until": None,
    "first_claimed_at": None,
    "next_action_at": None,
    "unreachable_at": None,
    "closed_at": None,
    "outcome": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCase:
    """The contact's open case as it stands in this transaction."""

    id: str
    code: str
    tier: Tier
    kinds: tuple[str, ...]
    state: str
    child: bool
    covert: bool
    do_not_contact: bool
    province: str
    desk: str
    token: int = 0
    why: tuple[str, ...] = ()
    note: str = ""

    def plan(self, contact_id: str, now_ms: int) -> list[dict[str, Any]]:
        """Give the due rows of its stay in the queue that begins now."""
        return plan_of(
            case_id=self.id,
            contact_id=contact_id,
            tier=self.tier,
            desk=self.desk,
            token=self.token,
            now_ms=now_ms,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What is to be written.

    `case` is always a whole row of `cases` (without sealed_summary) for the UPSERT on one open case a contact; on a
    conflict only tier, kinds, child, covert, do_not_contact, province, desk and changed_at are its news. `summary`
    is the whole new content of sealed_summary, `events` rows of `case_events`, `due` the plan of its stay in the queue
    (bot.due.PLAN; planned again, the earlier moment counts). `woken`: the case was resting, so it
    must also become queued, queued_at = now, next_action_at = null. Not `changed`: there is nothing to write.
    """

    case: dict[str, Any]
    summary: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)
    opened: bool
    changed: bool
    woken: bool = False
    due: list[dict[str, Any]] = field(default_factory=list)


def take_in(
    event: EscalationRequested,
    *,
    open_case: OpenCase | None,
    new_id: str,
    contact_id: str,
    session_id: str,
    channel: str,
    language: str,
    now_ms: int,
) -> Intake:
    """Open the contact's case, or raise and enrich the one that is open."""
    base = {
        **_FRESH,
        "contact_id": contact_id,
        "session_id": session_id,
        "channel": channel,
        "language": language,
        "cause": event.cause,
        "opened_at": now_ms,
        "queued_at": now_ms,
        "changed_at": now_ms,
    }
    return _open(event, base, new_id) if open_case is None else _enrich(event, base, open_case)


def _open(event: EscalationRequested, base: dict[str, Any], new_id: str) -> Intake:
    row = {
        **base,
        "id": new_id,
        "code": case_code(new_id),
        "tier": event.tier,
        "kinds": json.dumps(_union((), event.kinds)),
        "child": int(event.child),
        "covert": int(event.covert),
        "do_not_contact": int(event.do_not_contact),
        "province": event.province,
        "desk": desk_of(province=event.province, wanted=event.desk),
    }
    data = {"tier": event.tier, "cause": event.cause, "desk": row["desk"]}
    return Intake(
        case=row,
        summary={"why": _union((), event.why), "note": event.note[:_NOTE_CHARS]},
        events=[_event_row(new_id, "opened", data, base["changed_at"])],
        opened=True,
        changed=True,
        due=plan_of(
            case_id=new_id,
            contact_id=base["contact_id"],
            tier=event.tier,
            desk=row["desk"],
            token=0,
            now_ms=base["changed_at"],
        ),
    )


def _enrich(event: EscalationRequested, base: dict[str, Any], before: OpenCase) -> Intake:
    province = event.province or before.province
    news: dict[str, Any] = {
        "tier": min(before.tier, event.tier),
        "kinds": json.dumps(_union(before.kinds, event.kinds)),
        "child": int(before.child or event.child),
        "covert": int(before.covert or event.covert),
        "do_not_contact": int(before.do_not_contact or event.do_not_contact),
        "province": province,
        "desk": _desk_after(event, before, province),
    }
    summary = {"why": _union(before.why, event.why), "note": _join(before.note, event.note)}
    woken = before.state == "waiting"
    changed = woken or news != _news_of(before) or summary != {"why": list(before.why), "note": before.note}
    after = replace(before, tier=news["tier"], desk=news["desk"])
    kind = "woken" if woken else "raised" if news["tier"] != before.tier else "enriched"
    data = {
        "tier": news["tier"],
        "before": before.tier,
        "cause": event.cause,
        "desk": news["desk"],
        "left": before.desk,
    }
    return Intake(
        case={**base, "id": before.id, "code": before.code, **news},
        summary=summary,
        events=[_event_row(before.id, kind, data, base["changed_at"])] if changed else [],
        opened=False,
        changed=changed,
        woken=woken,
        due=[] if before.state == "claimed" else after.plan(base["contact_id"], base["changed_at"]),
    )


def _desk_after(event: EscalationRequested, before: OpenCase, province: str) -> str:
    """Let the desk follow the province, unless someone holds the case or a person moved it elsewhere."""
    if before.state == "claimed" or before.desk != desk_of(province=before.province):
        return before.desk
    return desk_of(province=province, wanted=event.desk)


def _news_of(case: OpenCase) -> dict[str, Any]:
    return {
        "tier": case.tier,
        "kinds": json.dumps(list(case.kinds)),
        "child": int(case.child),
        "covert": int(case.covert),
        "do_not_contact": int(case.do_not_contact),
        "province": case.province,
        "desk": case.desk,
    }


def _union(before: tuple[str, ...], more: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys((*before, *more)))


def _join(before: str, more: str) -> str:
    if not more or more in before:
        return before
    return f"{before}\n{more}".strip()[-_NOTE_CHARS:]


def _event_row(case_id: str, kind: str, data: dict[str, Any], now_ms: int) -> dict[str, Any]:
    return {"case_id": case_id, "kind": kind, "actor": "bot", "data": json.dumps(data), "at": now_ms}
