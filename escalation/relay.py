"""The acts that carry content: the counsellor's live words, notes, referrals, how she may be reached safely.

Everything a person wrote is sealed under the contact's own key before it is stored. A live message answers what she
wrote in the last 15 minutes; later than that it is proactive and passes only if it cannot endanger her (I17).
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

from bot.core.fault import fault
from bot.core.messages import TEXT_CHARS_MAX, OutboundKind
from bot.core.preview import telling
from bot.core.staff_form import FormResult, StaffForm
from bot.core.text import display
from bot.outbox import enqueue
from bot.store.crypto import DataKey, UnreadableError
from bot.store.database import Tx
from bot.store.vault import contact_key, seal, unseal
from escalation import case as machine
from escalation import repo, repo_read, repo_relay
from escalation.case import ActError, BadInputError, Case
from escalation.office import Office, record
from escalation.policy import Actor, require

#: How long after her last message an answer is still an answer (design rule 10).
LIVE_MS = 15 * 60_000
NOTE_CHARS_MAX = 8000
_COMMAND = re.compile(r"[A-Za-z0-9_-]{8,64}")
_TYPE = re.compile(r"[a-z][a-z0-9_]{0,39}")
#: What a counsellor may write down of reaching her.
SAFE_FIELDS = ("way", "phone", "hours", "who", "cover")
#: On a page of our own nothing pops up: she sees a late answer only when she opens the page again.
_PAGES = frozenset({"web"})


class ErasedError(ActError):
    """Everything about this contact was erased."""


class UnreachableError(ActError):
    """There is no address to write to."""


class UnsafeToWriteError(ActError):
    """Writing now could endanger her: she left in a hurry, is being forced, opted out, or gave no safe way for a late message."""


class DisclosingError(UnsafeToWriteError):
    """Her telephone would show by the first words what this is about."""


def write_message(
    tx: Tx, office: Office, *, actor: Actor, case_id: str, token: int, text: str, command_id: str, now_ms: int
) -> int:
    """Say something to the contact as the counsellor; give the number of the message.

    The same `command_id` (made by the page, 8-64 letters, digits, - and _) again is the same message.

    Raises:
        UnsafeToWriteError, UnreachableError, ErasedError: it was not sent, and why. DisclosingError: it comes unasked by
            now, and begins with words that tell.
        BadInputError: empty or longer than 4096 characters. StaleTokenError: the case is no longer the actor's.
    """
    require(actor, "case", "write")
    case = repo.find_case(tx.connection, actor=actor, case_id=case_id, now_ms=now_ms)
    machine.guard(case, staff_id=actor.staff_id, token=token)
    clean = display(text)
    if not clean or len(clean) > TEXT_CHARS_MAX or not _COMMAND.fullmatch(command_id):
        raise BadInputError
    outbox_key = f"live:{case_id}:{command_id}"
    said = repo_relay.message_of(tx.connection, case.contact_id, outbox_key)
    if said is not None:
        return said
    key = _key_of(tx, office, case)
    line = repo_relay.line_to(tx.connection, case.contact_id)
    if line is None:
        raise UnreachableError
    kind = _kind_of(line, now_ms)
    if kind == "proactive" and telling(clean) is not None:
        raise DisclosingError
    enqueue(
        tx,
        key,
        key=outbox_key,
        contact_id=case.contact_id,
        address_id=line.address_id,
        channel=line.channel,
        kind=kind,
        text=clean,
        urgent=case.tier in machine.URGENT,
        now_ms=now_ms,
    )
    body = seal(key, "messages.body", {"text": clean, "buttons": []})
    message_id = repo_relay.add_message(
        tx, case=case, session_id=line.session_id, staff_id=actor.staff_id, body=body, key=outbox_key, now_ms=now_ms
    )
    record(tx, office, case, kind="wrote", actor=actor, now_ms=now_ms, data={"message": message_id})
    tx.after_commit(partial(fault, "C2"))
    tx.after_commit(lambda: office.bus.publish("outbox", f"contact:{case.contact_id}"))
    return message_id


def _kind_of(line: repo_relay.Line, now_ms: int) -> OutboundKind:
    """Decide whether the message answers her or comes by itself, and refuse what could endanger her."""
    if line.has_left:
        raise UnsafeToWriteError
    if line.channel in _PAGES or (line.heard_at is not None and now_ms - line.heard_at <= LIVE_MS):
        return "live"
    if line.opted_out or line.do_not_contact or not line.safe_contact:
        raise UnsafeToWriteError
    return "proactive"


def add_note(tx: Tx, office: Office, *, actor: Actor, case_id: str, text: str, now_ms: int) -> str:
    """Write a note for colleagues; give its id. Only who may read the case's content may note on it.

    Raises:
        BadInputError: empty or too long. ErasedError: there is no key to seal it under.
    """
    require(actor, "case", "note")
    case = repo.find_case(tx.connection, actor=actor, case_id=case_id, now_ms=now_ms)
    repo.require_content(tx.connection, actor, case)
    note_id = keep_note(tx, office, case=case, actor=actor, text=text, now_ms=now_ms)
    record(tx, office, case, kind="noted", actor=actor, now_ms=now_ms)
    return note_id


def keep_reason(tx: Tx, office: Office, *, case: Case, actor: Actor, text: str, now_ms: int) -> None:
    """Seal the reason of a close or a lower tier as a note; without her key (erased, damaged) the outcome alone stays.

    Raises:
        BadInputError: empty or too long.
    """
    with suppress(ErasedError, UnreadableError):
        keep_note(tx, office, case=case, actor=actor, text=text, now_ms=now_ms)


def keep_note(tx: Tx, office: Office, *, case: Case, actor: Actor, text: str, now_ms: int) -> str:
    """Seal a note or a reason into the case's notes; give its id.

    Raises:
        BadInputError: empty or too long. ErasedError: there is no key to seal it under.
    """
    clean = display(text)
    if not clean or len(clean) > NOTE_CHARS_MAX:
        raise BadInputError
    body = seal(_key_of(tx, office, case), "case_notes.body", {"text": clean})
    note_id = office.new_id()
    repo_relay.add_note(tx, note_id=note_id, case_id=case.id, staff_id=actor.staff_id, body=body, now_ms=now_ms)
    return note_id


def refer_case(
    tx: Tx, office: Office, *, actor: Actor, case_id: str, token: int, to_type: str, near: str, now_ms: int
) -> str:
    """Refer her to a kind of service of the directory, or send a mobile team; give the referral's id.

    `near` is a province code or empty.

    Raises:
        BadInputError: `to_type` is no code. StaleTokenError: the case is no longer the actor's.
    """
    require(actor, "case", "refer")
    case = repo.find_case(tx.connection, actor=actor, case_id=case_id, now_ms=now_ms)
    machine.guard(case, staff_id=actor.staff_id, token=token)
    if not _TYPE.fullmatch(to_type) or len(near) > 40:
        raise BadInputError
    referral_id = office.new_id()
    repo_relay.add_referral(tx, referral_id=referral_id, case=case, to_type=to_type, near=near, now_ms=now_ms)
    record(tx, office, case, kind="referred", actor=actor, now_ms=now_ms, data={"to": to_type}, reason=to_type)
    return referral_id


def mark_safe_contact(
    tx: Tx, office: Office, *, actor: Actor, case_id: str, token: int, safe: Mapping[str, str], now_ms: int
) -> None:
    """Write down how she may be reached safely (way, phone, hours, who, cover), as she told the counsellor.

    This also lifts «do not contact» from the case: a person has established what is safe.

    Raises:
        BadInputError: no way given, or an unknown field. StaleTokenError: the case is no longer the actor's.
    """
    require(actor, "case", "write")
    case = repo.find_case(tx.connection, actor=actor, case_id=case_id, now_ms=now_ms)
    machine.guard(case, staff_id=actor.staff_id, token=token)
    content = {name: display(value)[:400] for name, value in safe.items()}
    if not content.get("way") or not set(content) <= set(SAFE_FIELDS):
        raise BadInputError
    key = _key_of(tx, office, case)
    line = repo_relay.line_to(tx.connection, case.contact_id)
    here = {"channel": line.channel} if line is not None else {}
    sealed = seal(key, "contacts.safe_contact", _own_words(tx, key, case.contact_id) | content | here)
    repo_relay.set_safe_contact(tx, case.contact_id, sealed)
    repo.clear_do_not_contact(tx, case_id, now_ms=now_ms)
    record(tx, office, case, kind="safe_contact_marked", actor=actor, now_ms=now_ms)


def keep_assessment(
    tx: Tx, office: Office, *, actor: Actor, case_id: str, token: int, form: StaffForm, result: FormResult, now_ms: int
) -> str:
    """Keep what a questionnaire for staff came to, sealed in her record; give its id. The case's tier stays.

    Raises:
        BadInputError: an answer is missing. StaleTokenError: the case is no longer the actor's.
    """
    require(actor, "case", "write")
    case = repo.find_case(tx.connection, actor=actor, case_id=case_id, now_ms=now_ms)
    machine.guard(case, staff_id=actor.staff_id, token=token)
    if result.missing:
        raise BadInputError
    kept = {
        "band": result.band,
        "points": result.points,
        "items": [list(item) for item in result.items],
        "tier": result.tier,
        "by": actor.staff_id,
        "case": case_id,
    }
    row = {"id": office.new_id(), "name": form.id, "version": form.version}
    sealed = seal(_key_of(tx, office, case), "assessments.result", kept)
    repo_relay.add_assessment(tx, case=case, row=row, sealed=sealed, now_ms=now_ms)
    data = {"instrument": form.id, "version": form.version}
    record(tx, office, case, kind="assessed", actor=actor, now_ms=now_ms, data=data, reason=form.id)
    return row["id"]


def _own_words(tx: Tx, key: DataKey, contact_id: str) -> dict[str, str]:
    """Give the words she chose herself: a counsellor's form does not hold them, and they stay."""
    row = repo_read.contact_row(tx.connection, contact_id)
    sealed = row["sealed_safe_contact"] if row is not None else None
    with suppress(UnreadableError):
        kept = unseal(key, "contacts.safe_contact", sealed) if sealed else {}
        return {name: kept[name] for name in ("word", "duress") if kept.get(name)}
    return {}


def _key_of(tx: Tx, office: Office, case: Case) -> DataKey:
    key = contact_key(tx.connection, office.keyring, case.contact_id)
    if key is None:
        raise ErasedError
    return key
