"""The nearest service: which place of the directory is closest to what she named, by neighbourhood, city, province.

Only names that stand in the directory are remembered of her words (session.near), so a place she did not choose from
our list is never kept.
"""

from collections.abc import Iterable, Mapping
from datetime import date

from bot.core.text import fold
from bot.engine.library import DirectoryType
from bot.engine.places import PROVINCES

#: A place of the directory, as written in its file.
Place = Mapping[str, str]
_WORDS_MAX = 40


def named_in(folded: str, directory: Mapping[str, DirectoryType]) -> tuple[str, ...]:
    """Give the cities and neighbourhoods of the directory that a folded text names, each once, longest first."""
    padded = f" {' '.join(folded.split()[:_WORDS_MAX])} "
    joined = padded.replace(" ", "")
    names = {fold(place.get(key, "")) for place in _places(directory) for key in ("city", "neighbourhood")} - {""}
    found = [name for name in names if f" {name} " in padded or (" " in name and name.replace(" ", "") == joined)]
    return tuple(sorted(found, key=lambda name: (-len(name), name)))


def nearest(kind: DirectoryType | None, province: str, near: Iterable[str], today: date) -> dict[str, str]:
    """Give the place of a type in her neighbourhood, else her city, else her province, else one for the whole country.

    Empty when there is none: nobody is sent to another end of the country. `province` is an ISO code or empty.
    """
    names = frozenset(near)
    ranked = [(_rank(place, province, names), at) for at, place in enumerate(kind.places if kind else ())]
    best = min(((rank, at) for rank, at in ranked if rank is not None and _is_open(kind, at, today)), default=None)
    return dict(kind.places[best[1]]) if kind is not None and best is not None else {}


def code_of(place: Place) -> str:
    """Give the ISO code of the province a place is in; empty for one that serves the whole country."""
    own = place.get("province", "")
    return PROVINCES[own][1] if own in PROVINCES else own


def _rank(place: Place, province: str, names: frozenset[str]) -> int | None:
    """Rank a place: 0 her neighbourhood, 1 her city, 2 her province, 3 the whole country; None is too far."""
    code = code_of(place)
    if not code:
        return 3
    if province and code != province:
        return None
    city, neighbourhood = fold(place.get("city", "")), fold(place.get("neighbourhood", ""))
    if neighbourhood and neighbourhood in names and (city in names or province):
        return 0
    if city and city in names:
        return 1
    return 2 if province else None


def _is_open(kind: DirectoryType | None, at: int, today: date) -> bool:
    place = kind.places[at] if kind else {}
    day = today.isoformat()
    return place.get("valid_from", "") <= day <= (place.get("valid_until", "") or "9999-12-31")


def _places(directory: Mapping[str, DirectoryType]) -> Iterable[Place]:
    return (place for kind in directory.values() for place in kind.places)
