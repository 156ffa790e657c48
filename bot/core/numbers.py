"""Numbers as people write them: digits of three scripts, and Persian number words, formal and spoken.

Used by the engine for counts, ages and numbered choices; «نه» alone is "no", not nine.
"""

import re

from bot.core.text import ascii_digits, fold

_ONES = {
    "صفر": 0, "یک": 1, "یه": 1, "یکی": 1, "دو": 2, "دوتا": 2, "سه": 3, "سهتا": 3, "چهار": 4, "چار": 4, "پنج": 5,
    "پنش": 5, "شش": 6, "شیش": 6, "هفت": 7, "هشت": 8, "نه": 9, "ده": 10, "یازده": 11, "دوازده": 12, "سیزده": 13,
    "چهارده": 14, "چارده": 14, "پانزده": 15, "پونزده": 15, "شانزده": 16, "شونزده": 16, "هفده": 17, "هیفده": 17,
    "هجده": 18, "هیجده": 18, "هژده": 18, "نوزده": 19,
    "اول": 1, "اولی": 1, "دوم": 2, "دومی": 2, "سوم": 3, "سومی": 3, "چهارم": 4, "چهارمی": 4, "پنجم": 5, "پنجمی": 5,
    "ششم": 6, "هفتم": 7, "هشتم": 8, "نهم": 9, "دهم": 10, "هیچ": 0, "هیچی": 0,
}  # fmt: skip
_TENS = {
    "بیست": 20, "سی": 30, "چهل": 40, "چل": 40, "پنجاه": 50, "شصت": 60, "شست": 60, "هفتاد": 70, "هشتاد": 80,
    "نود": 90,
}  # fmt: skip
_HUNDREDS = {
    "صد": 100, "یکصد": 100, "دویست": 200, "سیصد": 300, "چهارصد": 400, "پانصد": 500, "پونصد": 500, "ششصد": 600,
    "شیشصد": 600, "هفتصد": 700, "هشتصد": 800, "نهصد": 900,
}  # fmt: skip
_SCALES = {"هزار": 1_000, "میلیون": 1_000_000, "میلیارد": 1_000_000_000}
_SMALL = {**_ONES, **_TENS, **_HUNDREDS}
#: Words after which «نه» can only have been nine.
_COUNTED = frozenset({"تا", "سال", "ساله", "سالشه", "سالمه", "ماه", "ماهه", "نفر", "روز", "هفته", "ساعت", "بار", "بچه"})
_GROUPED = re.compile(r"(?<=\d)[,٬،'](?=\d{3}(?!\d))")
_LEADING_DIGITS = re.compile(r"\d{1,15}(?!\d)")
_GLUED = re.compile(r"(?:تا|ساله|سالمه|سالشه|ماهه|نفر|تایی|نفره)$")


def number_in(text: str) -> int | None:
    """Give the first number in a text («سه» and «۳ تا» are 3, «بیست و دو» is 22), or None.

    A number of more than 15 digits is no count and gives None.
    """
    tokens = fold(_GROUPED.sub("", ascii_digits(text[:4096]))).split()
    for at, token in enumerate(tokens):
        if token[0].isdigit():
            found = _LEADING_DIGITS.match(token)
            return _scaled(int(found.group()), tokens[at + 1 : at + 2]) if found else None
        value = _words_at(tokens, at)
        if value is not None:
            return value
    return None


def _scaled(value: int, following: list[str]) -> int:
    return value * _SCALES.get(following[0], 1) if following else value


def _words_at(tokens: list[str], start: int) -> int | None:
    """Read number words from `start`: parts joined by «و», scales multiply what stands before them."""
    total = part = 0
    at, seen = start, 0
    while at < len(tokens):
        token = tokens[at] if tokens[at] in _SMALL else _GLUED.sub("", tokens[at])
        if token in _SCALES:
            total, part = total + max(part, 1) * _SCALES[token], 0
        elif token in _SMALL:
            part += _SMALL[token]
        else:
            break
        seen += 1
        at += 1
        if at + 1 >= len(tokens) or tokens[at] != "و" or not _is_number_word(tokens[at + 1]):
            if at < len(tokens) and tokens[at] in _SCALES:
                continue
            break
        at += 1
    if not seen or (seen == 1 and _is_no(tokens, start)):
        return None
    return total + part


def _is_number_word(token: str) -> bool:
    return token in _SMALL or token in _SCALES


def _is_no(tokens: list[str], at: int) -> bool:
    """True when this «نه» is the answer no: nothing counted stands after it."""
    return tokens[at] == "نه" and not (at + 1 < len(tokens) and tokens[at + 1] in _COUNTED)
