"""What a text costs as SMS, and how it is made to fit. Pure; every SMS gateway uses it.

One Persian letter makes the whole text UCS-2: 70 units alone, 67 a part; Latin text is GSM-7: 160 and 153. The engine
numbers the answers in the text (sms mode), so buttons add nothing here; the list of answers is never cut.
Source: 3GPP TS 23.038 (alphabet), TS 23.040 (parts); domain.md §6.4.
"""

import re
from typing import Literal

PARTS_MAX = 2

_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: These cost an escape besides themselves.
_GSM7_ESCAPED = frozenset("\f^{}\\[~]|€")
_ONE_PART = {"gsm7": 160, "ucs2": 70}
_EACH_PART = {"gsm7": 153, "ucs2": 67}

#: A half-space after a letter that never joins the next one changes nothing to the eye.
_IDLE_ZWNJ = re.compile("(?:(?<=[آادذرزژوؤأإ \n])|^)\u200c|\u200c(?=[ \n]|$)")
_MANY_ZWNJ = re.compile("\u200c{2,}")
#: Old phones break on emoji, and each costs two units or more.
_EMOJI = re.compile("[\U00010000-\U0010ffff\u2600-\u27bf\ufe0f\u200d\u20e3]+")
_OTHER_SPACE = re.compile(r"[\t\u00a0\u202f]")
_SPACES = re.compile(" {2,}")
_BLANK_LINES = re.compile(r" ?\n\s*\n\s*")
_ANSWER = re.compile(r"(?:[0-9۰-۹]{1,2} \S|یا بنویسید: )")
_SENTENCE_END = re.compile(r"[.!?؟؛…](?= |$)|\n")
_MORE = "…"


def encoding(text: str) -> Literal["gsm7", "ucs2"]:
    """Name the alphabet a text needs."""
    return "gsm7" if all(char in _GSM7 or char in _GSM7_ESCAPED for char in text) else "ucs2"


def units(text: str) -> int:
    """Count what the text costs in its alphabet: septets, or UTF-16 units."""
    if encoding(text) == "gsm7":
        return len(text) + sum(char in _GSM7_ESCAPED for char in text)
    return len(text.encode("utf-16-le", "replace")) // 2


def parts(text: str) -> int:
    """Count the parts a text is sent in; an empty text is one."""
    size, kind = units(text), encoding(text)
    return 1 if size <= _ONE_PART[kind] else -(-size // _EACH_PART[kind])


def economical(text: str) -> str:
    """Take out what costs and says nothing: emoji, idle half-spaces, double spaces, blank lines.

    The other half-spaces go too when that alone saves a part.
    """
    lean = _OTHER_SPACE.sub(" ", _EMOJI.sub("", text.replace("\r\n", "\n")))
    lean = _IDLE_ZWNJ.sub("", _MANY_ZWNJ.sub("\u200c", lean))
    lean = _BLANK_LINES.sub("\n", _SPACES.sub(" ", lean))
    lean = "\n".join(line.strip() for line in lean.strip().split("\n"))
    leaner = lean.replace("\u200c", "")
    return leaner if parts(leaner) < parts(lean) else lean


def fit(text: str, most: int = PARTS_MAX) -> str:
    """Make a text fit in `most` parts: cut at the end of a sentence, or of a word; the numbered answers stay whole."""
    lean = economical(text)
    if parts(lean) <= most:
        return lean
    head, answers = _without_answers(lean)
    tail = f"\n{answers}" if answers else ""
    if parts(f"{_MORE}{tail}") > most:  # the answers alone are too long: nothing is worth keeping over them
        return _cut(lean, "", most)
    return _cut(head, tail, most)


def pages(text: str, most: int) -> list[str]:
    """Split a text into several SMS of at most PARTS_MAX parts each, losing nothing until `most` are full."""
    rest = economical(text)
    found: list[str] = []
    while len(found) < most - 1 and parts(rest) > PARTS_MAX:
        page = _cut(rest, "", PARTS_MAX, more="")
        found.append(page)
        rest = rest[len(page) :].lstrip()
    return [*found, fit(rest)] if rest or not found else found


def _without_answers(text: str) -> tuple[str, str]:
    lines = text.split("\n")
    first = len(lines)
    while first > 0 and _ANSWER.match(lines[first - 1]):
        first -= 1
    return "\n".join(lines[:first]), "\n".join(lines[first:])


def _cut(text: str, tail: str, most: int, more: str = _MORE) -> str:
    """Keep the longest beginning that fits with `tail`, ending with a sentence, else with a word."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if parts(text[:middle].rstrip() + more + tail) <= most else (low, middle - 1)
    kept = text[:low]
    ends = [found.end() for found in _SENTENCE_END.finditer(text[: low + 1]) if found.end() <= low]
    if ends and ends[-1] >= low // 2:
        return kept[: ends[-1]].rstrip() + tail
    space = kept.rfind(" ") if low < len(text) and text[low] not in " \n" else low
    return (kept[:space] if space > low // 2 else kept).rstrip() + more + tail
