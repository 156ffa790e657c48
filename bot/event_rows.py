"""What each event writes: one small pure function an event type, gathered in bot.app's dict.

A mapper reads the event and the turn's context and appends rows; it decides nothing about the conversation. What a
person is told and what a counsellor sees both begin here.
"""

from bot.commit import Rows, TurnContext
from bot.core.codes import new_code
from bot.core.events import (
    RESUME_MARK,
    ConsentRecorded,
    DuressUsed,
    ErasureRequested,
    FollowUpPlanned,
    InstrumentScored,
    MessageSent,
    OptedOut,
    OwnWordWritten,
    QuickExitUsed,
    ReferralRequested,
    ResumeCodeAsked,
    SafeContactRecorded,
    ScoreComputed,
    SessionEnded,
    TimerCleared,
    TimerSet,
)
from bot.core.messages import OutboundKind
from bot.core.promise import due_row
from bot.inbox import Reply
from bot.outbox import outbox_row

#: After this the farewell has surely gone out or expired; then the key is destroyed.
_ERASE_AFTER_MS = 5 * 60_000


def message_sent(event: MessageSent, context: TurnContext, rows: Rows) -> None:
    """Put the text in the transcript and in the outbox, under one key."""
    context.outbox_seq += 1
    key = f"{context.inbox_id}.{context.outbox_seq}"
    content: dict[str, object] = {
        "text": event.text.replace(RESUME_MARK, context.code) if context.code else event.text,
        "buttons": [{"label": button.label, "data": button.data} for button in event.buttons],
    }
    if context.left or context.deletes:
        content["delete"] = True
    if context.left or context.deletes or context.unsays:
        content["unsay"] = context.inbox_id
        context.unsays = False
    sealed = context.seal("messages.body", content)  # one ciphertext: what is said is what is sent
    kind: OutboundKind = "proactive" if event.proactive else "reply"
    rows.add(
        "message_new",
        {
            "contact_id": context.contact_id,
            "session_id": context.session_id,
            "author": "bot",
            "staff_id": None,
            "sealed_body": sealed,
            "outbox_key": key,
            "at": context.now_ms,
        },
    )
    rows.add(
        "outbox_new",
        outbox_row(
            key=key,
            contact_id=context.contact_id,
            address_id=context.address_id,
            channel=context.channel,
            kind=kind,
            sealed_body=sealed,
            urgent=event.urgent,
            now_ms=context.now_ms,
        ),
    )
    rows.topics.add("outbox")
    context.replies.append(Reply(str(content["text"]), event.buttons))


def timer_set(event: TimerSet, context: TurnContext, _rows: Rows) -> None:
    """Note the deadline; it is a column of the session's row."""
    context.timers[event.name] = (context.now_ms + event.after_s * 1000, event.visit)


def timer_cleared(event: TimerCleared, context: TurnContext, _rows: Rows) -> None:
    """Forget the deadline."""
    context.timers.pop(event.name, None)


def consent_recorded(event: ConsentRecorded, context: TurnContext, rows: Rows) -> None:
    """Keep purpose, answer, the text's version and the time."""
    row = {"id": context.ids(), "contact_id": context.contact_id, "purpose": event.purpose, "given": int(event.given)}
    rows.add("consent_new", {**row, "text_hash": event.text_hash, "at": context.now_ms})


def _assessment(context: TurnContext, rows: Rows, name: str, version: str, result: dict[str, object]) -> None:
    row = {"id": context.ids(), "contact_id": context.contact_id, "session_id": context.session_id, "name": name}
    sealed = context.seal("assessments.result", result)
    rows.add("assessment_new", {**row, "version": version, "sealed_result": sealed, "at": context.now_ms})


def instrument_scored(event: InstrumentScored, context: TurnContext, rows: Rows) -> None:
    """Keep the run for staff: items, answers, points."""
    result = {"band": event.band, "points": event.points, "items": [list(item) for item in event.items]}
    _assessment(context, rows, event.instrument, event.version, result)


def score_computed(event: ScoreComputed, context: TurnContext, rows: Rows) -> None:
    """Keep a script's own score with its reasons."""
    result = {"band": event.band, "points": event.points, "because": list(event.because)}
    _assessment(context, rows, f"{event.flow}.{event.step}", context.session.version, result)


def referral_requested(event: ReferralRequested, context: TurnContext, rows: Rows) -> None:
    """Open a referral that staff carry on."""
    row = {"id": context.ids(), "contact_id": context.contact_id, "session_id": context.session_id}
    rows.add("referral_new", {**row, "to_type": event.to, "near": event.near, "state": "asked", "at": context.now_ms})


def follow_up_planned(event: FollowUpPlanned, context: TurnContext, rows: Rows) -> None:
    """Promise a later contact; her hours and the gate decide again when it is due."""
    detail = {"flow": event.start_flow} | ({"if_silent": event.if_silent} if event.if_silent else {})
    step = f"{context.inbox_id}:{event.flow}.{event.step}"
    due_at = context.now_ms + event.in_s * 1000
    rows.add("due_plan", due_row("follow_up", context.contact_id, step, due_at=due_at, now_ms=context.now_ms,
                                 contact_id=context.contact_id, detail=detail))  # fmt: skip


def safe_contact_recorded(event: SafeContactRecorded, context: TurnContext, rows: Rows) -> None:
    """Keep how she may be reached, or that nobody may reach her: the gate for everything proactive reads it (I17)."""
    told = {**context.session.safe_contact, "channel": context.channel}  # «here» means where she said it
    sealed = context.seal("contacts.safe_contact", told) if event.state == "set" else None
    rows.add("contact_safe", {"id": context.contact_id, "sealed": sealed})


def opted_out(_event: OptedOut, context: TurnContext, rows: Rows) -> None:
    """Stop everything proactive."""
    rows.add("contact_opted_out", {"id": context.contact_id, "at": context.now_ms})
    rows.add("outbox_held_back", {"contact_id": context.contact_id, "why": "opted_out"})
    rows.add("follow_ups_dropped", {"contact_id": context.contact_id})


def quick_exit_used(_event: QuickExitUsed, context: TurnContext, rows: Rows) -> None:
    """Hide the transcript from her own screens, say nothing that waits; the next text also asks for deletion."""
    context.left = True
    rows.add("messages_hidden", {"contact_id": context.contact_id, "at": context.now_ms})
    _say_nothing_more(context, rows, "left")


def own_word_written(_event: OwnWordWritten, context: TurnContext, _rows: Rows) -> None:
    """Ask with the next text that her word leaves her chat."""
    context.unsays = True


def duress_used(_event: DuressUsed, context: TurnContext, rows: Rows) -> None:
    """Say nothing that waits and promise nothing more: whoever forces her would read it. Nothing vanishes either."""
    _say_nothing_more(context, rows, "duress")


def resume_code_asked(event: ResumeCodeAsked, context: TurnContext, rows: Rows) -> None:
    """Draw a code and keep what it can be known by again; an older one of hers is worth nothing any more."""
    context.code = new_code(context.ids())
    rows.add("codes_dropped", {"contact_id": context.contact_id})
    due_at = context.now_ms + event.valid_s * 1000
    row = due_row("resume_code", context.index(context.code), "1", due_at=due_at, now_ms=context.now_ms,
                  contact_id=context.contact_id)  # fmt: skip
    rows.add("code_new", row)


def erasure_requested(_event: ErasureRequested, context: TurnContext, rows: Rows) -> None:
    """Plan the destruction of her key; the farewell still goes out, and takes back what was said before it."""
    context.deletes = True
    due_at = context.now_ms + _ERASE_AFTER_MS
    rows.add("contact_erase", {"id": context.contact_id, "at": due_at})
    row = due_row("erase", context.contact_id, "1", due_at=due_at, now_ms=context.now_ms, contact_id=context.contact_id)
    rows.add("due_plan", row)
    rows.add("messages_hidden", {"contact_id": context.contact_id, "at": context.now_ms})
    _say_nothing_more(context, rows, "erased")


def session_ended(_event: SessionEnded, context: TurnContext, _rows: Rows) -> None:
    """Close the session's row."""
    context.ended = True


def _say_nothing_more(context: TurnContext, rows: Rows, why: str) -> None:
    """Close all that still waits to be said to her, but for the words of this turn, and tell her case."""
    waits = {"contact_id": context.contact_id, "why": why, "at": context.now_ms}
    rows.add("unsaid_new", waits)
    rows.add("outbox_left", waits)
    rows.add("follow_ups_dropped", {"contact_id": context.contact_id})
    rows.add("codes_dropped", {"contact_id": context.contact_id})
