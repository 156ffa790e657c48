"""Takes what waits, runs the turns, commits the batch, wakes those who listen.

Ordinary running: inbox rows and turns share one transaction, many contacts a commit. Careful running, for a while
after an unclean stop: rows are stored and answered first, then run one at a time with their attempt committed before
the try, so a message that kills the process is given up at its third attempt instead of being redelivered for ever.
A row whose turn fails waits and is tried again; the third failure quarantines it and opens a case (bot.waiting).
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any, NamedTuple

from bot.beats import Beats
from bot.bus import Bus
from bot.commit import Rows
from bot.core.clock import Clock
from bot.core.fault import fault
from bot.directory import Directory
from bot.inbox import Accepted, Arrival, Inbox
from bot.inbox_order import mark_followed
from bot.known import Known
from bot.store.crypto import UnreadableError
from bot.store.database import Store, Tx
from bot.store.trouble import is_again, is_disk_trouble, is_of_database
from bot.telemetry import Log
from bot.turn_rows import bare_row, inbox_row
from bot.turns import TurnRunner, UnknownContactError

#: Turns that may share one commit.
BATCH = 256
#: How long the worker stays careful after an unclean stop: longer than a provider waits before it redelivers.
CAREFUL_S = 600.0
#: The wait before a failed row is tried again, by attempt.
RETRY_MS = (0, 1_000, 10_000)

#: The wait before a batch that could not begin is tried again.
_AGAIN_S = 0.5

#: No provider redelivers after this, but Telegram draws new update ids at random after an idle week: an id that was
#: seen longer ago is another message's.
REUSED_AFTER_MS = 6 * 24 * 3600_000

_SEEN_AT_ONCE = 32
#: A join in this order looks each pair up in the index; `IN (VALUES …)` would read the whole table.
SEEN = (
    f"WITH asked(channel, provider_id) AS (VALUES {', '.join(['(?, ?)'] * _SEEN_AT_ONCE)})"  # noqa: S608 - marks only
    " SELECT i.channel, i.provider_id, i.contact_id, i.received_at FROM asked"
    " CROSS JOIN inbox i ON i.channel = asked.channel AND i.provider_id = asked.provider_id"
)


_NEVER = datetime.min.replace(tzinfo=UTC)


class _Stored(NamedTuple):
    contact_id: str
    received_at: int


_Seen = dict[tuple[str, str], _Stored]


@dataclass(slots=True)
class _Batch:
    arrivals: list[Arrival] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    rows: Rows = field(default_factory=Rows)
    now: datetime = _NEVER  # one moment for all that is committed together
    now_ms: int = 0


class Worker:
    """The one that runs turns. `kick` may be called from any thread; the work is done on the writer's."""

    def __init__(
        self,
        *,
        store: Store,
        inbox: Inbox,
        bus: Bus,
        clock: Clock,
        runner: TurnRunner,
        directory: Directory,
        log: Log,
        beats: Beats,
    ) -> None:
        self._store = store
        self._beats = beats
        self._inbox = inbox
        self._bus = bus
        self._clock = clock
        self._runner = runner
        self._directory = directory
        self._log = log
        self._kicked = False
        self._trying_again = False
        self._careful_until = 0.0

    def be_careful(self, seconds: float = CAREFUL_S) -> None:
        """Run one at a time for a while: the last stop was not clean."""
        self._careful_until = self._clock.monotonic() + seconds

    @property
    def is_careful(self) -> bool:
        """True while rows are stored before they are run."""
        return self._clock.monotonic() < self._careful_until

    def kick(self) -> None:
        """Something arrived: have it taken as soon as the writer is free."""
        if not self._kicked:
            self._kicked = True
            try:
                self._submit(self._drain, _Batch())
            except BaseException:
                self._kicked = False  # else nobody would kick again
                raise

    def _submit(self, work: "Callable[[Tx, _Batch], list[tuple[Arrival, Accepted]]]", batch: _Batch) -> None:
        future = self._store.submit(lambda tx: work(tx, batch))
        future.add_done_callback(lambda done: self._after(done, batch))

    def _drain(self, tx: Tx, batch: _Batch) -> list[tuple[Arrival, Accepted]]:
        self._kicked = False
        self._beats.beat("worker")
        batch.arrivals = batch.arrivals or self._inbox.take(BATCH)  # run again after a deadlock, it has its arrivals
        if not batch.arrivals:
            return []  # only asked whether it lives
        if len(self._inbox):
            self.kick()
        return self._run(tx, batch)

    def _run(self, tx: Tx, batch: _Batch) -> list[tuple[Arrival, Accepted]]:
        fault("E1")
        batch.now = self._clock.now()
        batch.now_ms = int(batch.now.timestamp() * 1000)
        self._begin(tx, batch)
        careful = self.is_careful
        fresh, outcomes = self._sift(tx, batch)
        take = self._store_only if careful else self._take
        for arrival, row_id in zip(fresh, tx.next_ids("inbox", len(fresh)) if fresh else (), strict=True):
            arrival.inbox_id = row_id
            outcomes.append((arrival, take(tx, arrival, batch)))
        batch.rows.write(tx)
        fault("W3")
        topics = tuple(batch.rows.topics)
        tx.after_commit(lambda: self._bus.publish(*topics))
        return outcomes

    def _begin(self, tx: Tx, batch: _Batch) -> None:
        """Have every writer of the batch for ourselves; nothing of an earlier try of it is remembered."""
        self._directory.forget(batch.touched)
        batch.touched, batch.rows = set(), Rows()
        asked = ((one.message.channel, one.message.external_id, one.contact_id) for one in batch.arrivals)
        self._directory.hold_all(tx, asked)

    def _sift(self, tx: Tx, batch: _Batch) -> tuple[list[Arrival], list[tuple[Arrival, Accepted]]]:
        """Part what is new from what is known; each late message learns whether its writer's next one follows."""
        seen = _stored(tx, batch.arrivals)
        fresh: list[Arrival] = []
        known: list[tuple[Arrival, Accepted]] = []
        for arrival in batch.arrivals:
            before = self._seen_before(tx, arrival, seen, batch.now_ms)
            if before is None:
                fresh.append(arrival)
                seen[arrival.message.channel, arrival.message.provider_id] = _Stored("", batch.now_ms)
            else:
                known.append((arrival, Accepted(contact_id=before.contact_id, duplicate=True)))
        mark_followed(fresh, batch.now)
        return fresh, known

    def _seen_before(self, tx: Tx, arrival: Arrival, seen: "_Seen", now_ms: int) -> "_Stored | None":
        """Give the stored row of a redelivered message; one whose id was merely used again gets an id of its own."""
        while True:
            message = arrival.message
            found = seen.get((message.channel, message.provider_id))
            if found is None or not message.external_id or now_ms - found.received_at < REUSED_AFTER_MS:
                return found
            # named after the old row, so that its own redelivery finds it under the same name
            arrival.message = replace(message, provider_id=f"{message.provider_id}~{found.received_at}")
            seen.update(_stored(tx, [arrival]))

    def _take(self, tx: Tx, arrival: Arrival, batch: _Batch) -> Accepted:
        try:
            writer = self._runner.contact_of(tx, arrival, batch.rows, batch.now_ms)
            self._touch(tx, writer, batch)
            known = self._runner.continued(tx, writer, arrival, batch.rows, batch.now_ms)
        except UnknownContactError:
            return Accepted()  # a timer of someone who was erased meanwhile: there is nobody to answer
        except UnreadableError as error:
            return self._park(None, arrival, batch, error)
        if known is not writer:
            self._touch(tx, known, batch)
        mine = Rows()
        try:
            if known.parked and not self._overtakes(known, arrival):
                return self._wait(known, arrival, batch)
            accepted = self._run_turn(tx, known, arrival, batch, mine)
        except Exception as error:
            if (
                isinstance(error, MemoryError)
                or is_again(error)
                or (tx.is_shared and len(batch.arrivals) > 1 and is_of_database(error))
            ):
                raise  # the whole transaction is lost: it is run again, or each by itself
            return self._park(known, arrival, batch, error)  # one turn's bug costs no other its commit
        batch.rows.add("inbox_new", inbox_row(known, arrival, batch.now_ms))
        batch.rows.merge(mine)
        return accepted

    def _touch(self, tx: Tx, known: Known, batch: _Batch) -> None:
        """See to it that her second turn in a batch finds what the first one wrote."""
        if known.contact_id in batch.touched:
            batch.rows = batch.rows.written(tx)
        batch.touched.add(known.contact_id)

    def _run_turn(self, tx: Tx, known: Known, arrival: Arrival, batch: _Batch, rows: Rows) -> Accepted:
        if len(batch.arrivals) > 1:
            return self._runner.run(tx, known, arrival, batch.now, rows)
        with tx.part():
            return self._runner.run(tx, known, arrival, batch.now, rows)

    def _store_only(self, tx: Tx, arrival: Arrival, batch: _Batch) -> Accepted:
        try:
            known = self._runner.contact_of(tx, arrival, batch.rows, batch.now_ms)
        except UnknownContactError:
            return Accepted()
        except UnreadableError as error:
            return self._park(None, arrival, batch, error)
        batch.touched.add(known.contact_id)
        with suppress(Exception):  # what cannot be told here is read, counted and given to a person in its turn
            self._overtakes(known, arrival, unread=True)
        return self._wait(known, arrival, batch)

    def _overtakes(self, known: Known, arrival: Arrival, *, unread: bool = False) -> bool:
        """Say and note whether this may pass what waits. Only who has something waiting is asked: it is read for it.

        `unread`: by its form alone, since reading it may be what killed the process, and nothing is stored yet.
        """
        arrival.overtakes = known.parked and self._runner.cannot_wait(known, arrival.message, unread=unread)
        return arrival.overtakes

    def _wait(self, known: Known, arrival: Arrival, batch: _Batch) -> Accepted:
        """Leave an arrival to bot.waiting; what comes after it waits behind it."""
        known.parked = True
        batch.rows.add("inbox_new", inbox_row(known, arrival, batch.now_ms, state="waiting"))
        batch.rows.topics.add("inbox")
        return Accepted(contact_id=known.contact_id, deferred=True)

    def _park(self, known: Known | None, arrival: Arrival, batch: _Batch, error: Exception) -> Accepted:
        """Keep what could not have its turn; without the contact (her key is damaged) only that it was due."""
        self._log.error(
            "turn_failed", channel=arrival.message.channel, error=type(error).__name__, row_id=arrival.inbox_id
        )
        self._beats.count("turns_failed")
        arrival.attempts += not is_disk_trouble(error)
        if known is None:
            row = bare_row(arrival, batch.now_ms)
        else:
            known.parked = True
            row = inbox_row(known, arrival, batch.now_ms, state="waiting")
        batch.rows.add("inbox_new", {**row, "due_at": batch.now_ms + RETRY_MS[1], "error": type(error).__name__})
        batch.rows.topics.add("inbox")
        return Accepted(contact_id=row["contact_id"], deferred=True)

    def _try_again(self) -> None:
        self._trying_again = False
        self.kick()

    def _after(self, done: "Future[Any]", batch: _Batch) -> None:
        error = done.exception()
        if error is None:
            outcomes = done.result()
            self._inbox.settle(outcomes)
            if outcomes:
                self._beats.count("turns", len(outcomes))
            return
        self._directory.forget(batch.touched)
        self._log.error("batch_failed", error=type(error).__name__, count=len(batch.arrivals))
        if not batch.arrivals:  # not even begun (a lock, a disk): what waits is still in the inbox
            self._kicked = False
            if len(self._inbox) and not self._trying_again:
                self._trying_again = True
                again = threading.Timer(_AGAIN_S, self._try_again)
                again.daemon = True
                again.start()
        elif len(batch.arrivals) == 1:
            self._inbox.settle([(batch.arrivals[0], error)])
        else:  # one by one, so that one bad row does not refuse its neighbours
            for arrival in batch.arrivals:
                self._submit(self._run, _Batch(arrivals=[arrival]))


def _stored(tx: Tx, arrivals: Sequence[Arrival]) -> "_Seen":
    """Look up which of these messages are on disk already."""
    names = [(arrival.message.channel, arrival.message.provider_id) for arrival in arrivals]
    seen: _Seen = {}
    for at in range(0, len(names), _SEEN_AT_ONCE):
        some = names[at : at + _SEEN_AT_ONCE]
        some += some[-1:] * (_SEEN_AT_ONCE - len(some))  # one text of SQL, prepared once
        for channel, provider_id, contact_id, received_at in tx.raw.execute(SEEN, [*chain.from_iterable(some)]):
            seen[channel, provider_id] = _Stored(contact_id, received_at)
    return seen
