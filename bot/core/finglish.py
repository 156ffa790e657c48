"""Persian in Latin letters (Finglish): consonant skeletons, vowel-aware comparison, and telling it from English.

Short vowels are free, so mikham, mixam, mikhaam and mykham are all «میخوام». Works on folded words.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby

_DIGRAPHS = {"kh": "خ", "gh": "ق", "sh": "ش", "ch": "چ", "zh": "ژ", "ck": "ک", "oo": "u"}
_SINGLES = {
    "b": "ب", "p": "پ", "t": "ت", "j": "ج", "c": "چ", "x": "خ", "d": "د", "r": "ر", "z": "ز", "s": "س", "q": "ق",
    "f": "ف", "k": "ک", "g": "گ", "l": "ل", "m": "م", "n": "ن", "h": "ه", "v": "و", "w": "و",
}  # fmt: skip
_VOWELS = frozenset("aeiouy")
_SOUND_OF = str.maketrans({
    **dict.fromkeys("صث", "س"), **dict.fromkeys("ذضظژ", "ز"), "ط": "ت", "ح": "ه", "غ": "ق",
})  # fmt: skip
_SKELETON_OF = str.maketrans({
    **dict.fromkeys("صث", "س"), **dict.fromkeys("ذضظژ", "ز"), "ط": "ت", "ح": "ه", "غ": "ق",
    "ا": "", "و": "", "ی": "", "ع": "",
})  # fmt: skip
_LONG_CHARS = 18
#: Above this the Latin word is not that Persian word.
COST_MAX = 4

#: What a Latin vowel run may stand for, with its cost in quarter slips.
_FITS: dict[str, dict[str, int]] = {
    "a": {"ا": 0, "ه": 1, "ع": 0, "و": 4},
    "e": {"ه": 0, "ی": 2, "ع": 0, "ا": 1},
    "i": {"ی": 0, "ا": 4},
    "o": {"و": 0, "ا": 2, "ع": 1},
    "u": {"و": 0, "ا": 3, "ع": 2},
    "y": {"ی": 0},
}
_LEFT_LATIN = {"a": 0, "e": 0, "o": 0, "i": 3, "u": 3, "y": 4}
_LEFT_PERSIAN = {"ا": 4, "ی": 5, "و": 4, "ع": 0, "ه": 5}

#: So many words in a row without one of these are not English.
_FINGLISH_RUN = 3
_ENGLISH = frozenset(
    "the is are was were you your he she his her my mine we they them this that and of it its for not have has had will "  # noqa: SIM905
    "would can could should i im dont what when where why how who with from on at be been do does did an as but if or by "
    "want just like love good please help me about there here your out up all get go know think".split()
)


def latin_units(word: str) -> list[str]:
    """Split a folded Latin word: Persian letters for consonants, Latin for vowels; doubled letters count once."""
    units: list[str] = []
    at = 0
    while at < len(word):
        pair = word[at : at + 2]
        if pair in _DIGRAPHS:
            unit, at = _DIGRAPHS[pair], at + 2
        else:
            unit, at = _SINGLES.get(word[at], word[at]), at + 1
        if not units or units[-1] != unit:
            units.append(unit.translate(_SOUND_OF))
    return units


def latin_skeleton(word: str) -> str:
    """Give the consonants of a folded Latin word as Persian letters, one letter for a sound, without و and ی."""
    units = latin_units(word)
    while len(units) > 1 and units[-1] == "ه" and units[-2] in _VOWELS:
        units.pop()
    return _undoubled("".join(unit for unit in units if unit not in _VOWELS and unit != "و"))


def persian_skeleton(word: str) -> str:
    """Give the consonants of a folded Persian word, comparable to latin_skeleton; a final silent ه is no consonant."""
    bones = word.translate(_SKELETON_OF)
    if bones.endswith("ه") and word.endswith("ه") and len(bones) > 1:
        bones = bones[:-1]
    return _undoubled(bones)


def _undoubled(bones: str) -> str:
    return "".join(one for at, one in enumerate(bones) if at == 0 or bones[at - 1] != one)


@lru_cache(maxsize=4096)
def latin_cost(latin: str, persian: str) -> int | None:
    """Say how badly a Latin word spells a Persian one, in quarter slips; None when it does not."""
    units = latin_units(latin)
    letters = persian.translate(_SOUND_OF)
    if len(units) > _LONG_CHARS or len(letters) > _LONG_CHARS:
        return None
    dropped = [_left_persian(letters, at) for at in range(len(letters))]
    before = [0]
    for letter in letters:
        before.append(before[-1] + _LEFT_PERSIAN.get(letter, 99))
    for at, unit in enumerate(units):
        left = _left_latin(units, at)
        row = [before[0] + left]
        for j, letter in enumerate(letters):
            paired = before[j] + (0 if unit == letter else _pair(unit, letter, last=j == len(letters) - 1))
            row.append(min(before[j + 1] + left, row[j] + dropped[j], paired))
        if min(row) > COST_MAX:
            return None  # costs only grow
        before = row
    return before[-1] if before[-1] <= COST_MAX else None


def _left_latin(units: list[str], at: int) -> int:
    if units[at] == "ه" and at == len(units) - 1:
        return 0
    return _LEFT_LATIN.get(units[at], 99)


def _left_persian(letters: str, at: int) -> int:
    if at and letters[at] == letters[at - 1]:
        return 0
    if letters[at] == "و" and at and letters[at - 1] == "خ":
        return 0
    if letters[at] == "ا" and at == 0:
        return 1
    return _LEFT_PERSIAN.get(letters[at], 99)


def _pair(unit: str, letter: str, *, last: bool) -> int:
    if letter == "ه" and not last:
        return 99
    return _FITS.get(unit, {}).get(letter, 99)


def is_latin(word: str) -> bool:
    """True for a folded word of Latin letters."""
    return word.isascii() and word.isalpha()


def is_english(words: list[str]) -> bool:
    """True when Latin words read as an English sentence: at least two function words, and a third of all."""
    known = sum(word in _ENGLISH for word in words)
    return known >= 2 and known * 3 >= len(words)


def english_places(words: Sequence[str]) -> frozenset[int]:
    """Give where English stands among folded words; three Latin words in a row that are none are Finglish all the same.

    So a cry in Finglish is heard though «please help me» stands beside it.
    """
    latin = [at for at, word in enumerate(words) if is_latin(word)]
    if not latin or not is_english([words[at] for at in latin]):
        return frozenset()
    runs = [list(run) for _, run in groupby(latin, key=lambda at: words[at] in _ENGLISH)]
    return frozenset(at for run in runs if words[run[0]] in _ENGLISH or len(run) < _FINGLISH_RUN for at in run)


_YES = frozenset("bale bali are areh aare ari ary baleh yes y yeah ok are ha hm".split())  # noqa: SIM905
_NO = frozenset("na nah kheyr kheir kheyir xeyr nakheyr no n nope nakheir".split())  # noqa: SIM905


def latin_yes_no(word: str) -> bool | None:
    """Read a folded Latin answer as yes or no; None when it is neither."""
    if word in _YES:
        return True
    return False if word in _NO else None
