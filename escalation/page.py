"""A case's page: everything a counsellor needs before her first sentence, opened under the contact's key.

No audit, no read (I24): the audit row is written in the transaction that reads. Who may not read the content gets the
case's line and its reasons (`content` is false); an erased contact leaves the line alone (`erased` is true).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping

from bot.core.event_codec import events_from_json
from bot.store.crypto import DataKey, Keyring, UnreadableError
from bot.store.database import Tx
from bot.store.vault import contact_key, unseal
from escalation import repo, repo_read, repo_relay
from escalation.case import UNDO_MS, Case, is_live
from escalation.office import Office
from escalation.page_answers import answers_of, cards_of
from escalation.page_parts import Assessment, CasePage, Consent, EarlierCase, Happening, Message, Note, Referral
from escalation.policy import Actor, require
from escalation.repo_entrusting import meant_for

#: At most this many messages, the newest, are given at once.
MESSAGES_MAX = 500
_TURNS_MAX = 1000
#: An open page that refreshes itself is written down once in this time.
AGAIN_MS = 5 * 60_000


def read_case(
    tx: Tx, office: Office, *, actor: Actor, case_id: str, now_ms: int, since: int = 0, again: bool = False
) -> CasePage:
    """Give the page of a case within scope, with messages numbered above `since`, and write that it was read.

    `again`: a page that is open already brings itself up to date. Its opening stands in the audit; it is written down
    again after five minutes, and at once when it shows more than before (a glance that becomes a reading).

    Raises:
        NotAllowedError, NoSuchCaseError: it is not the actor's to see.
    """
    require(actor, "case", "read")
    connection = tx.connection
    case = repo.find_case(connection, actor=actor, case_id=case_id, now_ms=now_ms)
    content = repo.content_allowed(connection, actor, case)
    action = "read" if content else "glanced"
    about, within = ("case", case_id), (now_ms - AGAIN_MS, now_ms)
    if not (again and repo.audited_within(connection, actor=actor, action=action, about=about, within=within)):
        repo.add_audit(tx, actor=actor.staff_id, action=action, target="case", target_id=case_id, now_ms=now_ms)
    key, erased = _key_of(connection, office.keyring, case.contact_id)
    row = repo_read.case_row(connection, case_id)
    summary = _open(key, "cases.summary", row["sealed_summary"]) or {}
    names = repo_read.staff_names(connection)
    inside = _content(tx, key, case, names, since) if content else _NO_CONTENT
    history = repo_read.history(connection, case_id)
    return CasePage(
        case=case,
        kinds=tuple(json.loads(row["kinds"])),
        cause=row["cause"],
        covert=bool(row["covert"]),
        do_not_contact=bool(row["do_not_contact"]),
        channel=row["channel"],
        language=row["language"],
        unreachable_at=row["unreachable_at"],
        holder_name=names.get(case.holder or "", ""),
        mine=case.state == "claimed" and case.holder == actor.staff_id,
        live=is_live(case, now_ms),
        meant_for=meant_for(connection, actor=actor, now_ms=now_ms).get(case_id),
        content=content,
        erased=erased,
        why=tuple(summary.get("why", ())),
        note=summary.get("note", "") if content else "",
        history=tuple(_happening(one, names) for one in history),
        undo_claim_until=_undo_until(history, ("claimed", "reopened"), actor, now_ms)
        if case.state == "claimed"
        else None,
        undo_close_until=_undo_until(history, ("closed",), actor, now_ms)
        if case.state == "closed" and not repo_read.is_erased(connection, case.contact_id, soon=True)
        else None,
        **inside,
    )


def _happening(one: RowMapping, names: Mapping[str, str]) -> Happening:
    name = names.get(one["actor"], one["actor"])
    data = json.loads(one["data"])
    to_name = names.get(data["to"], "") if one["kind"] == "entrusted" else ""
    return Happening(kind=one["kind"], actor_name=name, data=data, at=one["at"], to_name=to_name)


_NO_CONTENT: dict[str, Any] = {
    "has_left": False,
    "asked_to_be_erased": False,
    "messages": (),
    "last_message": 0,
    "answers": (),
    "cards": (),
    "assessments": (),
    "notes": (),
    "consents": (),
    "referrals": (),
    "safe_contact": {},
    "earlier": (),
}


def _content(tx: Tx, key: DataKey | None, case: Case, names: Mapping[str, str], since: int) -> dict[str, Any]:
    connection, contact_id = tx.connection, case.contact_id
    contact = repo_read.contact_row(connection, contact_id)
    messages = _messages(tx, key, case, names, since)
    line = repo_relay.line_to(connection, contact_id)
    rows = repo_read.turns_of(connection, contact_id, most=_TURNS_MAX)
    turns = [(_events(key, row["sealed_events"]), row["at"]) for row in rows]
    return {
        "has_left": line is not None and line.has_left,
        "asked_to_be_erased": contact is not None and contact["erase_due_at"] is not None,
        "messages": messages,
        "last_message": messages[-1].id if messages else since,
        "answers": answers_of(turns),
        "cards": cards_of(turns),
        "assessments": tuple(
            _assessment(row, _open(key, "assessments.result", row["sealed_result"]) or {}, names)
            for row in repo_read.of_contact(connection, "assessments", contact_id)
        ),
        "notes": tuple(_notes(key, repo_read.notes_of(connection, contact_id), names)),
        "consents": tuple(
            Consent(purpose=row["purpose"], given=bool(row["given"]), at=row["at"])
            for row in repo_read.of_contact(connection, "consents", contact_id)
        ),
        "referrals": tuple(
            Referral(to_type=row["to_type"], near=row["near"], state=row["state"], at=row["at"])
            for row in repo_read.of_contact(connection, "referrals", contact_id)
        ),
        "safe_contact": _open(key, "contacts.safe_contact", contact["sealed_safe_contact"]) or {} if contact else {},
        "earlier": tuple(_earlier(row) for row in repo_read.earlier_cases(connection, contact_id, but=case.id)),
    }


def _messages(tx: Tx, key: DataKey | None, case: Case, names: Mapping[str, str], since: int) -> tuple[Message, ...]:
    rows = repo_read.messages_after(tx.connection, case.contact_id, since=since, most=MESSAGES_MAX)
    return tuple(_message(row, _open(key, "messages.body", row["sealed_body"]), names) for row in rows if key)


def _message(row: RowMapping, body: dict[str, Any] | None, names: Mapping[str, str]) -> Message:
    body = body or {}
    place = body.get("location")
    kind = next((name for name in ("press", "media", "location") if body.get(name)), "")
    return Message(
        id=row["id"],
        author=row["author"],
        staff_name=names.get(row["staff_id"] or "", ""),
        text=body.get("text", ""),
        input=kind,
        media=body.get("media", ""),
        location=(float(place[0]), float(place[1])) if place else None,
        buttons=tuple(button["label"] for button in body.get("buttons", ())),
        delivery=row["receipt"] or row["state"] or "",
        at=row["at"],
        written_at=body.get("written_at"),
        anew="anew" in body,
        hidden=row["hidden_at"] is not None,
    )


def _assessment(row: RowMapping, result: Mapping[str, Any], names: Mapping[str, str]) -> Assessment:
    return Assessment(
        name=row["name"],
        version=row["version"],
        band=result.get("band", ""),
        points=result.get("points", 0),
        items=tuple((item, answer, points) for item, answer, points in result.get("items", ())),
        because=tuple(result.get("because", ())),
        at=row["at"],
        by=names.get(result.get("by", ""), ""),
        tier=result.get("tier") or "",
    )


def _notes(key: DataKey | None, rows: Sequence[RowMapping], names: Mapping[str, str]) -> Iterator[Note]:
    for row in rows:
        body = _open(key, "case_notes.body", row["sealed_body"])
        if body is not None:
            yield Note(
                staff_name=names.get(row["staff_id"], ""), text=body["text"], case_id=row["case_id"], at=row["at"]
            )


def _earlier(row: RowMapping) -> EarlierCase:
    same = {name: row[name] for name in ("id", "code", "tier", "state", "opened_at", "closed_at")}
    return EarlierCase(**same, kinds=tuple(json.loads(row["kinds"])), outcome=row["outcome"] or "")


def _undo_until(history: Sequence[RowMapping], kinds: tuple[str, ...], actor: Actor, now_ms: int) -> int | None:
    newest = next((row for row in reversed(history) if row["kind"] in kinds), None)
    if newest is None or newest["actor"] != actor.staff_id or newest["at"] + UNDO_MS < now_ms:
        return None
    return int(newest["at"]) + UNDO_MS


def _open(key: DataKey | None, place: str, sealed: bytes | None) -> Any:
    """Open what is sealed; None when it is erased or damaged, so that the rest of the page can be read."""
    try:
        return None if key is None or sealed is None else unseal(key, place, sealed)
    except UnreadableError:
        return None


def _key_of(connection: Connection, keyring: Keyring, contact_id: str) -> tuple[DataKey | None, bool]:
    """Give a contact's key, and whether she was erased: a damaged key is none, and no erasure."""
    try:
        key = contact_key(connection, keyring, contact_id)
    except UnreadableError:
        return None, False
    return key, key is None


def _events(key: DataKey | None, sealed: bytes | None) -> list[dict[str, Any]]:
    return events_from_json(_open(key, "turns.events", sealed) or [])
