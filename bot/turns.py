"""From one arrival to the rows of its turn: find the contact, run the pure turn on what the world says, map its events.

Runs on the writer's thread inside the batch's transaction; writes nothing itself. What it remembers of a contact is
valid only once the batch is committed, so the worker forgets what a failed batch touched.
"""

from dataclasses import replace
from datetime import datetime

from bot.commit import Rows, TurnContext, map_events, turn_row
from bot.core.contact import Facts
from bot.core.events import (
    EscalationRequested,
    Event,
    LanguageChanged,
    MessageSent,
    SessionMigrated,
    StayedSilent,
)
from bot.core.fault import fault
from bot.core.messages import (
    HUMAN_INPUTS,
    ClosedInput,
    FollowUpInput,
    HandedBackInput,
    HeldInput,
    InboundMsg,
    NotTakenInput,
    PressInput,
    PutBackInput,
    ReopenedInput,
    SilenceInput,
    StillQueuedInput,
    TextInput,
)
from bot.core.screening import Tier
from bot.directory import Directory
from bot.engine.model import Ask, Bundle
from bot.engine.session import Session
from bot.inbox import Accepted, Arrival
from bot.inbox_codec import input_kind
from bot.known import Known
from bot.store.database import Tx
from bot.turn import Turn, cannot_wait, take_turn
from bot.turn_rows import accepted, keep_words, session_row
from bot.world import World, written_ms

#: How exactly `contacts.seen_at` is kept.
_SEEN_MS = 60_000
_REPLY_MS = 15 * 60_000 + _SEEN_MS
_NOT_TO_HOLD = frozenset({"held", "locked", "ended"})
_ACTS = (HeldInput, HandedBackInput, PutBackInput, ClosedInput, ReopenedInput)


class UnknownContactError(Exception):
    """The contact of a timer or an act is gone (erased); there is nobody to answer."""


class TurnRunner:
    """Runs arrivals one by one and collects their rows."""

    def __init__(self, world: World, directory: Directory) -> None:
        self._world = world
        self._directory = directory

    def run(self, tx: Tx, known: Known, arrival: Arrival, now: datetime, rows: Rows) -> Accepted:
        """Give what became of the arrival; rows are appended, nothing is written.

        What is remembered of the contact changes only when all of it went well.
        """
        now_ms = int(now.timestamp() * 1000)
        fault("E2")
        new_case_id = self._world.ids()
        turn = self._turn(tx, known, arrival, now, new_case_id)
        if known.damaged:
            turn.events.append(EscalationRequested(tier="T2", cause="failure", why=("گفت‌وگوی پیشین خوانده نشد",)))
        context = self._context(known, turn.session, arrival.inbox_id, now_ms, new_case_id)
        _clear_fired(arrival.message, context)
        if _is_new(known, turn):
            self._place_anew(known, context, rows)
        _note_follow_up(arrival.message, turn.events, context, rows)
        if turn.session.case or EscalationRequested in map(type, turn.events):
            context.open_case = self._world.open_case(tx, known)
        if isinstance(arrival.message.input, HUMAN_INPUTS):
            keep_words(arrival.message, self._label(known, arrival.message), turn.events, context, rows)
        map_events(turn.events, context, rows, self._world.mappers)
        rows.add("turn_new", turn_row(turn.events, context, self._world.screener.version))
        rows.add("session_save", session_row(context))
        _note_seen(known, arrival.message, turn.events, context, rows)
        _remember(known, arrival.message, context)
        return accepted(turn.session, turn.events, context)

    def write_down(
        self, tx: Tx, known: Known, events: list[Event], *, inbox_id: int, message: InboundMsg, rows: Rows
    ) -> None:
        """Map events that no turn gave (a quarantined row's case and safe message), her words before them.

        The session stays as it is.
        """
        session = known.session or Session(version=self._world.versions.current().version)
        now_ms = int(message.received_at.timestamp() * 1000)
        context = self._context(known, session, inbox_id, now_ms, self._world.ids())
        context.session_id = known.session_id or self._world.ids()
        context.open_case = self._world.open_case(tx, known)
        if isinstance(message.input, HUMAN_INPUTS):
            keep_words(message, self._label(known, message), events, context, rows)
        map_events(events, context, rows, self._world.mappers)

    def cannot_wait(self, known: Known, message: InboundMsg, *, unread: bool) -> bool:
        """True for danger and for leaving in a hurry: they do not wait behind an earlier message that failed."""
        screener = None if unread else self._world.screener
        mode = self._world.modes.get(known.channel, "rich")
        facts = Facts(now=message.received_at, channel=known.channel, mode=mode, language=known.language)
        return cannot_wait(known.session, message.input, facts, self._bundle(known), screener)

    def contact_of(self, tx: Tx, arrival: Arrival, rows: Rows, now_ms: int) -> Known:
        """Find who an arrival is from.

        Raises:
            UnknownContactError: it names a contact that is gone.
        """
        if not arrival.contact_id:
            return self._directory.find(tx, arrival.message.channel, arrival.message.external_id, rows, now_ms)
        known = self._directory.find_contact(tx, arrival.contact_id, now_ms)
        if known is None:
            raise UnknownContactError
        return known

    def continued(self, tx: Tx, known: Known, arrival: Arrival, rows: Rows, now_ms: int) -> Known:
        """Give whose conversation an arrival continues: the writer's own, or the one whose code was typed."""
        return known if arrival.contact_id else self._world.redeem(tx, known, arrival.message, rows, now_ms)

    def _turn(self, tx: Tx, known: Known, arrival: Arrival, now: datetime, new_case_id: str) -> Turn:
        message = arrival.message
        bundle = self._bundle(known)
        now_ms = int(now.timestamp() * 1000)
        facts = self._world.facts(tx, known, arrival, now, new_case_id)
        session, held = self._held(tx, known, message, facts, bundle)
        turn = take_turn(
            session,
            message.input,
            earlier=known.texts_before(written_ms(facts)),
            facts=facts,
            bundle=bundle,
            screener=self._world.screener,
        )
        events = [*held, *turn.events]
        if _speaks_late(known, message, now_ms):
            events = [replace(event, proactive=True) if isinstance(event, MessageSent) else event for event in events]
        return Turn(turn.session, events, turn.screening)

    def _held(
        self, tx: Tx, known: Known, message: InboundMsg, facts: Facts, bundle: Bundle
    ) -> tuple[Session | None, list[Event]]:
        """Hold the session at once when its case is claimed: the act's own row may still be on its way."""
        session = known.session
        if session is None or not session.case or isinstance(message.input, _ACTS):
            return session, []
        case = self._world.open_case(tx, known)
        session = _as_the_case_stands(session, case.tier if case is not None else None)
        if case is None or case.state != "claimed" or session.status in _NOT_TO_HOLD:
            return session, []
        turn = take_turn(session, HeldInput(), earlier=(), facts=facts, bundle=bundle, screener=self._world.screener)
        return turn.session, turn.events

    def _label(self, known: Known, message: InboundMsg) -> str:
        """Give what stood on the button that she pressed, also where no script takes the answer."""
        if not isinstance(message.input, PressInput):
            return ""
        press = message.input.press
        flow = self._bundle(known).flows.get(press.flow)
        step = flow.step(press.step) if flow is not None else None
        option = step.by_key.get(press.key) if isinstance(step, Ask) else None
        return option.label if option is not None else ""

    def _bundle(self, known: Known) -> Bundle:
        if known.session is None or known.session.status == "ended":
            return self._world.versions.current()
        return self._world.versions.get(known.session.version)

    def _context(self, known: Known, session: Session, inbox_id: int, now_ms: int, new_case_id: str) -> TurnContext:
        return TurnContext(
            contact_id=known.contact_id,
            address_id=known.address_id,
            channel=known.channel,
            language=known.language,
            session_id=known.session_id,
            started_at=known.started_at,
            session=session,
            key=known.key,
            now_ms=now_ms,
            inbox_id=inbox_id,
            ids=self._world.ids,
            case_id=new_case_id,
            came_before=known.session is not None,
            timers=dict(known.timers),
            index=self._world.index,
        )

    def _place_anew(self, known: Known, context: TurnContext, rows: Rows) -> None:
        """Give the turn a session of its own in the place of the contact's live one."""
        if known.session_id and known.ended_at is None:
            rows.add("session_left", {"id": known.session_id, "at": context.now_ms})
        context.session_id, context.started_at, context.timers = self._world.ids(), context.now_ms, {}


def _speaks_late(known: Known, message: InboundMsg, now_ms: int) -> bool:
    """True for an act long after she wrote, or a deadline that passed while we were down: it speaks by itself (I17).

    Whoever has the phone by now must not be told that anybody was there, nor hear what fitted hours ago.
    """
    match message.input:
        case HeldInput() | HandedBackInput() | PutBackInput() | ClosedInput() | ReopenedInput() | StillQueuedInput():
            return now_ms - known.seen_at > _REPLY_MS
        case SilenceInput() | NotTakenInput():
            due_ms, _ = known.timers.get(input_kind(message.input), (now_ms, 0))
            return now_ms - due_ms > _REPLY_MS
    return False


def _as_the_case_stands(session: Session, tier: Tier | None) -> Session:
    """Forget what the case was told and no longer holds: a person lowered or closed it, a new cry is news again."""
    if session.told_tier is None or (tier is not None and tier <= session.told_tier):
        return session
    session = session.copy()
    session.told_tier, session.case = tier, tier is not None
    return session


def _clear_fired(message: InboundMsg, context: TurnContext) -> None:
    """Drop the deadline that fired, unless the question has a newer one."""
    match message.input:
        case SilenceInput(visit) | NotTakenInput(visit):
            name = input_kind(message.input)
            if context.timers.get(name, (0, -1))[1] == visit:
                del context.timers[name]


def _note_follow_up(message: InboundMsg, events: list[Event], context: TurnContext, rows: Rows) -> None:
    """Wait for no answer to a promised contact that was not begun: a person or a script came to her just before it."""
    if isinstance(message.input, FollowUpInput) and any(isinstance(event, StayedSilent) for event in events):
        rows.add("no_answer_dropped", {"contact_id": context.contact_id})


def _remember(known: Known, message: InboundMsg, context: TurnContext) -> None:
    known.session = context.session
    known.session_id, known.started_at = context.session_id, context.started_at
    known.last_visit = context.session.visit
    known.language = context.language
    if isinstance(message.input, HUMAN_INPUTS):
        known.left = context.left
    known.damaged = known.moved = False
    known.timers = {} if context.ended else context.timers
    known.ended_at = context.now_ms if context.ended else None
    if isinstance(message.input, TextInput):
        known.recent.append((min(context.now_ms, int(message.written_at().timestamp() * 1000)), message.input.text))


def _note_seen(known: Known, message: InboundMsg, events: list[Event], context: TurnContext, rows: Rows) -> None:
    """Keep when she was last here (to the minute), her language, and whether she left in a hurry."""
    if not isinstance(message.input, HUMAN_INPUTS):
        return
    for event in events:
        if isinstance(event, LanguageChanged):
            context.language = event.language
    news = context.left != known.left or context.language != known.language
    if not news and context.now_ms - known.seen_at < _SEEN_MS:
        return
    known.seen_at = context.now_ms
    seen = {"id": context.contact_id, "seen_at": context.now_ms, "language": context.language}
    rows.add("contact_seen", {**seen, "left_at": context.now_ms if context.left else None})
    rows.add("no_answer_dropped", {"contact_id": context.contact_id})


def _is_new(known: Known, turn: Turn) -> bool:
    """True when the engine began afresh: nothing before, a follow-up, after a quick exit, after a mere claim."""
    before, after = known.session, turn.session
    if before is None or known.ended_at is not None:
        return True
    if after.turns <= 1 < before.turns or after.turns < before.turns:
        return True
    return after.version != before.version and SessionMigrated not in map(type, turn.events)
