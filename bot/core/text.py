"""Persian as people type it, folded to one key: letters, digits, marks, invisibles, repeats.

`fold` gives the key that matching uses, `display` a gently cleaned text, `words` the folded words with their
places in the source. Nothing here raises on what a stranger wrote (lone surrogates, NUL, a megabyte).
"""

import re
import unicodedata
from functools import lru_cache, partial
from operator import itemgetter
from typing import NamedTuple

PERSIAN_DIGITS = "۰۱۲۳۴۵۶۷۸۹"
_TO_PERSIAN_DIGITS = str.maketrans("0123456789", PERSIAN_DIGITS)
_TO_ASCII_DIGITS = str.maketrans(PERSIAN_DIGITS + "٠١٢٣٤٥٦٧٨٩", "0123456789" * 2)

#: Letters that Persian readers take for one another. Kurdish and Azeri letters stay: they tell the language.
_LETTERS: dict[str, str] = {
    **dict.fromkeys("يىېۍئےﺉ", "ی"),
    **dict.fromkeys("كڪ", "ک"),
    **dict.fromkeys("ةۀہۂھۃ", "ه"),
    **dict.fromkeys("آأإٱ", "ا"),
    "ؤ": "و",
    "ء": "",
}
#: Joined away: the half-space in its four disguises, tatweel, and the apostrophes of Finglish.
_JOINED = frozenset("\u200c\u200d\u200e\u200f\u00ac\u00ad\ufeff\u0640'`\u2018\u2019\u02bc")
#: Marks that end a clause; words() reports them, fold() turns them into spaces.
_BREAKS = frozenset('.!?؟؛;،,:\n\r…()[]{}«»"|/\\')
#: Most characters a table remembers: a stranger may send all of Unicode, Persian needs a few hundred.
_REMEMBERED_MAX = 4096

#: A single sign that is spelt with more letters (blessings such as ﷺ: eighteen) counts as a space: it says nothing of
#: danger, and a message full of it would be eighteen times as long to read.
_SPELT_MAX = 8

_REPEATED = re.compile(r"([^\W\d_])\1{2,}")
#: A function, not a template: Python 3.11 reads a template anew for each call.
_held_once = partial(_REPEATED.sub, itemgetter(1))
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_SPACES = re.compile(r"[ \t\u00a0]+")
#: What nobody sees and what turns a line round: controls, direction marks that reach over other text, tags. The
#: half-space and the two marks that only stand beside a letter are none of them.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def _key_of(char: str) -> str:
    """Give one character's part of the key: a letter or digit, a space, or nothing."""
    if char in _LETTERS:
        return _LETTERS[char]
    if char in _JOINED:
        return ""
    category = unicodedata.category(char)
    if category in {"Mn", "Me", "Cf", "Cs", "Cn", "Co"}:
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category[0] not in "LN" and category != "Mc":
        return " "
    plain = unicodedata.normalize("NFKD", char.casefold())
    if len(plain) > _SPELT_MAX:
        plain = " "
    return plain if plain in {char, " "} else "".join(map(_key_of, plain))


class _KeyTable(dict[int, str]):
    """Code point to its part of the key, worked out when first met."""

    def __missing__(self, code: int) -> str:
        part = _key_of(chr(code))
        if len(self) < _REMEMBERED_MAX:
            self[code] = part
        return part


class _MarkedTable(dict[int, str]):
    """As the key, but one character for one: what vanishes leaves NUL, what ends a clause a line feed."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        part = "\n" if char in _BREAKS else _key_of(char) or "\0"
        if len(self) < _REMEMBERED_MAX:
            self[code] = part
        return part


_KEY = _KeyTable()
_MARKED = _MarkedTable()


def fold(text: str) -> str:
    """Give the matching key: equal for all the ways one thing is typed.

    Half-spaces join («می‌خوام» is «میخوام»); three or more of one letter are one; digits of all scripts are ASCII;
    punctuation and emoji are spaces, and spaces are single. Idempotent. Source: domain.md §5.1.
    """
    if text.isascii() and text.isdecimal():
        return text  # the commonest answer of all
    key = text.translate(_KEY)
    return " ".join(_held_once(key).split())


def hides_signs(text: str) -> bool:
    """True when one line holds what nobody sees and what changes how the rest of it is shown."""
    return _UNSEEN.search(text) is not None


def squash(text: str) -> str:
    """Give the key without any space, for comparing answers however they were spaced."""
    return _held_once(text.translate(_KEY).replace(" ", ""))


class Word(NamedTuple):
    """One folded word, where it stands in the source, and whether a clause mark or new line stands before it."""

    text: str
    start: int
    end: int
    after_break: bool


def words(text: str) -> list[Word]:
    """Give the folded words with their character offsets in `text`, in order."""
    marked = text.translate(_MARKED)
    places: list[int] | None = None
    if len(marked) != len(text):  # a ligature opened («ﻻ»): remember for each letter where it came from
        places = [at for at, char in enumerate(text) for _ in _MARKED[ord(char)]]
    found: list[Word] = []
    held = _REPEATED.search(marked.replace("\0", "")) is not None  # few texts have a held-down letter: look once
    at = 0
    broken = False
    for line in marked.split("\n"):
        for chunk in line.split(" "):
            key = chunk.replace("\0", "") if "\0" in chunk else chunk
            if key:
                start, end = _span(at, len(chunk), places)
                found.append(Word(_held_once(key) if held else key, start, end, broken))
                broken = False
            at += len(chunk) + 1
        broken = True
    return found


def _span(at: int, length: int, places: list[int] | None) -> tuple[int, int]:
    if places is None:
        return at, at + length
    return places[at], places[at + length - 1] + 1


def display(text: str) -> str:
    """Clean a text gently for people to read: one kind of ی and ک, no control characters, tidy spaces.

    Half-spaces, line breaks and emoji stay as they were typed.
    """
    clean = unicodedata.normalize("NFC", _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
    clean = clean.replace("ي", "ی").replace("ك", "ک")
    return "\n".join(_SPACES.sub(" ", line).strip() for line in clean.split("\n")).strip()


def persian_digits(value: object) -> str:
    """Write a value with Persian digits."""
    return str(value).translate(_TO_PERSIAN_DIGITS)


def ascii_digits(text: str) -> str:
    """Turn Persian and Arabic digits into ASCII; everything else stays."""
    return text.translate(_TO_ASCII_DIGITS)


# One letter for each sound: what a hurried or little-schooled writer confuses.
_SOUNDS = str.maketrans({
    **dict.fromkeys("صث", "س"), **dict.fromkeys("ذضظ", "ز"), "ط": "ت", "ح": "ه", "غ": "ق", "ع": "ا",
})  # fmt: skip
_CLOSE_CHARS_MAX = 64


def same_answer(a: str, b: str) -> bool:
    """True when two texts are one answer but for spelling of letters, digits, spaces and punctuation."""
    return squash(a) == squash(b)


def close(a: str, b: str) -> bool:
    """True when two texts are one answer but for a slip or two; short answers forgive nothing but sound-alikes.

    A number is never close to another number.
    """
    left, right = _sounds(a), _sounds(b)
    if left == right:
        return True
    shorter, longer = sorted((left, right), key=len)
    if not shorter or len(longer) > _CLOSE_CHARS_MAX or any(char.isdigit() for char in left + right):
        return False
    allowed = 0 if len(shorter) < 4 else 1 if len(shorter) < 8 else 2
    return len(longer) - len(shorter) <= allowed and edit_distance(left, right) <= allowed


@lru_cache(maxsize=2048)
def _sounds_of(key: str) -> str:
    return key.translate(_SOUNDS)


def _sounds(text: str) -> str:
    return _sounds_of(squash(text[: 4 * _CLOSE_CHARS_MAX]))


def edit_distance(a: str, b: str) -> int:
    """Count the slips between two short words: a letter added, dropped, changed, or two neighbours swapped."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, right in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]
