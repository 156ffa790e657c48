"""Words that were written so that nobody else reads them: letter by letter, a digit for a letter, two scripts in one.

Gives another way to read the same words, or nothing for what is written as usual; the caller lets it only raise what
was heard. Places in the source are kept. Pure; knows the lexicon's forms and nothing of danger.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from itertools import pairwise

from bot.core.text import Word
from bot.triage.forms import Forms

#: So many letters by themselves in a row are spelt out; two may be «و» beside an initial.
_RUN_MIN = 3
#: Letters looked into in one text: nobody spells out more, a flood must not cost more.
_LETTERS_MAX = 120
_PIECE_CHARS, _WHOLE_CHARS = 12, 7
#: Words read again on both sides of what was spelt out: as much as one clause holds.
_AROUND = 16
#: So many words are read again in all.
_WORDS_MAX = 128
#: A letter beside a digit, or beside a letter of the other script.
_ODD = re.compile(r"[^\W\d_][0-9۰-۹٠-٩]|[0-9۰-۹٠-٩][^\W\d_]|[A-Za-z][\u0621-\u06d3]|[\u0621-\u06d3][A-Za-z]")
#: Digits that stand for letters, by their look or as in chats of Arabic speakers.
_AS_PERSIAN = str.maketrans({"0": "و", "1": "ا", "3": "ع", "5": "خ", "6": "ط", "7": "ح", "8": "غ", "9": "ق"})
_AS_LATIN = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "kh", "7": "h"})
_PAIRS = (("kh", "خ"), ("sh", "ش"), ("ch", "چ"), ("zh", "ژ"), ("gh", "ق"), ("oo", "و"), ("ee", "ی"))
_LETTERS = str.maketrans("abcdfghijklmnopqrstuvwxyz", "ابکدفگهیجکلمنوپقرستوووخیز")
_VOWELS = str.maketrans("", "", "aeiou")
_WORD_CHARS_MAX = 24


def respellings(text: str, found: list[Word], forms: Forms) -> Iterator[list[Word]]:
    """Give the words about what was spelt out, read as the words they are: no way when nothing was, or up to two.

    In the second, letters that no gap parts are one word, in the first the known words that they make.
    """
    is_odd = _ODD.search(text) is not None
    if not is_odd and sum([len(word.text) == 1 for word in found]) < _RUN_MIN:
        return
    runs = list(_runs(found))
    other_way = cache(partial(_other_way, forms)) if is_odd else _no_other
    first = _respelt(runs, other_way, lambda run: _words_of(text, run, forms))
    if first:
        yield first
        if any(len(run) >= _RUN_MIN for run in runs):
            second = _respelt(runs, other_way, lambda run: map(_joined, _pieces(text, run)))
            if second != first:
                yield second


def _respelt(
    runs: list[list[Word]], other_way: Callable[[str], str], words_of: Callable[[list[Word]], Iterable[Word]]
) -> list[Word]:
    """Put words for letters that stand alone, and for words in an odd spelling; only what stands about them is given."""
    out: list[Word] = []
    changed: list[int] = []
    for run in runs:
        if len(run) >= _RUN_MIN and len(changed) < _LETTERS_MAX:
            put = list(words_of(run))
            changed += range(len(out), len(out) + len(put))
            out += put
            continue
        for word in run:
            other = other_way(word.text) if len(changed) < _LETTERS_MAX else ""
            if other:
                changed.append(len(out))
            out.append(word._replace(text=other) if other else word)
    return _around(out, changed)


def _around(words: list[Word], changed: list[int]) -> list[Word]:
    """Give the words about each change; where some are left out, a clause ends."""
    kept: list[Word] = []
    end = 0
    for at in changed:
        first, last = max(at - _AROUND, end), min(at + _AROUND + 1, len(words))
        if first > end and kept:
            kept.append(words[first]._replace(after_break=True))
            first += 1
        kept += words[first:last]
        end = max(end, last)
    return kept[:_WORDS_MAX]


def _runs(found: list[Word]) -> Iterator[list[Word]]:
    """Give letters that stand alone one after the other together, every other word by itself."""
    run: list[Word] = []
    for word in found:
        if len(word.text) == 1 and word.text.isalpha() and len(run) < _LETTERS_MAX:
            run.append(word)
            continue
        if run:
            yield run
        run = []
        yield [word]
    if run:
        yield run


def _pieces(text: str, run: list[Word]) -> Iterator[list[Word]]:
    """Cut a run where it is wider, or where a space stands and elsewhere a mark: there one word ends."""
    gaps = [text[left.end : right.start] for left, right in pairwise(run)]
    usual = max(set(gaps), key=lambda gap: (gaps.count(gap), -len(gap), gap))
    first = 0
    for at, gap in enumerate(gaps, 1):
        if len(gap) > len(usual) or (gap.isspace() and not usual.isspace()):
            yield run[first:at]
            first = at
    yield run[first:]


def _words_of(text: str, run: list[Word], forms: Forms) -> Iterable[Word]:
    """Give the words that a run's gaps show, else the known ones that its letters make."""
    pieces = list(_pieces(text, run))
    return map(_joined, pieces) if len(pieces) > 1 else _cut(run, forms)


def _joined(run: list[Word]) -> Word:
    return Word("".join(word.text for word in run), run[0].start, run[-1].end, run[0].after_break)


def _cut(run: list[Word], forms: Forms) -> Iterator[Word]:
    """Join letters that no gap parts to known words, as few as do; to one word where that cannot be."""
    letters = "".join(word.text for word in run)
    never = 3 * len(run)
    best: list[tuple[int, int]] = [(0, 0), *[(never, 0)] * len(run)]
    for end in range(1, len(run) + 1):
        for size in range(1, min(end, _PIECE_CHARS) + 1):
            # A letter alone is seldom a word, and a very long one is two that were run together.
            parts = best[end - size][0] + (2 if size == 1 else 1 if size <= _WHOLE_CHARS else 3)
            if parts < best[end][0] and letters[end - size : end] in forms:
                best[end] = parts, end - size
    cuts = [len(run)]
    while cuts[-1] and best[len(run)][0] < never:
        cuts.append(best[cuts[-1]][1])
    if cuts[-1]:
        cuts = [len(run), 0]
    for start, end in zip(cuts[:0:-1], cuts[-2::-1], strict=True):
        yield _joined(run[start:end])


def _no_other(_word: str) -> str:
    return ""


def _other_way(forms: Forms, word: str) -> str:
    """Give the word that letters beside digits, or of two scripts, stand for; empty where there is none."""
    if not 2 < len(word) <= _WORD_CHARS_MAX or not _ODD.search(word) or word in forms:
        return ""
    latin = sum("a" <= char <= "z" for char in word)
    digits = sum(char.isdigit() for char in word)
    if latin and latin + digits == len(word):
        way = word.translate(_AS_LATIN) if latin > digits and not word[-1].isdigit() else word
        return way if way != word else ""
    ways = (_persian(word), _persian(word.translate(_VOWELS))) if latin else (word,)
    return next((way for one in ways if (way := one.translate(_AS_PERSIAN)) in forms), "")


def _persian(word: str) -> str:
    for pair, letter in _PAIRS:
        word = word.replace(pair, letter)
    return word.translate(_LETTERS).replace("e", "")
