"""From matches to a Screening: what overrides a match, who it is about, and the strongest of all.

An override never hides a match of a grave group: it becomes a soft question. Adding words never lowers: each
match is judged by the words beside it, and the verdict is the maximum.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.core.screening import KINDS, Evidence, Label, Screening, Tier, strongest
from bot.triage.rulebook import Pattern, Rulebook
from bot.triage.rules import Clause, Hit, find

_EVIDENCE_MAX = 12
#: A text with more findings than this is heard well enough; the rest is not looked at.
_FINDINGS_MAX = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One judged match."""

    pattern: Pattern
    start: int
    end: int
    tier: Tier | None
    soft: bool
    label: Label
    slipped: bool = False


def judge(lexicon: Rulebook, clauses: list[Clause]) -> list[Finding]:
    """Match all patterns in all clauses and judge each match by what stands beside it."""
    found: list[Finding] = []
    judged: set[tuple[int, ...]] = set()
    for clause in clauses:
        same = tuple(clause.masks)
        if same in judged or len(found) > _FINDINGS_MAX:  # a flood: what is said ten times is said once
            continue
        judged.add(same)
        _find_concepts(lexicon, clause)
        marks: dict[str, list[Hit]] | None = None
        seen = clause.seen
        for pattern in [one for any_of, one in lexicon.in_clause if seen & any_of]:
            for hit in find(pattern.rule, clause):
                if marks is None:
                    marks = {name: find(rule, clause) for name, rule in lexicon.overrides.items()}
                found.append(_finding(lexicon, pattern, hit, clause, marks))
    found = _sure(found)
    return found + _whole(lexicon, clauses, found)


def _sure(found: list[Finding]) -> list[Finding]:
    """Let a match that rests on a forgiven slip only ask, unless something that was spelt out stands beside it."""
    if any(one.tier in {"T1", "T2"} and not one.slipped for one in found):
        return found
    return [
        replace(one, tier=None, soft=True, label="none" if one.label == "danger" else one.label)
        if one.slipped and one.tier in {"T1", "T2"}
        else one
        for one in found
    ]


def _find_concepts(lexicon: Rulebook, clause: Clause) -> None:
    seen = clause.seen
    for any_of, bit, rule in lexicon.concepts:
        if seen & any_of:
            hits = find(rule, clause)
            if hits:
                clause.hits[bit] = hits
                seen = clause.seen = seen | bit


def _whole(lexicon: Rulebook, clauses: list[Clause], found: list[Finding]) -> list[Finding]:
    """Match the patterns that look across clauses: all their slots anywhere in the text."""
    seen = 0
    for clause in clauses:
        seen |= clause.seen
    return [
        Finding(
            pattern=pattern,
            start=clauses[0].starts[0],
            end=clauses[-1].ends[-1],
            tier=pattern.tier,
            soft=pattern.tier is None,
            label=_about(pattern, found),
        )
        for pattern in lexicon.patterns
        if pattern.whole and _holds_anywhere(pattern, seen)
    ]


def _holds_anywhere(pattern: Pattern, seen: int) -> bool:
    return any(all(seen & slot for slot in one.slots) and not seen & one.unless for one in pattern.rule.alternatives)


def _about(pattern: Pattern, found: list[Finding]) -> Label:
    labels = {one.label for one in found}
    if pattern.label:
        return _label(pattern.label)
    return "third_party" if labels == {"third_party"} else "danger"


def _label(name: str) -> Label:
    labels: dict[str, Label] = {"history": "history", "third_party": "third_party", "info": "info", "none": "none"}
    return labels.get(name, "danger")


def _finding(lexicon: Rulebook, pattern: Pattern, hit: Hit, clause: Clause, marks: dict[str, list[Hit]]) -> Finding:
    tier, soft, label = pattern.tier, pattern.tier is None, _label(pattern.label)
    near = {name for name, hits in marks.items() if any(_touches(hit, one, clause) for one in hits)}
    if "third_party" in near and label == "danger":
        label = "third_party"
    if not pattern.firm:
        if near & {"info", "none"}:
            tier, soft, label = None, pattern.asks and tier is not None, "info" if "info" in near else "none"
        elif "history" in near and not hit.mask & lexicon.bits["PRES"]:
            tier, soft = (None if tier is None else "T3"), False
            label = label if label == "third_party" else "history"
    if tier is None and label == "danger":
        label = "none"  # a question is due, no finding yet
    return Finding(
        pattern=pattern,
        start=clause.starts[hit.first],
        end=clause.ends[hit.last],
        tier=tier,
        soft=soft,
        label=label,
        slipped=hit.slips > 0,
    )


def _touches(hit: Hit, mark: Hit, clause: Clause) -> bool:
    """True when an override stands in or beside a match, with no clause mark between them."""
    if mark.first > hit.last:
        return mark.first - hit.last <= _REACH and not any(clause.marks[hit.last + 1 : mark.first + 1])
    if mark.last < hit.first:
        return hit.first - mark.last <= _REACH and not any(clause.marks[mark.last + 1 : hit.first + 1])
    return True


_REACH = 5


def to_screening(lexicon: Rulebook, findings: Iterable[Finding]) -> Screening:
    """Make one verdict of all findings: the strongest tier, all kinds, the label of the strongest."""
    heard = [one for one in findings if one.tier or one.soft or one.label in {"info", "history", "third_party"}]
    if not heard:
        return Screening(lexicon=lexicon.version)
    tier = strongest(one.tier for one in heard)
    covert = any(one.pattern.covert and one.tier for one in heard)
    if covert and any(one.tier for one in heard if not one.pattern.covert):
        tier = "T1"
    top = [one for one in heard if one.tier == strongest(other.tier for other in heard)]
    kinds = {kind for one in heard if one.tier or one.soft for kind in one.pattern.kinds}
    return Screening(
        tier=tier,
        kinds=tuple(kind for kind in KINDS if kind in kinds),
        covert=covert,
        label=_strongest_label(top, asks=tier is None and any(one.soft for one in heard)),
        soft=tier is None and any(one.soft for one in heard),
        evidence=_evidence(heard),
        lexicon=lexicon.version,
    )


def _strongest_label(findings: list[Finding], *, asks: bool) -> Label:
    labels = {one.label for one in findings if one.tier or not asks or one.soft}
    order: tuple[Label, ...] = ("danger", "third_party", "history", "info")
    for label in order:
        if label in labels:
            return label
    return "none"


def _evidence(findings: list[Finding]) -> tuple[Evidence, ...]:
    """Give the reasons, weightiest first. Where something was found, what would only be asked is no reason."""
    ordered = sorted(findings, key=lambda one: (one.tier or "T9", one.start, one.end))
    found = any(one.tier for one in findings)
    kept: dict[tuple[int, int, str], Evidence] = {}
    for one in ordered:
        if one.tier or (one.soft and not found):
            place = (one.start, one.end, one.pattern.id)
            kept.setdefault(place, Evidence(start=one.start, end=one.end, pattern=one.pattern.id, why=one.pattern.why))
    return tuple(kept.values())[:_EVIDENCE_MAX]
