"""One promise that SQL can check: which invariant it is, the rows that break it, and what to do then."""

from dataclasses import dataclass

#: The newest id of a table when the clock was last set back (bot.jumps): times on both sides of it cannot be compared.
SET_BACK = "coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'set_back.{}'), -1)"
#: Case `k` was closed before that.
CLOSED_BEFORE = (
    "EXISTS (SELECT 1 FROM case_events x WHERE x.case_id = k.id AND x.kind = 'closed'"  # noqa: S608 - names above
    f" AND x.id <= {SET_BACK.format('case_events')})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A query that gives the id of each row that breaks it.

    `broken` says what those rows are, in the plural; `mend` what a person does. A `late` promise is about time: it may
    be broken for a moment while a loop is on its way. The query knows :now, :late, :sending_late (ms) and :newest.
    """

    code: str
    name: str
    broken: str
    mend: str
    sql: str
    late: bool = False
