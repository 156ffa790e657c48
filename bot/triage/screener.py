"""The front of triage: one text (and what the same person wrote just before) in, one Screening out.

Pure and deterministic; joining earlier messages may only raise a verdict.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from bot.core.messages import TEXT_CHARS_MAX
from bot.core.screening import KINDS, Evidence, Screening, strongest
from bot.core.text import Word, squash, words
from bot.triage.combine import Ear, combined
from bot.triage.lexicon import Lexicon
from bot.triage.model import Model
from bot.triage.near import near_example
from bot.triage.reading import Reader
from bot.triage.rules import Clause
from bot.triage.spelt import respellings
from bot.triage.verdict import judge, to_screening

_SHORT_CHARS = 3
_EARLIER_MAX = 2
#: So much of their end is joined: a sentence that was sent in pieces is shorter, and five readings wait on it.
_EARLIER_CHARS = 1024
#: Answers that most messages are: no need to read them word by word.
_EVERYDAY = frozenset(
    {"بله", "آره", "خیر", "سلام", "باشه", "ممنون", "مرسی", "ادامه", "بعدی", "خروج", "شروع", "bale", "/start"}
)
_NEAR_CHARS_MIN = 6
_NEAR_CHARS_MAX = 90

#: Tiers beside which a gentle question is still due; from T2 on a person comes.
_MAY_ASK = (None, "T3")

_REMEMBERED = 1024
_REMEMBERED_CHARS = 120


class Screener:
    """Screens texts with one lexicon, and with the model beside it."""

    def __init__(self, lexicon: Lexicon, model: Model | None = None) -> None:
        self._lexicon = lexicon
        self._model = model
        self._reader = Reader(lexicon)
        self._ear = Ear(model, self._reader) if model is not None else None
        self._nothing = Screening(lexicon=lexicon.version)
        #: The hashes of the lexicon and of what the model was trained on; written with each turn, so made once.
        self.version = lexicon.version if model is None else f"{lexicon.version}-{model.version}"
        #: The same short words come again: as the head of the next message, and from many people.
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._read)

    def screen(self, text: str, earlier: Sequence[str] = ()) -> Screening:
        """Screen a text; `earlier` are the same contact's texts of the last 90 s, oldest first.

        The last two earlier texts are joined before it; evidence offsets are of `text`, clipped to its start. What the
        earlier texts say by themselves was heard in their own turns: «رفتم» after a cry is an answer, not a new cry.
        """
        alone = self._screen(text)
        before = [one for one in earlier[-_EARLIER_MAX:] if one.strip()]
        if not before or not text.strip() or text.strip().isdecimal():
            return alone  # a number is an answer; it finishes nobody's sentence
        for joint in (" ", "\n"):
            head = (joint.join(before) + joint)[-_EARLIER_CHARS:]
            joined = self._screen(head + text, joined=True)
            if _adds(joined, alone) and _adds(joined, self._screen(head, joined=True)):
                alone = _raised(alone, _shifted(joined, len(head)))
        return alone

    def _screen(self, text: str, *, joined: bool = False) -> Screening:
        if len(text) < _SHORT_CHARS or text.isdecimal() or text in _EVERYDAY:
            return self._nothing
        return (self._remembered if len(text) <= _REMEMBERED_CHARS else self._read)(text, joined)

    def _read(self, text: str, joined: bool) -> Screening:
        text = text[: 2 * TEXT_CHARS_MAX]
        found = words(text)
        heard = self._heard(text, found, joined=joined)
        for again in respellings(text, found, self._lexicon.forms):
            heard = _raised(heard, self._heard(text, again, joined=joined))
        return heard

    def _heard(self, text: str, found: list[Word], *, joined: bool) -> Screening:
        heard = self._by_patterns(text, found)
        for other in self._lexicon.languages.hear(text, found):
            heard = _raised(heard, other)
        if self._model is None or self._ear is None or heard.tier == "T1":
            return heard
        return combined(heard, self._ear.hear(found), self._model.gates, joined=joined)

    def _by_patterns(self, text: str, found: list[Word]) -> Screening:
        clauses = self._reader.clauses(text, found)
        heard = self._judged(clauses)
        if heard.tier == "T1":
            return heard
        for clause in clauses:
            near = self._near_example(text, clause)
            if near:
                heard = _raised(heard, near)
        return heard

    def _judged(self, clauses: list[Clause]) -> Screening:
        if not any(clause.seen for clause in clauses):
            return self._nothing
        return to_screening(self._lexicon, judge(self._lexicon, clauses))

    def _near_example(self, text: str, clause: Clause) -> Screening | None:
        """Hear a clause that is one slip away from an example cry as that cry; a negated one is no slip."""
        start, end = clause.starts[0], clause.ends[-1]
        if not _NEAR_CHARS_MIN <= end - start <= _NEAR_CHARS_MAX:
            return None
        key = squash(text[start:end])
        example = near_example(self._lexicon.examples, key)
        if example is None:
            return None
        meant = self._reader.clauses(example)
        denial = self._lexicon.bits["NOT"]
        if sum(bool(mask & denial) for mask in clause.masks) != sum(
            bool(mask & denial) for one in meant for mask in one.masks
        ):
            return None
        found = self._judged(meant)
        evidence = tuple(replace(one, start=start, end=end) for one in found.evidence)
        return replace(found, evidence=evidence)


def _adds(joined: Screening, other: Screening) -> bool:
    """True when a joined reading is stronger than another, or found what that one did not."""
    tier = strongest([joined.tier, other.tier])
    return (
        tier != other.tier
        or (tier in _MAY_ASK and joined.soft and not other.soft)
        or (joined.covert and not other.covert)
        or not set(joined.kinds) <= set(other.kinds)
    )


def _shifted(screening: Screening, by: int) -> Screening:
    """Move evidence to the last text's offsets; what lies before it is clipped to its start."""
    evidence = tuple(
        Evidence(start=max(one.start - by, 0), end=max(one.end - by, 0), pattern=one.pattern, why=one.why)
        for one in screening.evidence
    )
    return replace(screening, evidence=evidence)


def _raised(alone: Screening, joined: Screening) -> Screening:
    """Give the stronger of both; kinds and covert of both; never less than the text alone."""
    tier = strongest([alone.tier, joined.tier])
    asks = tier in _MAY_ASK and (alone.soft or joined.soft)
    if (tier, asks) == (alone.tier, alone.soft) and not set(joined.kinds) - set(alone.kinds):
        return alone
    lead = alone if alone.tier is not None and alone.tier == tier else joined
    return Screening(
        tier=tier,
        kinds=tuple(kind for kind in KINDS if kind in alone.kinds or kind in joined.kinds),
        about=alone.about or joined.about,
        covert=alone.covert or joined.covert,
        label=lead.label,
        soft=asks,
        evidence=tuple(dict.fromkeys(alone.evidence + joined.evidence)),
        lexicon=alone.lexicon,
    )


def to_json(text: str, screening: Screening) -> dict[str, Any]:
    """Give a verdict as `panah triage --json` prints it (design.md §4)."""
    return {
        "text": text,
        "tier": screening.tier,
        "kinds": list(screening.kinds),
        "covert": screening.covert,
        "label": screening.label,
        "soft": screening.soft,
        "evidence": [
            {"start": one.start, "end": one.end, "pattern": one.pattern, "why": one.why} for one in screening.evidence
        ],
    }
