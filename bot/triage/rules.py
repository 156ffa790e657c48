"""Rules over tags: a concept or a pattern holds where all its slots are filled close together in one clause.

Written as words: `HIT3|BEAT3 ME !PLAY ~6` is "HIT3 or BEAT3, and ME, within 6 words, with no PLAY beside them";
`+TAG` must follow the slot before it (one word may stand between). Tags are bits, so most rules cost one `and`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

#: How many words a match may span unless the rule says otherwise.
WITHIN_WORDS = 8
#: An exclusion counts this many words before and after a match, never beyond a clause mark.
BESIDE_WORDS = 3
_CANDIDATES_MAX = 6
_HITS_MAX = 4


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a rule holds in a clause: first and last word, the tags of the words that filled it, slips forgiven."""

    first: int
    last: int
    mask: int
    slips: int


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way for a rule to hold. `follows[i]` says that slot i must come right after slot i-1."""

    slots: tuple[int, ...]
    follows: tuple[bool, ...]
    unless: int
    within: int


@dataclass(frozen=True, slots=True)
class Rule:
    """Alternatives, and the tags of which at least one must be there for any of them to hold."""

    alternatives: tuple[Alternative, ...]
    any_of: int


@dataclass(slots=True)
class Clause:
    """The words of a clause as masks, with their source offsets; `marks[i]` is true when a mark stands before word i.

    `hits` holds what concepts found so far, by their bit.
    """

    masks: list[int]
    starts: list[int]
    ends: list[int]
    marks: list[bool]
    slips: list[int]
    seen: int
    hits: dict[int, list[Hit]]


def tags_of(alternative: str) -> list[str]:
    """Give the tags that one written alternative mentions."""
    return [tag for part in alternative.split() if part[0] != "~" for tag in part.lstrip("!+").split("|")]


#: Tags that nearly every clause has: poor for telling quickly that a rule cannot hold.
_FREQUENT = ("DO", "BECOME", "HAVE", "GO", "COME", "SAY", "GIVE", "GET", "PUT", "WANT", "BE", "I", "RA", "WITH", "NOT", "NOW", "TOME", "INSIDE", "RUYE", "ALL", "COPULA", "WAIT", "UNDERW", "TONIGHT", "SOON", "INTENT")  # fmt: skip


def compile_rule(written: Sequence[str], bit: Callable[[str], int]) -> Rule:
    """Compile written alternatives; `bit` gives a tag's mask."""
    alternatives: list[Alternative] = []
    any_of = 0
    for one in written:
        alternative = _compile_alternative(one, bit)
        alternatives.append(alternative)
        any_of |= min(zip(_commonness(one), alternative.slots, strict=True))[1]
    return Rule(tuple(alternatives), any_of)


def _commonness(written: str) -> list[int]:
    """Rate each slot: how likely an ordinary clause fills it."""
    return [
        sum(100 if tag.rstrip("123psdiNo") in _FREQUENT else 1 for tag in part.lstrip("+").split("|"))
        for part in written.split()
        if part[0] not in "!~"
    ]


def _compile_alternative(alternative: str, bit: Callable[[str], int]) -> Alternative:
    slots: list[int] = []
    follows: list[bool] = []
    unless, within = 0, WITHIN_WORDS
    for part in alternative.split():
        if part[0] == "~":
            within = int(part[1:])
            continue
        mask = 0
        for tag in part.lstrip("!+").split("|"):
            mask |= bit(tag)
        if part[0] == "!":
            unless |= mask
        else:
            slots.append(mask)
            follows.append(part[0] == "+")
    return Alternative(tuple(slots), tuple(follows), unless, within)


def find(rule: Rule, clause: Clause) -> list[Hit]:
    """Give the places in a clause where any of the rule's alternatives holds."""
    seen = clause.seen
    found: list[Hit] = []
    for alternative in rule.alternatives:
        for slot in alternative.slots:
            if not seen & slot:
                break
        else:
            found += _places(alternative, clause)
            if len(found) >= _HITS_MAX:
                break
    return found


def _places(alternative: Alternative, clause: Clause) -> list[Hit]:
    candidates = [_candidates(slot, clause) for slot in alternative.slots]
    found: list[Hit] = []
    for anchor in candidates[0]:
        hit = _grow(anchor, alternative, candidates)
        if (
            hit is None
            or _unsure(hit, candidates)
            or any(old.first == hit.first and old.last == hit.last for old in found)
        ):
            continue
        if alternative.unless and beside(hit, clause) & alternative.unless:
            continue
        found.append(hit)
    return found


def _unsure(hit: Hit, candidates: list[list[Hit]]) -> bool:
    """True when too much of a match is guessed: two slips, or one in a match of a single word."""
    return hit.slips > 1 or (hit.slips == 1 and len(candidates) == 1 and hit.first == hit.last)


def _candidates(slot: int, clause: Clause) -> list[Hit]:
    found = [Hit(at, at, mask, clause.slips[at]) for at, mask in enumerate(clause.masks) if mask & slot][
        :_CANDIDATES_MAX
    ]
    for bit, hits in clause.hits.items():
        if bit & slot:
            found += hits
    return found


def _grow(anchor: Hit, alternative: Alternative, candidates: list[list[Hit]]) -> Hit | None:
    """Fill the other slots with the nearest candidates; None when one has none within reach."""
    first, last, mask, slips = anchor.first, anchor.last, anchor.mask, anchor.slips
    before = anchor
    for at in range(1, len(candidates)):
        best: Hit | None = None
        best_width = alternative.within
        for one in candidates[at]:
            if alternative.follows[at] and not 0 < one.first - before.last <= 2:
                continue
            width = max(last, one.last) - min(first, one.first)
            if width < best_width or (best is None and width == best_width):
                best, best_width = one, width
        if best is None:
            return None
        inside = first <= best.first and best.last <= last and best.mask | mask == mask
        first, last, before = min(first, best.first), max(last, best.last), best
        slips += 0 if inside else best.slips
        mask |= best.mask
    return Hit(first, last, mask, slips)


def beside(hit: Hit, clause: Clause, words: int = BESIDE_WORDS) -> int:
    """Give the tags of the words in and around a match, up to a clause mark on either side."""
    low, high = hit.first, hit.last
    while low > 0 and hit.first - low < words and not clause.marks[low]:
        low -= 1
    end = len(clause.masks) - 1
    while high < end and high - hit.last < words and not clause.marks[high + 1]:
        high += 1
    mask = 0
    for at in range(low, high + 1):
        mask |= clause.masks[at]
    for bit, hits in clause.hits.items():
        if any(one.first >= low and one.last <= high for one in hits):
            mask |= bit
    return mask
