"""The rows that every turn writes whatever happened in it: inbox, transcript, session; and what its caller is told.

What depends on events is in bot.event_rows. Nothing here decides or writes.
"""

from typing import Any

from bot.commit import Rows, TurnContext
from bot.core.events import AnswerRecorded, EscalationRequested, Event, OwnWordWritten
from bot.core.ids import case_code
from bot.core.messages import (
    LATE_AFTER,
    ContactInput,
    InboundMsg,
    LocationInput,
    MediaInput,
    PressInput,
    TextInput,
)
from bot.core.screening import strongest
from bot.engine.session import Session, session_to_json
from bot.inbox import Accepted, Arrival
from bot.inbox_codec import input_kind, input_to_json
from bot.known import Known
from bot.store.vault import seal

#: The newest raw bytes of an arrival that are kept (the rest is cut; I22).
_RAW_BYTES = 256 * 1024
_LATE_MS = int(LATE_AFTER.total_seconds() * 1000)


def inbox_row(known: Known, arrival: Arrival, now_ms: int, *, state: str = "done") -> dict[str, Any]:
    """Give the inbox row of an arrival: done in its turn's own transaction, or waiting for it."""
    message = arrival.message
    return {
        "id": arrival.inbox_id,
        "channel": message.channel,
        "provider_id": message.provider_id,
        "contact_id": known.contact_id,
        "address_id": known.address_id,
        "kind": input_kind(message.input),
        # A done row with the provider's own bytes needs no second copy of what they say.
        "sealed_input": None if state == "done" and message.raw else seal(known.key, "inbox.input", _content(message)),
        "sealed_raw": known.key.seal(b"inbox.raw", message.raw[:_RAW_BYTES]) if message.raw else None,
        "received_at": int(message.received_at.timestamp() * 1000),
        "sent_at": int(message.sent_at.timestamp() * 1000) if message.sent_at else None,
        "state": state,
        "attempts": arrival.attempts,
        "due_at": now_ms,
        "done_at": now_ms if state == "done" else None,
        "error": None,
        "overtakes": int(arrival.overtakes),
    }


def _content(message: InboundMsg) -> dict[str, Any]:
    """Give what a turn needs of a message; that its page shows nothing of before must outlast a wait."""
    content = input_to_json(message.input)
    return {**content, "opened_anew": 1} if message.opened_anew else content


def bare_row(arrival: Arrival, now_ms: int) -> dict[str, Any]:
    """Give the waiting row of a deadline whose contact cannot be read: nothing is sealed, its kind says enough."""
    message = arrival.message
    return {
        "id": arrival.inbox_id,
        "channel": message.channel,
        "provider_id": message.provider_id,
        "contact_id": arrival.contact_id,
        "address_id": None,
        "kind": input_kind(message.input),
        "sealed_input": None,
        "sealed_raw": None,
        "received_at": int(message.received_at.timestamp() * 1000),
        "sent_at": None,
        "state": "waiting",
        "attempts": arrival.attempts,
        "due_at": now_ms,
        "done_at": None,
        "error": None,
        "overtakes": 0,
    }


def session_row(context: TurnContext) -> dict[str, Any]:
    """Give the session's row: its sealed state, its status in the clear, and the deadlines that may fall due."""
    session = context.session
    timers = {} if context.ended else context.timers
    silence_at, silence_visit = timers.get("silence", (None, None))
    not_taken_at, not_taken_visit = timers.get("not_taken", (None, None))
    return {
        "id": context.session_id,
        "contact_id": context.contact_id,
        "address_id": context.address_id,
        "version": session.version,
        "status": session.status,
        "tier": session.risk,
        "sealed_state": context.seal("sessions.state", session_to_json(session)),
        "turns": session.turns,
        "started_at": context.started_at,
        "updated_at": context.now_ms,
        "ended_at": context.now_ms if context.ended else None,
        "silence_at": silence_at,
        "silence_visit": silence_visit,
        "not_taken_at": not_taken_at,
        "not_taken_visit": not_taken_visit,
    }


def keep_words(message: InboundMsg, label: str, events: list[Event], context: TurnContext, rows: Rows) -> None:
    """Put what she sent in the transcript, and tell the desk of her open case that she wrote.

    `label` is what stood on the button that she pressed.
    """
    row = {"contact_id": context.contact_id, "session_id": context.session_id, "author": "contact", "staff_id": None}
    said = _said(message, label, events)
    if OwnWordWritten in map(type, events):  # her page shows that she wrote, not what
        said["own_word"] = 1
    if context.session.covert:
        said["covert"] = 1
    written_ms = int(message.written_at().timestamp() * 1000)
    if context.now_ms - written_ms > _LATE_MS:  # the desk sees when it was written
        said["written_at"] = written_ms
    if message.opened_anew and context.came_before:  # whoever reads it sees that this may be another
        said["anew"] = 1
    sealed = context.seal("messages.body", said)
    rows.add("message_new", {**row, "sealed_body": sealed, "outbox_key": None, "at": context.now_ms})
    rows.topics.add(f"contact:{context.contact_id}")
    if context.open_case is not None:
        rests = context.open_case.state == "waiting"
        if rests:  # handed back, and she writes again: she is not to wait until its hour comes
            rows.add("case_wake", {"id": context.open_case.id, "now": context.now_ms})
            for planned in context.open_case.plan(context.contact_id, context.now_ms):
                rows.add("due_plan", planned)
        kind = "woken" if rests else "message"
        event = {"case_id": context.open_case.id, "kind": kind, "actor": "contact", "data": "{}"}
        rows.add("case_event_new", {**event, "at": context.now_ms})
        rows.topics.update(("cases", f"case:{context.open_case.id}"))


def _said(message: InboundMsg, label: str, events: list[Event]) -> dict[str, Any]:
    match message.input:
        case TextInput(text):
            return {"text": text}
        case PressInput(press):
            answered = (event.label for event in events if isinstance(event, AnswerRecorded) and event.label)
            return {"text": next(answered, label or press.key), "press": press.encode()}
        case MediaInput(kind):
            return {"text": "", "media": kind}
        case LocationInput(lat, lon):
            return {"text": "", "location": [lat, lon]}
        case ContactInput(phone):
            return {"text": phone}
        case _:
            return {"text": "", "unreadable": True}


def accepted(session: Session, events: list[Event], context: TurnContext) -> Accepted:
    """Give what the handler that brought the message is told."""
    escalated = [event.tier for event in events if type(event) is EscalationRequested]
    return Accepted(
        contact_id=context.contact_id,
        replies=tuple(context.replies),
        tier=strongest([session.risk, *escalated]) if escalated else session.risk,
        kinds=session.kinds,
        case_code=context.open_case.code if context.open_case else case_code(context.case_id) if escalated else "",
        handed_over=session.status == "held",
    )
