"""One promise that SQL can check: which invariant it is, the rows that break it, and what to do then."""

from dataclasses import dataclass


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
