"""One transaction a batch of turns: every event becomes rows, the rows are written table by table.

`EventMapper` functions are pure: they take an event and the turn's context and append rows. Which event has which
mapper is one visible dict in bot.app. Nothing here sends, waits or decides; what is not in the dict is kept in the
turn's own record and moves nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.core.event_codec import events_to_json
from bot.core.events import Event
from bot.core.fault import fault
from bot.core.ids import IdSource
from bot.engine.session import Session
from bot.statements import STATEMENTS, Row
from bot.store.crypto import DataKey
from bot.store.database import Tx
from bot.store.vault import to_bytes


class Rows:
    """Rows that wait to be written, by statement."""

    __slots__ = ("by_statement", "topics")

    def __init__(self) -> None:
        self.by_statement: dict[str, list[Row]] = {}
        self.topics: set[str] = set()

    def add(self, statement: str, row: Row) -> None:
        """Append one row for a statement of STATEMENTS."""
        rows = self.by_statement.get(statement)
        if rows is None:
            self.by_statement[statement] = [row]
        else:
            rows.append(row)

    def merge(self, other: "Rows") -> None:
        """Take over another's rows, after one's own."""
        for statement, rows in other.by_statement.items():
            mine = self.by_statement.get(statement)
            if mine is None:
                self.by_statement[statement] = rows
            else:
                mine.extend(rows)
        self.topics |= other.topics

    def written(self, tx: Tx) -> "Rows":
        """Write everything now and give a fresh set that still remembers whom to wake."""
        self.write(tx)
        fresh = Rows()
        fresh.topics = self.topics
        return fresh

    def write(self, tx: Tx) -> None:
        """Write everything, table by table."""
        for name, statement in STATEMENTS.items():
            rows = self.by_statement.get(name)
            if rows:
                statement.write(tx, rows)
        fault("E3")


@dataclass(slots=True)
class TurnContext:
    """What a mapper may know of its turn. `open_case` is escalation's own snapshot, opaque here."""

    contact_id: str
    address_id: str
    channel: str
    language: str
    session_id: str
    started_at: int
    session: Session
    key: DataKey
    now_ms: int
    inbox_id: int
    ids: IdSource
    case_id: str
    came_before: bool = False  #: this contact has talked with us before
    open_case: Any = None
    outbox_seq: int = 0
    timers: dict[str, tuple[int, int]] = field(default_factory=dict)
    replies: list[Any] = field(default_factory=list)
    ended: bool = False
    left: bool = False
    deletes: bool = False  #: the next text to her also asks for the deletion of what was said before
    unsays: bool = False  #: the next text to her also asks that what she just wrote leaves her chat
    index: Callable[[str], str] = str  #: what is kept of a code that she was told
    code: str = ""

    def seal(self, place: str, content: Any) -> bytes:
        """Seal plain data under the contact's key."""
        return self.key.seal(place.encode(), to_bytes(content))


EventMapper = Callable[[Any, TurnContext, Rows], None]
EventMappers = Mapping[type[Event], EventMapper]


def map_events(events: list[Event], context: TurnContext, rows: Rows, mappers: EventMappers) -> None:
    """Turn each event into rows, in order; an event without a mapper moves nothing."""
    for event in events:
        mapper = mappers.get(type(event))
        if mapper is not None:
            mapper(event, context, rows)


def turn_row(events: list[Event], context: TurnContext, lexicon: str) -> Row:
    """Give the turn's own record: everything that happened, sealed."""
    return {
        "session_id": context.session_id,
        "contact_id": context.contact_id,
        "inbox_id": context.inbox_id,
        "version": context.session.version,
        "lexicon": lexicon,
        "sealed_events": context.seal("turns.events", events_to_json(events)),
        "at": context.now_ms,
    }
