"""When a case that nobody takes goes further, and when she hears that it still waits: one table by tier. Pure.

Counted from the moment the case stands in the queue. Every stay in the queue has a plan of its own, named by the
token of the claim before it; the rows go into the due-table with the case (bot.due). Ours, not official (domain.md §3).
"""

from typing import Any

from bot.core.promise import due_row
from bot.core.provinces import PROVINCES
from bot.core.screening import Tier

_MINUTE = 60_000
_HOUR = 60 * _MINUTE
#: Further than any need of the tier may wait.
_NEVER = 10**15

#: So long untaken, the neighbouring provinces see the case too and are told of it.
NEAR_MS: dict[Tier, int] = {"T1": 5 * _MINUTE, "T2": 4 * _HOUR, "T3": 72 * _HOUR, "T4": _NEVER}
#: So long untaken, the national desk, which sees every case, is told that nobody took this one.
NATIONAL_MS: dict[Tier, int] = {"T1": 10 * _MINUTE, "T2": 12 * _HOUR, "T3": 120 * _HOUR, "T4": _NEVER}
#: When she is told that she still waits: a few times, further and further apart. A script's own words come before.
WORDS_MS: dict[Tier, tuple[int, ...]] = {
    "T1": (5 * _MINUTE, 20 * _MINUTE, 2 * _HOUR),
    "T2": (10 * _MINUTE, 4 * _HOUR, 24 * _HOUR),
    "T3": (24 * _HOUR, 96 * _HOUR),
    "T4": (),
}


def plan_of(*, case_id: str, contact_id: str, tier: Tier, desk: str, token: int, now_ms: int) -> list[dict[str, Any]]:
    """Give the rows of one stay in the queue. A case of the national desk has nowhere further to go.

    A step beyond the desk names the desk: a case that is moved unheld has its way from the new one before it.
    """
    beyond = (("near", NEAR_MS[tier]), ("national", NATIONAL_MS[tier])) if desk in PROVINCES else ()
    steps = [("overflow", f"{to}:{desk}", after) for to, after in beyond]
    steps += [("word", str(number), after) for number, after in enumerate(WORDS_MS[tier], start=1)]
    return [
        due_row(kind, case_id, f"{token}:{step}", due_at=now_ms + after, now_ms=now_ms, contact_id=contact_id)
        for kind, step, after in steps
        if after < _NEVER
    ]
