"""The rows of the audit as its page lists them: newest first, by person, kind of act, case and day.

Part of escalation's SQL beside repo. However long the audit is, one look walks the primary key (or, for a case, the
index by target) backwards over a bounded number of rows and says where the next one goes on. Rows about cases of other
desks do not exist for who asks.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, exists, func, or_, select

from bot.store import schema
from escalation.policy import Actor

PAGE_ROWS = 50
#: What one look passes over at most while few rows are as wanted: some 10 ms, and 200 ms for a desk of one province.
LOOK_ROWS = 100_000
#: How many times are looked at to find a day, and how many of them further on it is looked through.
_SAMPLES = 1_000
_MARGIN = 2

_audit = schema.audit.c
_cases = schema.cases.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What of the audit somebody wants to see; None is «all»."""

    who: str | None = None  #: did it, or it was done to her account
    acts: Collection[tuple[str, str]] | None = None  #: pairs of target and action
    cases: Sequence[str] | None = None
    span_ms: tuple[int, int] | None = None  #: from, and until before
    before: int | None = None  #: only rows with lower numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Some rows, newest first; `older` is the number before which a further look goes on, None at the audit's begin."""

    rows: Sequence[RowMapping]
    older: int | None


def look(
    connection: Connection, wanted: Wanted, *, actor: Actor, page: int = PAGE_ROWS, most: int = LOOK_ROWS
) -> Found:
    """Give the newest rows that are wanted and in the actor's scope, after passing over `most` rows at most."""
    low, high = _span(connection, wanted)
    floor = low if wanted.cases is not None else max(low, high - most)
    query = select(schema.audit).where(_audit.id >= floor, _audit.id < high, *_conditions(wanted, actor))
    rows = connection.execute(query.order_by(_audit.id.desc()).limit(page + 1)).mappings().all()
    if len(rows) > page:
        return Found(rows=rows[:page], older=rows[page - 1]["id"])
    return Found(rows=rows, older=floor if floor > low else None)


def _span(connection: Connection, wanted: Wanted) -> tuple[int, int]:
    """Give between which numbers the wanted rows are: from the first, until before the second."""
    ends = (select(func.min(_audit.id)), select(func.max(_audit.id)))  # one by one, or SQLite walks the whole table
    low, newest = (connection.execute(end).scalar_one_or_none() for end in ends)
    if low is None or newest is None:
        return 0, 0
    high = newest + 1 if wanted.before is None else min(wanted.before, newest + 1)
    if wanted.span_ms is None:
        return low, high
    first, end = _around(connection, (low, newest + 1), wanted.span_ms)
    return first, min(high, end)


def _around(connection: Connection, ends: tuple[int, int], span_ms: tuple[int, int]) -> tuple[int, int]:
    """Give between which numbers the rows of a span of time lie, told by the times of some samples.

    There is no index by time; numbers grow with it but where the clock was set. A sample from such a place widens what
    is looked through; halving would be led astray by it.
    """
    step = max(1, (ends[1] - ends[0]) // _SAMPLES)
    query = select(_audit.id, _audit.at).where(_audit.id.in_(range(*ends, step))).order_by(_audit.id)
    samples = connection.execute(query).all()
    first = next((place for place, row in enumerate(samples) if row.at >= span_ms[0]), len(samples))
    last = next((place for place, row in reversed([*enumerate(samples)]) if row.at < span_ms[1]), -1)
    begin = samples[first - _MARGIN].id if first >= _MARGIN else ends[0]
    end = samples[last + _MARGIN].id if last + _MARGIN < len(samples) else ends[1]
    return begin, end


def _conditions(wanted: Wanted, actor: Actor) -> Iterator[ColumnElement[bool]]:
    if wanted.who is not None:
        hers = and_(_audit.target.in_(("staff", "shift")), _audit.target_id == wanted.who)
        yield or_(_audit.actor == wanted.who, hers)
    if wanted.acts is not None:
        yield or_(*(and_(_audit.target == target, _audit.action == action) for target, action in sorted(wanted.acts)))
    if wanted.cases is not None:
        yield and_(_audit.target == "case", _audit.target_id.in_(wanted.cases))
    if wanted.span_ms is not None:
        yield and_(_audit.at >= wanted.span_ms[0], _audit.at < wanted.span_ms[1])
    if actor.province:
        yield or_(_audit.target != "case", exists().where(_cases.id == _audit.target_id, _in_scope(actor)))


def _in_scope(actor: Actor) -> ColumnElement[bool]:
    return or_(_cases.desk == actor.province, and_(_cases.holder == actor.staff_id, _cases.state == "claimed"))


def cases_of_code(connection: Connection, *, actor: Actor, code: str) -> list[str]:
    """Give the cases with this short code, which is not unique by itself, in the actor's scope."""
    query = select(_cases.id).where(_cases.code == code).order_by(_cases.id)
    return list(connection.execute(query.where(_in_scope(actor)) if actor.province else query).scalars())
