"""What a misspelt word or a short clause was meant to be: one realistic slip, or letters of the same sound.

Words are found by trying slips, not by an index of all of them (which would weigh more than all the rest); a table of
which letters stand between which keeps the tries few. Clauses are looked up among the example cries by deletions.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise

from bot.core.text import edit_distance, squash

#: Keys that lie beside one another, as letters of the standard Persian keyboard; row by row.
_ROWS = ("ضصثقفغعهخحجچ", "شسیبلاتنمکگ", "ظطزرذدپو")
_SOUNDS = ("سصث", "زذضظژ", "تط", "هح", "قغ", "اع", "پب", "کگ", "جچ")
#: Letters that are spoken alike: a writer of little schooling takes any of them.
_SPOKEN_ALIKE = ("سصث", "زذضظ", "تط", "هح", "قغ", "اع")
_KEY_SLIP_CHARS_MIN = 5
_WORD_CHARS_MIN = 4
_SPELLINGS_MAX = 64
_EDGE = " "


def _neighbours() -> dict[str, str]:
    near: dict[str, set[str]] = {}
    for row in _ROWS:
        for left, right in pairwise(row):
            near.setdefault(left, set()).add(right)
            near.setdefault(right, set()).add(left)
    return {letter: "".join(sorted(others)) for letter, others in near.items()}


_NEAR = _neighbours()
_SAME_SOUND = {letter: group.replace(letter, "") for group in _SOUNDS for letter in group}
_ALIKE = {letter: group for group in _SPOKEN_ALIKE for letter in group}


class Speller:
    """Finds the known words that a misspelt one may have been meant to be."""

    def __init__(self, known: Iterable[str], known_among: Callable[[Iterable[str]], list[str]]) -> None:
        self._known_among = known_among
        between: dict[str, set[str]] = {}
        for form in known:
            edged = f"{_EDGE}{form}{_EDGE}"
            for left, letter, right in zip(edged, edged[1:], edged[2:], strict=False):
                between.setdefault(left + right, set()).add(letter)
        #: Letters that stand between two others in some known word.
        self._between = {pair: "".join(sorted(letters)) for pair, letters in between.items()}

    def alike(self, word: str) -> list[str]:
        """Give the known words that sound as this one is spelt: «شوحرم», «معطاد», «گزاشت»."""
        if len(word) < _WORD_CHARS_MIN:
            return []
        spellings = [""]
        for letter in word:
            group = _ALIKE.get(letter, letter)
            if len(spellings) * len(group) > _SPELLINGS_MAX:
                group = letter
            spellings = [begun + one for begun in spellings for one in group]
        return self._known_among(spellings)

    def near(self, word: str) -> list[str]:
        """Give the known words one slip away: a letter left out, doubled, swapped, or of another key or sound."""
        if len(word) < _WORD_CHARS_MIN:
            return []
        tries: list[str] = []
        edged = f"{_EDGE}{word}{_EDGE}"
        for at in range(len(word) + 1):
            head, tail = word[:at], word[at:]
            tries += [head + letter + tail for letter in self._between.get(edged[at : at + 2], "")]
            if tail:
                tries += _changed(head, tail, keys=len(word) >= _KEY_SLIP_CHARS_MIN)
        return list(dict.fromkeys(self._known_among(tries)))


def _changed(head: str, tail: str, *, keys: bool) -> list[str]:
    """Give the spellings with the first letter of `tail` changed, swapped with the next, or not doubled."""
    letter, rest = tail[0], tail[1:]
    others = _SAME_SOUND.get(letter, "") + (_NEAR.get(letter, "") if keys else "")
    made = [head + other + rest for other in others]
    if rest and rest[0] != letter:
        made.append(head + rest[0] + letter + rest[1:])
    elif rest:
        made.append(head + rest)
    return made


def near_example(examples: Mapping[int, str], key: str) -> str | None:
    """Give the example that a spaceless key spells with at most one slip, None when there is none."""
    found = examples.get(hash(key))
    if found is not None and edit_distance(key, squash(found)) <= 1:
        return found
    for at in range(len(key)):
        found = examples.get(hash(key[:at] + key[at + 1 :]))
        if found is not None and edit_distance(key, squash(found)) <= 1:
            return found
    return None
