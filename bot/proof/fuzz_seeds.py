"""What hurts Python, Persian text and parsers, and a mutator that puts it where it hurts: into a tree, or into bytes.

All randomness is the caller's `random.Random`, so that a seed and a number are the whole of an input.
"""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

#: The longest input that is made: what a webhook reads of a body, and a little more.
BYTES_MAX = 1_100_000

#: Texts a person never types, and some that she does.
TEXTS: tuple[str, ...] = (
    "", " ", "\0", "\0\0کمک\0", "\ud800", "کمک\udfff", "\ud83d", "\u202eکمک\u202c", "\u2066\u2067\u2068\u2069", "\ufeffسلام",
    "ک\u200cم\u200cک", "\u200c" * 500, "کـــــــــــمک", "ا" + "\u064b\u0651" * 400, "e\u0301" * 900, "ﷺ" * 800, "ﷲﷴﷵ",
    "İıſßﬁﬀ", "１２３۱۲۳١٢٣", "۱" * 5000, "1" * 5000, "-1", "1e999", "NaN", "Infinity", "0x10", "½", "²³", "៱៲", "𝟙𝟚𝟛",
    "👩‍👩‍👧‍👦" * 200, "🇮🇷" * 300, "\u20e3", "\U000e0001", "\U0010ffff", "\uffff", "\x1b[31m", "%00%ff", "&lt;script&gt;",
    "<script>alert(1)</script>", "{{7*7}}", "${x}", "=cmd|' /C calc'!A0", "'; DROP TABLE inbox; --", "../../etc/passwd",
    "\r\n\r\n", "\n" * 3000, "\t" * 300, "\u2028\u2029\x85", "a" * 4095 + "😀", "کمک " * 1100, "mikham bemiram " * 300,
    "میخوام خودمو بکشم", "شوهرم داره منو میزنه کمک", "قرص خوردم که بمیرم", "نمیخوام بمیرم", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "می‌خواهم" * 600, "خ" * 4096, "نه" * 2000, "ن" * 17 + "ه", "a:b:c", "v1:welcome:1:yes", "/start", "0", "۰", "لغو", "پاک کن",
)  # fmt: skip
#: Values that stand where another was expected.
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63, 2**64, 10**400, -(10**400), 0.1, 1e308, -0.0, float("nan"), float("inf"),
    float("-inf"), [], {}, [[]], {"": ""}, [None], {"id": None}, {"id": -5}, {"id": "7"}, {"type": "group"}, "private",
)  # fmt: skip
#: Bytes that are put in, whatever they break.
BYTES: tuple[bytes, ...] = (
    b"[" * 100_000, b'{"a":' * 50_000, b'{"a":[' * 20_000, b"]" * 1000, b"1" * 5000, b"-" + b"9" * 5000, b"NaN", b"-Infinity",
    b"1e99999", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\\ud800", b"\\udfff\\ud800", b"\\u0000",
    b"\\", b'"', b"\r\n", b"&" * 3000, b"%", b"%ff%fe", b"%00", b"+" * 2000, b"=", b"a=b&" * 500, b": ", b"- ", b"&a [*a,*a]", b"<<: *a",
    b"!!python/object/apply:os.system [x]", b"? ", b"|\n", b">-\n", b"%YAML 9.9\n", b"---\n", b"\t", b"{" * 300, b"- " * 2000,
    b"x: " * 500, b"'" * 99, b"#", b"@", b"`", b"\xe2\x80\xae", b"\xe2\x80\x8c", b"\xc2\x85", b"a" * 1_000_000,
    # a small mapping that names itself again and again: nine billion laughs once somebody follows the names
    b"a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n",
)  # fmt: skip


class Mutator:
    """Makes broken copies of sound examples."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def text(self, examples: Sequence[str] = TEXTS) -> str:
        """Give a text: an example, a nasty one, several joined, or one with its letters disturbed."""
        rng = self.rng
        chosen = rng.choice((rng.choice(TEXTS), rng.choice(examples)))
        for _ in range(rng.choice((0, 0, 1, 1, 2, 5))):
            at = rng.randrange(len(chosen) + 1)
            chosen = rng.choice(_TEXT_CHANGES)(rng, chosen, at)
        return chosen[:BYTES_MAX]

    def json(self, examples: Sequence[Any]) -> bytes:
        """Give JSON, or nearly: an example with parts of its tree replaced, then perhaps broken as bytes."""
        rng = self.rng
        tree = json.loads(json.dumps(rng.choice(examples)))
        for _ in range(rng.choice((0, 1, 1, 1, 2, 4))):
            tree = self._graft(tree, examples)
        written = json.dumps(tree, ensure_ascii=rng.random() < 0.5)
        raw = written.encode("utf-8", "surrogatepass")
        return self.bytes(raw) if rng.random() < 0.4 else raw[:BYTES_MAX]

    def bytes(self, raw: bytes) -> bytes:
        """Give the bytes with slices cut out, doubled, swapped, flipped or nasty ones put in."""
        for _ in range(self.rng.choice((1, 1, 1, 2, 3, 6))):
            at = self.rng.randrange(len(raw) + 1)
            raw = self.rng.choice(_BYTE_CHANGES)(self.rng, raw, at)
        return raw[:BYTES_MAX]

    def lines(self, text: str) -> str:
        """Give a text of lines (YAML, a lexicon) with lines dropped, doubled, moved, indented or torn."""
        rng = self.rng
        lines = text.split("\n")
        for _ in range(rng.choice((1, 1, 2, 3, 8))):
            at = rng.randrange(len(lines))
            other = rng.randrange(len(lines))
            change = rng.randrange(7)
            if change == 0 and len(lines) > 1:
                del lines[at]
            elif change == 1:
                lines.insert(other, lines[at])
            elif change == 2:
                lines[at], lines[other] = lines[other], lines[at]
            elif change == 3:
                lines[at] = " " * rng.randrange(1, 9) + lines[at]
            elif change == 4:
                lines[at] = lines[at].lstrip()
            elif change == 5:
                key, colon, _ = lines[at].partition(":")
                said = self.text()[:2000] if rng.random() < 0.3 else rng.choice(lines).partition(":")[2].strip()
                lines[at] = f"{key}{colon} {json.dumps(said) if rng.random() < 0.5 else said}"
            else:
                head, _, tail = lines[at].partition(" ")
                lines[at] = f"{head} {tail[: rng.randrange(len(tail) + 1)]}"
        return "\n".join(lines)[:BYTES_MAX]

    def _graft(self, tree: Any, examples: Sequence[Any]) -> Any:
        """Replace one part of a tree, chosen evenly among all."""
        places = list(_places(tree))
        if not places:
            return self._value(examples)
        holder, key = self.rng.choice(places)
        change = self.rng.randrange(6)
        if change == 0:
            del holder[key]
        elif change == 1 and isinstance(holder, dict):
            holder[self.text()[:60]] = holder.pop(key)
        elif change == 2:
            for _ in range(self.rng.choice((1, 31, 40, 150))):
                holder[key] = [holder[key]] if self.rng.random() < 0.5 else {"a": holder[key]}
        else:
            holder[key] = self._value(examples)
        return tree

    def _value(self, examples: Sequence[Any]) -> Any:
        if self.rng.random() < 0.4:
            return self.text()
        if self.rng.random() < 0.3:
            return json.loads(json.dumps(self.rng.choice(examples)))
        return json.loads(json.dumps(self.rng.choice(VALUES)))


def _places(tree: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        keys: Sequence[Any] = (
            list(part) if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ()
        )
        found.extend((part, key) for key in keys)
        waiting.extend(part[key] for key in keys)
    return found


_TEXT_CHANGES: tuple[Callable[[random.Random, str, int], str], ...] = (
    lambda rng, text, at: text[:at] + rng.choice(TEXTS) + text[at:],
    lambda rng, text, at: text[:at] + text[at + rng.randrange(1, 9) :],
    lambda rng, text, at: text[:at] + chr(rng.randrange(0x110000)) + text[at:],
    lambda rng, text, at: text[:at] + rng.choice("‌ـًّ\u200f\u202e\u2066 \n") * rng.choice((1, 3, 100)) + text[at:],
    lambda rng, text, at: text[:at] + text[: at + 1] * rng.choice((2, 9)) + text[at:],
    lambda rng, text, _: rng.choice(TEXTS) + " " + text,
    lambda _, text, at: text[:at] + text[at:].translate({ord("ی"): "ي", ord("ک"): "ك", ord("ه"): "ة"}),
)
_BYTE_CHANGES: tuple[Callable[[random.Random, bytes, int], bytes], ...] = (
    lambda rng, raw, at: raw[:at] + rng.choice(BYTES) + raw[at:],
    lambda rng, raw, at: raw[:at] + rng.choice(BYTES[10:40]) + raw[at:],
    lambda rng, raw, at: raw[:at] + raw[at + rng.choice((1, 2, 30)) :],
    lambda rng, raw, at: raw[:at] + bytes([rng.randrange(256)]) + raw[at + 1 :],
    lambda _, raw, at: raw[:at],
    lambda _, raw, at: raw[at:] + raw[:at],
    lambda rng, raw, at: raw[:at] + raw[at : at + 40] * rng.choice((2, 50)) + raw[at:],
)
