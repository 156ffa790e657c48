"""From a text to clauses of tagged words: half-spaces joined, slips forgiven, Finglish heard, phrases found.

Work per word is bounded: known words are one dictionary look-up, unknown ones a few more, remembered.
"""

from collections.abc import Sequence
from functools import lru_cache

from bot.core.finglish import english_places, is_latin, latin_cost, latin_skeleton
from bot.core.text import Word, words
from bot.triage.lexicon import Lexicon, lines_of
from bot.triage.near import Speller
from bot.triage.rules import Clause

_PREFIXES = frozenset({"می", "نمی", "بی", "نا", "ن"})
_SUFFIXES = frozenset(
    "ها های هام هات هاش هامو هاشو هامون ام ات اش م ت ش مو تو شو مون تون شون ان ای اند ایم اید ه یم ید ند رو".split()  # noqa: SIM905
)
_STRONG = frozenset(".!?؟؛;…")
_CLAUSE_WORDS_MAX = 32
_OVERLAP_WORDS = 8
_WORD_CHARS_MAX = 24
_LATIN_CANDIDATES_MAX = 120
_LATIN_SHORT_CHARS = 5
#: By so much a word may be the rarer one of two that are spelt alike (frequency falls as the rank grows).
_RARER = 50
#: Unknown words looked into in one text: a person's message has fewer, a flood must not cost more.
_GUESSES_MAX = 150
#: «تلفن می‌زنه» is a call, «با تلفن می‌زنه» a blow.
_WITH = frozenset({"با"})
#: Short words that hurried writers run into the next one.
_RUN_ON = frozenset({"منو", "داره", "الان", "مارو", "خودمو"})
#: Tags, slips forgiven, and the known forms that a word may stand for.
_Heard = tuple[int, int, tuple[str, ...]]
_NOTHING: _Heard = (0, 0, ())


class Reader:
    """Reads texts with one lexicon; remembers what unknown words turned out to be."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._guess = lru_cache(maxsize=20_000)(self._guess_afresh)
        self._latin = lru_cache(maxsize=5_000)(self._latin_afresh)
        self._join = lexicon.bits["JOIN"]
        self._speller = Speller(lines_of(lexicon.common), lexicon.forms.common_among)

    def clauses(self, text: str, found: list[Word] | None = None) -> list[Clause]:
        """Give the clauses of a text (`found`: its words, where they are known); very long ones in pieces."""
        found = self._joined(words(text) if found is None else found)
        heard = self._heard(found)
        masks = [one[0] for one in heard]
        slips = [one[1] for one in heard]
        self._find_phrases(heard, masks, slips)
        self._defuse(found, heard, masks)
        return self._split(text, found, masks, slips)

    def in_persian(self, found: Sequence[Word]) -> list[Word]:
        """Give what is Finglish of a text, as the Persian words it most likely spells; nothing where none is."""
        english = english_places([word.text for word in found])
        latin = [
            word for at, word in enumerate(found) if at not in english and len(word.text) > 1 and is_latin(word.text)
        ]
        spelt = ((word, self._latin(word.text)[2]) for word in latin[:_GUESSES_MAX])
        return [word._replace(text=forms[0]) if forms else word for word, forms in spelt]

    def _joined(self, found: list[Word]) -> list[Word]:
        """Join what a space tore apart: «می زنه», «کتک م», «خود کشی»."""
        forms = self._lexicon.forms
        out: list[Word] = []
        for word in found:
            if out and not word.after_break and len(out[-1].text) + len(word.text) <= _WORD_CHARS_MAX:
                last = out[-1]
                both = last.text + word.text
                if last.text in _PREFIXES or (
                    both in forms and (word.text in _SUFFIXES or word.text not in forms or last.text not in forms)
                ):
                    out[-1] = Word(both, last.start, word.end, last.after_break)
                    continue
            out.append(word)
        return out

    def _heard(self, found: list[Word]) -> list[_Heard]:
        """Give what each word may be: its tags, slips forgiven, and the known forms it stands for."""
        forms = self._lexicon.forms
        english = english_places([word.text for word in found])
        out: list[_Heard] = []
        guesses = 0
        for at, word in enumerate(found):
            mask = forms.get(word.text)
            if mask is not None:
                out.append((mask, 0, (word.text,)))
                continue
            guesses += 1
            if guesses > _GUESSES_MAX:
                out.append(_NOTHING)
            elif not is_latin(word.text):
                out.append(self._guess(word.text))
            else:
                out.append(_NOTHING if at in english else self._latin(word.text))
        return out

    def _guess_afresh(self, word: str) -> _Heard:
        """Hear an unknown word: two words run together, or a known one with a slip."""
        forms = self._lexicon.forms
        if not 2 < len(word) <= _WORD_CHARS_MAX or word[0].isdigit():
            return _NOTHING
        for cut in range(len(word) - 3, 2, -1):
            left, right = forms.get(word[:cut]), forms.get(word[cut:])
            if left and right and (min(cut, len(word) - cut) >= 4 or word[:cut] in _RUN_ON):
                return left | right, 0, (word,)
        alike = self._speller.alike(word)
        near = alike or self._speller.near(word)
        mask = 0
        for form in near:
            mask |= forms[form]
        return mask, int(not alike), tuple(near)

    def _latin_afresh(self, word: str) -> _Heard:
        """Hear the Persian words that a Latin word spells best."""
        if len(word) > _WORD_CHARS_MAX:
            return _NOTHING
        costs: dict[str, int] = {}
        for form in self._lexicon.by_bones(latin_skeleton(word))[:_LATIN_CANDIDATES_MAX]:
            cost = latin_cost(word, form)
            if cost is not None:
                costs[form] = cost
        best = min(costs.values(), default=0)
        reach = best + (best > 0 and len(word) > _LATIN_SHORT_CHARS)  # a long word is not spelt like another by chance
        near = tuple(form for form, cost in costs.items() if cost <= reach)
        mask = 0
        for form in self._likely(near):
            mask |= self._lexicon.forms[form]
        return mask, 0, near  # in a phrase the next word tells which is meant: khodamo dar bezanam

    def _likely(self, near: Sequence[str]) -> list[str]:
        """Drop what nobody means by itself beside a word that everybody uses: kardam is «کردم», never «کاردم»."""
        rank = self._lexicon.rank
        rare = _RARER * (1 + min(map(rank, near), default=0))
        return [form for form in near if rank(form) < rare]

    def _find_phrases(self, heard: list[_Heard], masks: list[int], slips: list[int]) -> None:
        phrases = self._lexicon.phrases
        for at in range(len(heard) - 1):
            for first in heard[at][2]:
                seconds = phrases.get(first)
                if seconds is None:
                    continue
                for second in heard[at + 1][2]:
                    for rest, mask in seconds.get(second, ()):
                        slipped = _slips_in(heard[at : at + 2 + len(rest)], rest)
                        if slipped is not None and mask & ~masks[at]:
                            masks[at] |= mask
                            slips[at] = slipped

    def _defuse(self, found: list[Word], heard: list[_Heard], masks: list[int]) -> None:
        """Take a verb's violent meaning where its object or its place is harmless («زنگ می‌زنه», «zang mizane»)."""
        for family, before, after in self._lexicon.defuse:
            for at, mask in enumerate(masks):
                if mask & family and (
                    _stands_before(found, heard, at, before) or _stands_after(found, heard, at, after)
                ):
                    masks[at] = mask & ~family

    def _split(self, text: str, found: list[Word], masks: list[int], slips: list[int]) -> list[Clause]:
        clauses: list[Clause] = []
        first = 0
        for at, word in enumerate(found):
            ends = at > first and (
                masks[at] & self._join
                or (word.after_break and any(mark in _STRONG for mark in text[found[at - 1].end : word.start]))
            )
            if ends or at - first >= _CLAUSE_WORDS_MAX:
                clauses.append(_clause(found, masks, slips, first, at))
                first = at if ends else at - _OVERLAP_WORDS
        if found:
            clauses.append(_clause(found, masks, slips, first, len(found)))
        return clauses


def _stands_before(found: list[Word], heard: list[_Heard], at: int, harmless: frozenset[str]) -> bool:
    for back in (1, 2):
        if at - back < 0 or found[at - back + 1].after_break:
            return False
        if _is_among(harmless, found[at - back], heard[at - back]):
            means = at - back - 1
            return means < 0 or not _is_among(_WITH, found[means], heard[means])
    return False


def _stands_after(found: list[Word], heard: list[_Heard], at: int, harmless: frozenset[str]) -> bool:
    for ahead in (1, 2):
        if at + ahead >= len(found) or found[at + ahead].after_break:
            return False
        if _is_among(harmless, found[at + ahead], heard[at + ahead]):
            return True
    return False


def _is_among(harmless: frozenset[str], word: Word, heard: _Heard) -> bool:
    """True for a harmless word, and for a Latin one that spells it: a slip is no proof of being harmless."""
    return word.text in harmless or (is_latin(word.text) and not harmless.isdisjoint(heard[2]))


def _slips_in(heard: list[_Heard], rest: tuple[str, ...]) -> int | None:
    """Count the slips of a phrase heard here, None when it is not; its first two words are known to fit."""
    if len(heard) < len(rest) + 2 or any(part not in one[2] for one, part in zip(heard[2:], rest, strict=True)):
        return None
    slipped = sum(one[1] for one in heard)
    return slipped if slipped <= 1 else None


def _clause(found: list[Word], masks: list[int], slips: list[int], first: int, end: int) -> Clause:
    seen = 0
    for mask in masks[first:end]:
        seen |= mask
    part = found[first:end]
    return Clause(
        masks=masks[first:end],
        starts=[word.start for word in part],
        ends=[word.end for word in part],
        marks=[word.after_break for word in part],
        slips=slips[first:end],
        seen=seen,
        hits={},
    )
