"""Which desk a case belongs to, who may see it, and in what order it is taken. Pure.

A province is a desk; a case whose province is not known belongs to the national desk (EOC). The national desk sees
every case (I7). A case that nobody took in time (escalation.deadlines) is also shown to the neighbouring provinces.
"""

from bot.core.provinces import PROVINCES
from bot.core.screening import Tier
from escalation.deadlines import NEAR_MS

#: The national desk, the emergency operations centre.
NATIONAL = "EOC"


def is_desk(name: str) -> bool:
    """True for a province's code and for the national desk."""
    return name == NATIONAL or name in PROVINCES


def desk_of(*, province: str, wanted: str = "auto") -> str:
    """Give the desk for a province; `wanted` is a desk that a script named, or auto. What is unknown is national."""
    if wanted != "auto" and is_desk(wanted):
        return wanted
    return province if province in PROVINCES else NATIONAL


def overflows(*, tier: Tier, state: str, queued_at: int, now_ms: int) -> bool:
    """True for a case that nobody took in its tier's time."""
    return state == "queued" and now_ms - queued_at >= NEAR_MS[tier]


def near_desks(province: str) -> tuple[str, ...]:
    """Give the desks whose cases people of a province may come to see: their own first, then its neighbours'.

    Empty for the national desk, whose people see all.
    """
    found = PROVINCES.get(province)
    return () if found is None else (found.code, *found.neighbours)


def sees(*, province: str, desk: str, overflow: bool) -> bool:
    """True when people of a province («» is the national desk) may see a case of a desk."""
    if not province or province == desk:
        return True
    return overflow and desk in near_desks(province)


def order(*, tier: Tier, child: bool, queued_at: int, case_id: str) -> tuple[str, int, int, str]:
    """Give the sort key of the queue: tier, then a child, then the longest wait; the id makes it total."""
    return (tier, 0 if child else 1, queued_at, case_id)


def desk_name(desk: str) -> str:
    """Give a desk's name in Persian."""
    return PROVINCES[desk].name if desk in PROVINCES else "میز کشوری"


def desk_title(desk: str) -> str:
    """Give a desk's name in a sentence: «میز تهران»."""
    return f"میز {PROVINCES[desk].name}" if desk in PROVINCES else desk_name(desk)
