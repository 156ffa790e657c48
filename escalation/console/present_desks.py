"""Whom a case can be given to, as the choices of its page: desks with and without anybody at work, colleagues by name."""

from collections import Counter
from collections.abc import Collection, Sequence

from bot.core.provinces import PROVINCES
from bot.core.text import persian_digits
from escalation.policy import Actor
from escalation.routing import NATIONAL, desk_name, desk_title

#: A choice of a form: its value, its words.
Choice = tuple[str, str]


def desks_to_choose(working: Sequence[Actor], *, but: Collection[str]) -> tuple[tuple[str, list[Choice]], ...]:
    """Give the other desks in two groups, each with its heading: where somebody works now, and where nobody does."""
    count = Counter(one.province or NATIONAL for one in working)
    others = [code for code in (NATIONAL, *PROVINCES) if code not in but]
    manned = [(code, persian_digits(f"{desk_name(code)}: {count[code]} نفر سر کار")) for code in others if count[code]]
    empty = [(code, f"{desk_name(code)}: کسی سر کار نیست") for code in others if not count[code]]
    return (("کسی سر کار است", manned), ("در این میزها کسی سر کار نیست", empty))


def colleagues_to_choose(working: Sequence[Actor], *, but: Actor) -> list[Choice]:
    """Give the colleagues who work now, each with her desk."""
    others = (one for one in working if one.staff_id != but.staff_id)
    return [(one.staff_id, f"{one.name}، {desk_title(one.province or NATIONAL)}") for one in others]
