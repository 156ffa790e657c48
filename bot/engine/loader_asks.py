"""One `ask` of a script: its answer type, options, silence and unclear (flow-language §2.1)."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from bot.engine.loader_fields import Fields, Reading, shown
from bot.engine.nodes import Map, Node, Scalar, Seq
from bot.engine.parts import (
    AnswerSpec,
    Choice,
    Danger,
    Date,
    FreeText,
    Media,
    Multi,
    Number,
    Option,
    Phone,
    Place,
    Scale,
    Silence,
    Unclear,
)

#: What a refusal says when the author gives it no label.
SKIP_LABEL = "نمی‌خواهم بگویم"
_YES_NO = {"yes": "بله", "no": "نه"}
_DAYS = {"d": 1, "m": 31, "y": 366}
_Typed = tuple[AnswerSpec, tuple[Option, ...]]


def read_option(reading: Reading, key: str, node: Node, label: str = "") -> Option:
    """Read a label, or a map with label, accept, danger, kinds, covert, go, points."""
    if isinstance(node, Scalar):
        return Option(key=key, label=label if not node.text and label else reading.text_of(node, key))
    found = reading.fields(node, key)
    if not label:
        found.need("label")
    option = Option(
        key=key,
        label=found.text("label", label),
        accept=found.words("accept"),
        danger=cast("Danger | None", found.one_of("danger", ("low", "high", "immediate")) or None),
        kinds=found.kinds(),
        covert=found.flag("covert", default=False),
        go=found.key("go"),
        points=found.whole("points", 0, 99, 0),
    )
    found.done()
    return option


def read_silence(found: Fields) -> Silence | None:
    """Read the key `silence` of a file, an ask or a screen."""
    inner = found.child("silence")
    if inner is None:
        return None
    inner.need("after")
    silence = Silence(
        after_s=inner.seconds("after", 60, 72 * 3600, 60),
        remind=inner.whole("remind", 0, 2, 0),
        remind_text=inner.words("remind_text", 3),
        then=inner.key("then", "settle"),
    )
    inner.done()
    return silence


def read_unclear(found: Fields) -> Unclear:
    """Read the key `unclear` of an ask."""
    inner = found.child("unclear")
    if inner is None:
        return Unclear()
    unclear = Unclear(tries=inner.whole("tries", 0, 4, 2), text=inner.words("text", 3), then=inner.key("then", "human"))
    inner.done()
    return unclear


def read_answer_type(found: Fields, name: str) -> _Typed:
    """Read the one type key of an ask and its options, the skip last unless the author placed it."""
    present = [key for key in ANSWER_TYPES if found.has(key)]
    if len(present) == 1:
        node = found.take(present[0])
        assert node is not None
        spec, options = ANSWER_TYPES[present[0]](found.reading, node)
        return spec, options + _skip(found, options)
    found.reading.report("which_type", found.at, name=name)
    for key in (*ANSWER_TYPES, "skip"):
        found.take(key)
    return Choice(), ()


def _skip(found: Fields, options: tuple[Option, ...]) -> tuple[Option, ...]:
    node = found.take("skip")
    if node is None:
        return ()
    if any(option.key == "skip" for option in options):
        found.reading.report("duplicate_key", node.at, name="skip")
        return ()
    return (read_option(found.reading, "skip", node, SKIP_LABEL),)


def _options(reading: Reading, node: Node, name: str, most: int) -> tuple[Option, ...]:
    entries = reading.fields(node, name).each()
    if not entries or len(entries) > most:
        reading.report("too_large", node.at, name=name, size=len(entries), most=most)
    labels = {"skip": SKIP_LABEL}
    return tuple(read_option(reading, entry.key, entry.value, labels.get(entry.key, "")) for entry in entries[:most])


def _choice(reading: Reading, node: Node) -> _Typed:
    return Choice(), _options(reading, node, "choice", 12)


def _yes_no(reading: Reading, node: Node) -> _Typed:
    found = reading.fields(node, "yes_no")
    options = []
    for key, label in _YES_NO.items():
        inner = found.take(key)
        options.append(Option(key=key, label=label) if inner is None else read_option(reading, key, inner, label))
    found.done()
    return Choice(yes_no=True), tuple(options)


def _multi(reading: Reading, node: Node) -> _Typed:
    inner = [entry for entry in node.entries if entry.key in {"least", "most"}] if isinstance(node, Map) else []
    rest = Map(node.at, [entry for entry in node.entries if entry not in inner]) if isinstance(node, Map) else node
    options = _options(reading, rest, "multi", 12)
    bounds = {entry.key: reading.whole_of(entry.value, entry.key, 0, len(options)) for entry in inner}
    return Multi(least=bounds.get("least", 0), most=bounds.get("most", len(options))), options


def _scale(reading: Reading, node: Node) -> _Typed:
    found = reading.fields(node, "scale")
    low, high = found.whole("min", 1, 99, 1), found.whole("max", 1, 99, 10)
    ends = found.words("ends", 2)
    found.done()
    if low >= high:
        reading.report("bad_value", node.at, name="scale", value=f"{low}..{high}", expected="min < max")
        low, high = 1, 10
    return Scale(low=low, high=high, ends=ends), ()


def _number(reading: Reading, node: Node) -> _Typed:
    found = reading.fields(node, "number")
    if (zero := found.take("min")) is not None and isinstance(zero, Scalar) and zero.text in {"0", "۰"}:
        reading.report("zero_taken", zero.at, name="number")
        low = 1
    else:
        low = found.whole("min", 1, 999, 1)
    high = found.whole("max", 1, 999, 999)
    none = found.take("none")
    found.done()
    if low > high:
        reading.report("bad_value", node.at, name="number", value=f"{low}..{high}", expected="min <= max")
        low, high = 1, 999
    return Number(low=low, high=high), () if none is None else (read_option(reading, "none", none),)


def _date(reading: Reading, node: Node) -> _Typed:
    found = reading.fields(node, "date")
    days = [_days_from(reading, found.take(key), default) for key, default in (("from", -36525), ("to", 366))]
    found.done()
    return Date(from_days=days[0], to_days=days[1]), ()


def _days_from(reading: Reading, node: Node | None, default: int) -> int:
    if node is None:
        return default
    match = re.fullmatch(r"([+-]?[0-9]{1,4})([dmy])", node.text) if isinstance(node, Scalar) else None
    if match is None:
        reading.report("bad_value", node.at, name="date", value=shown(node), expected="-100y, +1y, 30d")
        return default
    return int(match[1]) * _DAYS[match[2]]


def _place(reading: Reading, node: Node) -> _Typed:
    found = reading.fields(node, "place")
    level = found.one_of("level", ("province", "city", "area", "address"), "province")
    found.done()
    return replace(Place(), level=level), ()  # type: ignore[arg-type]


def _phone(reading: Reading, node: Node) -> _Typed:
    reading.fields(node, "phone").done()
    return Phone(), ()


def _free_text(reading: Reading, node: Node) -> _Typed:
    found = reading.fields(node, "free_text")
    chars_max = found.whole("max", 1, 4096, 1000)
    found.done()
    return FreeText(chars_max=chars_max), ()


def _media(reading: Reading, node: Node) -> _Typed:
    found = reading.fields(node, "media")
    accept = found.take("accept")
    names = [part.text for part in accept.items if isinstance(part, Scalar)] if isinstance(accept, Seq) else ["voice"]
    for name in names:
        if name not in {"voice", "photo", "location"}:
            reading.report("bad_value", node.at, name="accept", value=name, expected="voice / photo / location")
    found.done()
    return Media(accept=tuple(names)), ()


ANSWER_TYPES: dict[str, Callable[[Reading, Node], _Typed]] = {
    "choice": _choice,
    "yes_no": _yes_no,
    "multi": _multi,
    "scale": _scale,
    "number": _number,
    "date": _date,
    "place": _place,
    "phone": _phone,
    "free_text": _free_text,
    "media": _media,
}
