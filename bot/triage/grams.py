"""From words to numbered features: pieces of words, word stems and pairs of stems, one letter for a sound.

Pieces of words forgive slips, endings and dialects; pairs keep who does what. A feature is a bucket of a table of
fixed size (CRC-32), so nothing is looked up by name. A word is kept as bytes, one a letter: cutting those is cheap.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from zlib import crc32

from bot.core.finglish import english_places, latin_units
from bot.core.text import Word

#: Buckets of the table: pieces of words in its lower half, stems and pairs of stems in the upper one. Some features
#: share one: a table a quarter as large heard 2 of 100 fewer, one four times as large hardly more.
SIZE = 1 << 20
STEMS_FROM = SIZE >> 1
_MASK = STEMS_FROM - 1
#: Buckets of the small tables that tell kinds apart: words and their stems.
KIND_SIZE = 1 << 15
_KIND_MASK = KIND_SIZE - 1
#: Words scored at once. A long message is as grave as its gravest part; its length adds no chances.
WINDOW = 32
#: Added to the squared length of every text, as if it had some five more words that say nothing: two words alone
#: must not shout louder than a whole story.
GROUND = 4000.0
_PIECES = (2, 3, 4, 5)
#: Letters of each word that a piece across a space may take. Such a piece has four or five letters: (tail, head).
_REACH = 4
_ACROSS = tuple((tail, size - tail) for size in (4, 5) for tail in range(1, _REACH + 1) if 0 < size - tail <= _REACH)
_WORD_CHARS_MAX = 24
_STEM_CHARS_MIN = 3

#: One byte a letter; it has every Persian letter but ی, for which its Arabic brother stands.
_LETTERS = "cp1256"
_SOUNDS = str.maketrans({
    **dict.fromkeys("صث", "س"), **dict.fromkeys("ذضظ", "ز"), "ط": "ت", "ح": "ه", "غ": "ق", "ع": "ا",
    **dict.fromkeys("یێ", "ي"), "ە": "ه", "ۆ": "و", "ڵ": "ل", "ڕ": "ر",
})  # fmt: skip
_VOWELS = {"a": "ا", "e": "", "i": "ي", "o": "و", "u": "و", "y": "ي"}


def _in_bytes(letters: str) -> bytes:
    return letters.translate(_SOUNDS).encode(_LETTERS, "replace")


_PREFIXES = (_in_bytes("نمی"), _in_bytes("می"))
_ENDINGS = sorted(
    map(
        _in_bytes,
        [
            "هایم",
            "هایت",
            "هایش",
            "هامون",
            "هاشون",
            "هاتون",
            "هامو",
            "هاشو",
            "هاتو",
            "های",
            "هاش",
            "هام",
            "هات",
            "ها",
            "مون",
            "تون",
            "شون",
            "ام",
            "ات",
            "اش",
            "مو",
            "تو",
            "شو",
            "م",
            "ت",
            "ش",
            "ی",
            "و",
            "ه",
            "ن",
            "ند",
            "ید",
            "یم",
            "ان",
        ],
    ),
    key=len,
    reverse=True,
)
#: What a space tore off its word: «بچه ها».
_SUFFIXES = frozenset(
    map(
        _in_bytes,
        [
            "ها",
            "های",
            "هام",
            "هات",
            "هاش",
            "هامو",
            "هاشو",
            "هامون",
            "ام",
            "ات",
            "اش",
            "م",
            "ت",
            "ش",
            "مو",
            "تو",
            "شو",
            "مون",
            "تون",
            "شون",
            "ان",
            "ای",
            "اند",
            "ایم",
            "اید",
            "یم",
            "ید",
            "ند",
            "رو",
        ],
    )
)


class Token(NamedTuple):
    """One word by its sound, with its place in the source."""

    sound: bytes
    start: int
    end: int


def tokens(found: Sequence[Word]) -> list[Token]:
    """Give words by their sound; Finglish in Persian letters, numbers as one sign, no English."""
    english = english_places([word.text for word in found])
    if english:
        found = [word for at, word in enumerate(found) if at not in english]
    out: list[Token] = []
    for word in found:
        sound = _sound(word.text)
        if out and (out[-1].sound in _PREFIXES or sound in _SUFFIXES) and not word.after_break:
            out[-1] = Token(out[-1].sound + sound, out[-1].start, word.end)
        elif sound:
            out.append(Token(sound, word.start, word.end))
    return out


def windows(count: int) -> list[tuple[int, int]]:
    """Cut a text of so many words into overlapping parts: where each begins and ends."""
    if count <= WINDOW:
        return [(0, count)]
    return [(at, min(at + WINDOW, count)) for at in range(0, count - WINDOW // 2, WINDOW // 2)]


@lru_cache(maxsize=8192)
def _sound(word: str) -> bytes:
    if word[0].isdigit():
        return b"0" if len(word) > 1 else word.encode(_LETTERS, "replace")
    word = word[:_WORD_CHARS_MAX]
    if not word.isascii():
        return _in_bytes(word)
    units = latin_units(word)
    last = len(units) - 1
    return _in_bytes(
        "".join("ه" if unit == "e" and at == last else _VOWELS.get(unit, unit) for at, unit in enumerate(units))
    )


def stem_of(sound: bytes) -> bytes:
    """Give a word without the commonest prefix and one ending, when enough is left."""
    for prefix in _PREFIXES:
        if sound.startswith(prefix) and len(sound) - len(prefix) > 1:
            sound = sound[len(prefix) :]
            break
    for ending in _ENDINGS:
        if sound.endswith(ending) and len(sound) - len(ending) >= _STEM_CHARS_MIN:
            return sound[: -len(ending)]
    return sound


def of_word(sound: bytes, stem: bytes) -> list[int]:
    """Give the buckets of a word by itself."""
    framed = b"<%b>" % sound
    length = len(framed)
    found = [crc32(framed[at : at + size]) & _MASK for size in _PIECES for at in range(length - size + 1)]
    found.append(crc32(stem, _STEM_MARK) & _MASK | STEMS_FROM)
    return found


_STEM_MARK = crc32(b"w:")


def between(sounds: Sequence[bytes], stems: Sequence[bytes]) -> list[int]:
    """Give the buckets that lie between words: neighbours, neighbours but one, and pieces across each space."""
    found = [crc32(b"%b_%b" % pair) & _MASK | STEMS_FROM for pair in pairwise(stems)]
    found += [crc32(b"%b__%b" % pair) & _MASK | STEMS_FROM for pair in zip(stems, stems[2:], strict=False)]
    for left, right in pairwise(sounds):
        found += [crc32(b"%b %b" % (left[-tail:], right[:head])) & _MASK for tail, head in _ACROSS]
    return found


def kinds_of_word(sound: bytes, stem: bytes) -> tuple[int, int]:
    """Give the buckets of a word in the small tables of kinds: its stem's and its own."""
    return crc32(stem, _STEM_MARK) & _KIND_MASK, crc32(sound) & _KIND_MASK
