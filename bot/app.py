"""The composition root: the only module that knows both packages. Wiring by hand, dicts in sight.

`build_core` makes what every process needs to run turns; `bot.service` puts channels, pages and loops round it.
"""

import gc
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot import event_rows
from bot.admission import Admission
from bot.beats import Beats
from bot.bus import Bus
from bot.commit import EventMappers, Rows, TurnContext
from bot.core.clock import Clock
from bot.core.contact import ClosedLately
from bot.core.events import (
    ConsentRecorded,
    DuressUsed,
    ErasureRequested,
    EscalationRequested,
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
from bot.core.ids import IdSource
from bot.core.messages import Mode
from bot.directory import Directory
from bot.due import DueActions
from bot.due_actions import BotActions
from bot.inbox import Inbox
from bot.jumps import Jumps
from bot.known import Known
from bot.memory import give_back
from bot.resuming import Resuming
from bot.retention import Keep, Retention
from bot.store.crypto import Keyring, UnreadableError
from bot.store.database import Store, Tx
from bot.store.vault import unseal
from bot.telemetry import Log
from bot.timers import Timers
from bot.turn import Screener
from bot.turns import TurnRunner
from bot.waiting import WaitingRows
from bot.worker import Worker
from bot.world import Versions, World
from escalation.case import tier_of_writing_again
from escalation.due_actions import DeskActions
from escalation.intake import OpenCase, take_in
from escalation.shifts import staff_on_shift

#: How each channel shows a text.
MODES: dict[str, Mode] = {"web": "rich", "telegram": "rich", "bale": "rich", "sms": "sms", "rasa": "rich"}


def escalation_requested(event: EscalationRequested, context: TurnContext, rows: Rows) -> None:
    """Open or raise the contact's one open case, in the turn's own transaction."""
    intake = take_in(
        event,
        open_case=context.open_case,
        new_id=context.case_id,
        contact_id=context.contact_id,
        session_id=context.session_id,
        channel=context.channel,
        language=context.language,
        now_ms=context.now_ms,
    )
    if not intake.changed:
        return
    case = intake.case
    sealed = context.seal("cases.summary", intake.summary)
    rows.add("case_open" if intake.opened else "case_raise", {**case, "sealed_summary": sealed})
    if intake.woken:
        rows.add("case_wake", {"id": case["id"], "now": context.now_ms})
    for row in intake.events:
        rows.add("case_event_new", row)
    for row in intake.due:
        rows.add("due_plan", row)
    rows.topics.update(("cases", f"case:{case['id']}"))
    before: OpenCase | None = context.open_case
    state = before.state if before is not None and not intake.woken else "queued"
    context.open_case = _snapshot({**case, "state": state}, intake.summary)


#: Every event that moves a row, and the pure function that gives its rows.
EVENT_ROWS: EventMappers = {
    MessageSent: event_rows.message_sent,
    EscalationRequested: escalation_requested,
    TimerSet: event_rows.timer_set,
    TimerCleared: event_rows.timer_cleared,
    ConsentRecorded: event_rows.consent_recorded,
    InstrumentScored: event_rows.instrument_scored,
    ScoreComputed: event_rows.score_computed,
    ReferralRequested: event_rows.referral_requested,
    SafeContactRecorded: event_rows.safe_contact_recorded,
    FollowUpPlanned: event_rows.follow_up_planned,
    OptedOut: event_rows.opted_out,
    QuickExitUsed: event_rows.quick_exit_used,
    OwnWordWritten: event_rows.own_word_written,
    DuressUsed: event_rows.duress_used,
    ResumeCodeAsked: event_rows.resume_code_asked,
    ErasureRequested: event_rows.erasure_requested,
    SessionEnded: event_rows.session_ended,
}

_OPEN_CASE = (
    "SELECT id, code, tier, kinds, state, child, covert, do_not_contact, province, desk, token, sealed_summary FROM cases"
    " WHERE contact_id = ? AND state <> 'closed'"
)

#: So long after a close her next message is about that case.
_LATELY_MS = 24 * 3600_000
_CLOSED = (
    "SELECT tier, outcome, desk, covert FROM cases WHERE contact_id = ? AND state = 'closed' AND closed_at > ?"
    " ORDER BY closed_at DESC LIMIT 1"
)


def open_case(tx: Tx, known: Known) -> OpenCase | None:
    """Read the contact's open case, inside the turn's transaction."""
    cursor = tx.raw.execute(_OPEN_CASE + (" FOR UPDATE" if tx.is_shared else ""), (known.contact_id,))
    found = cursor.fetchone()
    if found is None:
        return None
    row = dict(zip((column[0] for column in cursor.description), found, strict=True))
    return _snapshot(row, _summary(known, row["sealed_summary"]))


def _summary(known: Known, sealed: bytes | None) -> dict[str, Any]:
    """Open a case's reasons; damaged ones must not stand between her and her counsellor."""
    try:
        summary: dict[str, Any] = unseal(known.key, "cases.summary", sealed) if sealed else {}
    except UnreadableError:
        return {}
    return summary


def closed_lately(tx: Tx, known: Known, now_ms: int) -> ClosedLately | None:
    """Read the contact's case that a person closed within the last day, inside the turn's transaction."""
    found = tx.raw.execute(_CLOSED, (known.contact_id, now_ms - _LATELY_MS)).fetchone()
    if found is None:
        return None
    tier, outcome, desk, covert = found
    return ClosedLately(tier=tier_of_writing_again(tier, outcome), desk=desk, covert=bool(covert))


def _snapshot(row: dict[str, Any], summary: dict[str, Any]) -> OpenCase:
    return OpenCase(
        id=row["id"],
        code=row["code"],
        tier=row["tier"],
        kinds=tuple(json.loads(row["kinds"])),
        state=row["state"],
        child=bool(row["child"]),
        covert=bool(row["covert"]),
        do_not_contact=bool(row["do_not_contact"]),
        province=row["province"],
        desk=row["desk"],
        token=row["token"],
        why=tuple(summary.get("why", ())),
        note=summary.get("note", ""),
    )


class _StaffOnShift:
    """Whether anybody is on shift, asked of the database at most every two seconds."""

    def __init__(self) -> None:
        self._asked_at = 0
        self._answer = False

    def __call__(self, tx: Tx, now_ms: int) -> bool:
        if not 0 <= now_ms - self._asked_at < 2_000:
            self._answer = staff_on_shift(tx.connection, now_ms) > 0
            self._asked_at = now_ms
        return self._answer


def due_actions(bus: Bus, directory: Directory, runner: TurnRunner, retention: Retention) -> DueActions:
    """Give what is done when a promise of each kind falls due (bot.due): the visible dict of the due-table."""
    mine, desk = BotActions(bus=bus, directory=directory, runner=runner), DeskActions(bus=bus)
    return {
        "overflow": desk.overflow,
        "word": desk.word,
        "follow_up": mine.follow_up,
        "no_answer": mine.no_answer,
        "erase": mine.erase,
        "retention": retention.walk,
        "case_end": retention.case_end,
        "resume_code": lambda _tx, _due, _now_ms: "dropped",  # its half hour is over
    }


@dataclass(frozen=True, slots=True)
class Core:
    """What runs turns: the same in production, in the simulator and in the bench."""

    store: Store
    keyring: Keyring
    bus: Bus
    clock: Clock
    ids: IdSource
    inbox: Inbox
    directory: Directory
    worker: Worker
    waiting: WaitingRows
    timers: Timers
    versions: Versions
    screener: Screener
    log: Log
    beats: Beats


def settle_memory() -> None:
    """Tell the garbage collector that what start-up made stays: it need not walk lexicon and scripts again and again.

    What reading them left free goes back to the system. And let the two threads that work, the loop's and the writer's,
    take turns often: neither waits 5 ms for the other.
    """
    gc.collect()
    gc.freeze()
    give_back()
    gc.set_threshold(20_000, 20, 50)
    sys.setswitchinterval(0.001)


def build_core(
    *,
    store: Store,
    keyring: Keyring,
    bus: Bus,
    clock: Clock,
    ids: IdSource,
    screener: Screener,
    versions: Versions,
    lines: Callable[[], dict[str, str]],
    log: Log,
    staff_on: Callable[[Tx, int], bool] | None = None,
    keep: Keep | None = None,
) -> Core:
    """Wire the one path from inbox to commit."""
    directory = Directory(keyring, ids)
    resuming = Resuming(keyring, directory)
    world = World(
        ids=ids,
        screener=screener,
        versions=versions,
        mappers=EVENT_ROWS,
        modes=MODES,
        lines=lines,
        staff_on=staff_on or _StaffOnShift(),
        open_case=open_case,
        closed_lately=closed_lately,
        index=resuming.index,
        redeem=resuming.redeem,
    )
    admission = Admission(store=store, keyring=keyring, screener=screener, clock=clock)
    inbox, beats = Inbox(admission, clock), Beats(clock)
    runner = TurnRunner(world, directory)
    worker = Worker(
        store=store,
        inbox=inbox,
        bus=bus,
        clock=clock,
        runner=runner,
        directory=directory,
        log=log,
        beats=beats,
    )
    inbox.on_arrival = worker.kick
    waiting = WaitingRows(store=store, bus=bus, clock=clock, runner=runner, directory=directory, log=log, beats=beats)
    retention = Retention(keep=keep or Keep(), clock=clock, directory=directory)
    actions = due_actions(bus, directory, runner, retention)
    jumps = Jumps(store=store, clock=clock, directory=directory, log=log)
    timers = Timers(store=store, inbox=inbox, clock=clock, actions=actions, jumps=jumps, log=log, beats=beats)
    return Core(
        store, keyring, bus, clock, ids, inbox, directory, worker, waiting, timers, versions, screener, log, beats
    )
