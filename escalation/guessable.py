"""Passwords that are tried first: runs on a keyboard, what repeats, numbers alone, and known words with decoration.

Not a list of millions: whoever guesses gets a few tries in five minutes (escalation.passwords), so what counts is what
a colleague or an abuser who knows the office would try by hand.
"""

import re
import unicodedata
from itertools import pairwise

#: Neighbours on keyboards and in alphabets; read in both directions.
_ROWS = (
    "01234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik",
    "ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی",
    "ضصثقفغعهخحجچ",
    "شسیبلاتنمکگ",
    "ظطزرذدپو",
)
_STEPS = frozenset(pair for row in _ROWS for way in (row, row[::-1]) for pair in pairwise(way))
_TRIED = (
    "password passw0rd passwd admin administrator root user test login welcome letmein iloveyou qwerty monkey dragon"
    " football princess sunshine superman master shadow secret changeme default iran tehran emergency social hotline"
    " panah ourzhans urzhans orjans behzisti counsellor supervisor"
    " پناه اورژانس اجتماعی بهزیستی رمز گذرواژه سلام مدیر ادمین مددکار مشاور ایران تهران دوستت دارم"
)
_LOOKS_LIKE = str.maketrans("013457@$!", "oieastasi")
#: So many letters beside known words make a password of its own.
_OWN_LETTERS = 4
_UNIT_MAX = 8
_MOSTLY = 0.7


def is_guessable(password: str, *known: str) -> bool:
    """True for what is tried first; `known` is what an attacker knows besides: the user name, the display name."""
    plain = _plain(password)
    if _is_a_number(plain) or _repeats(plain) or _walks(plain):
        return True
    words = [*_TRIED.split(), *(word for name in known for word in re.findall(r"\w{3,}", _plain(name)))]
    return any(_is_decorated(form, words) for form in (plain, plain.translate(_LOOKS_LIKE)))


def _plain(text: str) -> str:
    """Give it in small letters, with ASCII digits, without spaces and signs that are not seen."""
    seen = (char for char in unicodedata.normalize("NFKC", text).casefold() if unicodedata.category(char) != "Cf")
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in seen if not char.isspace())


def _is_a_number(plain: str) -> bool:
    """True for digits alone, with a few marks between them: telephones, dates, national numbers."""
    return not any(char.isalpha() for char in plain) and sum(map(str.isdecimal, plain)) >= _MOSTLY * len(plain)


def _repeats(plain: str) -> bool:
    """True for one short unit said again and again."""
    sizes = range(1, min(_UNIT_MAX, len(plain) // 2) + 1)
    return any((plain[:size] * len(plain))[: len(plain)] == plain for size in sizes)


def _walks(plain: str) -> bool:
    """True when most of it goes from key to neighbouring key, or stays."""
    pairs = list(pairwise(plain))
    return sum(pair in _STEPS or pair[0] == pair[1] for pair in pairs) >= _MOSTLY * len(pairs)


def _is_decorated(plain: str, words: list[str]) -> bool:
    """True when known words are in it, and next to nothing but digits and marks is left once they are out."""
    left = plain
    for word in sorted(words, key=len, reverse=True):
        left = left.replace(word, " ")
    return left != plain and sum(map(str.isalpha, left)) < _OWN_LETTERS
