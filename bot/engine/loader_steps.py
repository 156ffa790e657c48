"""One step of a script, by its kind (flow-language §2.2). Compounds come out as one step and are expanded later."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from bot.core.screening import Tier
from bot.core.text import ascii_digits
from bot.engine.expressions import Condition
from bot.engine.loader_asks import read_answer_type, read_silence, read_unclear
from bot.engine.loader_fields import TRUE, Fields, Reading, shown
from bot.engine.model import (
    SAFE_PARTS,
    Ask,
    Call,
    End,
    Escalate,
    FollowUp,
    Go,
    Guide,
    If,
    Refer,
    Say,
    Score,
    Set,
    Step,
    StepBase,
)
from bot.engine.nodes import Map, Node, Scalar, Seq
from bot.engine.parts import Band, Choice, Danger, FreeText, Media, NotTaken, Option, Phone, Place, ScorePoint, Silence
from bot.engine.parts import Texts as StepTexts

#: Stands for «and everything above» in a band's points.
OPEN_END = 9999
_RANGE = re.compile(r"([0-9]{1,4})(?:\.\.([0-9]{1,4})?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawScreen(StepBase):
    """A `screen` before expansion."""

    instrument: str
    silence: Silence | None = None
    go: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawSafeContact(StepBase):
    """A `safe_contact` before expansion."""

    parts: tuple[str, ...] = SAFE_PARTS


RawStep = Step | RawScreen | RawSafeContact


def read_step(reading: Reading, node: Node, number: int) -> RawStep | None:
    """Read one entry of `steps`; None when its kind is not clear."""
    if not isinstance(node, Map):
        reading.report("which_step", node.at, found=shown(node))
        return None
    found = Fields(reading, node)
    kinds = [kind for kind in STEP_KINDS if found.has(kind)]
    if len(kinds) > 1:  # `go` and safe_contact's `ask` are keys of other kinds too
        also = {"go", "ask"} if "safe_contact" in kinds else {"go"}
        kinds = [kind for kind in kinds if kind not in also]
    if len(kinds) != 1:
        reading.report("which_step", node.at, found=", ".join(kinds) or "-")
        return None
    kind = kinds[0]
    base: dict[str, Any] = {"id": _id(found, kind, number), "at": node.at, "when": found.condition("when")}
    base["note"] = found.text("note")
    found.take("layout")
    step = STEP_KINDS[kind](found, base)
    found.done()
    return step


def _id(found: Fields, kind: str, number: int) -> str:
    if kind in {"if", "go", "set"}:
        return found.key("id") or f"{kind}~{number}"
    return found.key(kind) or f"{kind}~{number}"


def _spoken(found: Fields, base: dict[str, Any]) -> dict[str, Any]:
    return base | {"texts": found.texts(), "sensitive": found.flag("sensitive", default=False)}


def _ask(found: Fields, base: dict[str, Any]) -> RawStep:
    spec, options = read_answer_type(found, base["id"])
    personal = isinstance(spec, FreeText | Phone | Media) or (isinstance(spec, Place) and spec.level == "address")
    texts = found.texts()
    if not texts.text:
        found.need("text")
    return Ask(
        **base,
        texts=texts,
        sensitive=found.flag("sensitive", default=personal),
        spec=spec,
        options=options,
        silence=read_silence(found),
        unclear=read_unclear(found),
        short=found.words("short", 3),
        once=found.key("once"),
    )


def _say(found: Fields, base: dict[str, Any]) -> RawStep:
    step = Say(**_spoken(found, base))
    if not step.texts.text:
        found.need("text")
    return step


def _if(found: Fields, base: dict[str, Any]) -> RawStep:
    found.need("go")
    condition = found.condition("if") or TRUE
    return If(**base, condition=condition, go=found.key("go"), otherwise=found.key("else"))


def _go(found: Fields, base: dict[str, Any]) -> RawStep:
    return Go(**base, go=found.key("go"))


def _set(found: Fields, base: dict[str, Any]) -> RawStep:
    inner = found.child("set")
    values = {}
    for entry in inner.each() if inner else []:
        values[entry.key] = found.reading.text_of(entry.value, entry.key)
    return Set(**base, values=values)


def _go_by_band(found: Fields) -> dict[str, str]:
    inner = found.child("go")
    return {entry.key: found.reading.key_of(entry.value, entry.key) for entry in inner.each()} if inner else {}


def _screen(found: Fields, base: dict[str, Any]) -> RawStep:
    instrument = found.key("instrument", base["id"])
    before = StepTexts(text=found.words("before", 3))
    return RawScreen(**base, instrument=instrument, texts=before, silence=read_silence(found), go=_go_by_band(found))


def _score(found: Fields, base: dict[str, Any]) -> RawStep:
    node = found.need("points")
    points = tuple(_point(found.reading, part) for part in node.items) if isinstance(node, Seq) else ()
    return Score(**base, points=points, bands=read_bands(found), go=_go_by_band(found))


def _point(reading: Reading, node: Node) -> ScorePoint:
    found = reading.fields(node, "points")
    found.need("if")
    found.need("add")
    condition: Condition = found.condition("if") or TRUE
    point = ScorePoint(condition=condition, add=found.whole("add", 1, 20, 1), because=found.text("because"))
    found.done()
    return point


def read_bands(found: Fields) -> tuple[Band, ...]:
    """Read `bands: {key: {points: a..b, danger: …}}`; `4..` is four and above."""
    found.need("bands")
    inner = found.child("bands")
    return tuple(_band(found.reading, entry.key, entry.value) for entry in inner.each()) if inner else ()


def _band(reading: Reading, key: str, node: Node) -> Band:
    found = reading.fields(node, key)
    points = found.take("points") if key == "unknown" else found.need("points")
    low, high = (-1, -1) if points is None else _range(reading, points)
    danger = found.one_of("danger", ("low", "high", "immediate")) or None
    band = Band(key=key, low=low, high=high, danger=cast("Danger | None", danger), kinds=found.kinds())
    found.done()
    return band


def _range(reading: Reading, node: Node) -> tuple[int, int]:
    text = ascii_digits(node.text) if isinstance(node, Scalar) else ""
    match = _RANGE.fullmatch(text)
    if match is None:
        reading.report("bad_value", node.at, name="points", value=shown(node), expected="0 / 1..4 / 5..")
        return -1, -1
    low = int(match[1])
    if ".." not in text:
        return low, low
    return low, int(match[2]) if match[2] else OPEN_END


def _call(found: Fields, base: dict[str, Any]) -> RawStep:
    inner = found.child("with")
    given = {entry.key: found.reading.text_of(entry.value, entry.key) for entry in inner.each()} if inner else {}
    return Call(**base, flow=found.key("flow", base["id"]), given=given)


def _guide(found: Fields, base: dict[str, Any]) -> RawStep:
    return Guide(**base, card=found.key("card", base["id"]), part=found.whole("part", 1, 5, 0))


def _refer(found: Fields, base: dict[str, Any]) -> RawStep:
    found.need("to")
    return Refer(
        **_spoken(found, base),
        to=found.key("to"),
        near=found.text("near"),
        show=found.flag("show", default=False),
        if_none=found.key("if_none"),
    )


def _escalate(found: Fields, base: dict[str, Any]) -> RawStep:
    found.need("tier")
    tier = cast("Tier", found.one_of("tier", ("T1", "T2", "T3"), "T1"))
    step = Escalate(
        **_spoken(found, base),
        tier=tier,
        kinds=found.kinds(),
        desk=found.key("desk", "auto"),
        hand_over=found.flag("hand_over", default=tier == "T1"),
        while_waiting=found.key("while_waiting"),
        if_no_staff=found.key("if_no_staff"),
        if_not_taken=_not_taken(found),
        after=found.key("after"),
    )
    for key in ("while_waiting", "if_no_staff", "if_not_taken"):
        if tier == "T1" and not found.has(key):
            found.reading.report("escalate_incomplete", step.at, name=step.id, missing=key)
    return step


def _not_taken(found: Fields) -> NotTaken | None:
    inner = found.child("if_not_taken")
    if inner is None:
        return None
    inner.need("after")
    inner.need("text")
    after_s, repeat = inner.seconds("after", 60, 3600, 180), inner.whole("repeat", 1, 20, 1)
    not_taken = NotTaken(after_s=after_s, repeat=repeat, texts=inner.texts())
    inner.done()
    return not_taken


def _consent(found: Fields, base: dict[str, Any]) -> RawStep:
    found.need("purpose")
    found.need("text")
    options = (Option(key="yes", label="بله"), Option(key="no", label="نه"))
    return Ask(
        **_spoken(found, base),
        spec=Choice(yes_no=True),
        options=options,
        silence=read_silence(found),
        consent=found.one_of("purpose", ("contact", "referral", "record", "health"), "record"),
    )


def _safe_contact(found: Fields, base: dict[str, Any]) -> RawStep:
    parts = found.keys("ask") or SAFE_PARTS
    for part in parts:
        if part not in SAFE_PARTS:
            found.reading.report("bad_value", base["at"], name="ask", value=part, expected=", ".join(SAFE_PARTS))
    return RawSafeContact(**_spoken(found, base), parts=tuple(part for part in parts if part in SAFE_PARTS))


def _follow_up(found: Fields, base: dict[str, Any]) -> RawStep:
    found.need("in")
    found.need("flow")
    in_s, flow = found.seconds("in", 3600, 90 * 86400, 86400), found.key("flow")
    inner = found.child("if_silent")
    if_silent = inner.one_of("tier", ("T1", "T2", "T3"), "T3") if inner else None
    return FollowUp(**base, in_s=in_s, flow=flow, if_silent=cast("Tier | None", if_silent))


def _end(found: Fields, base: dict[str, Any]) -> RawStep:
    return End(**_spoken(found, base), outcome=found.key("outcome", base["id"]))


STEP_KINDS: dict[str, Callable[[Fields, dict[str, Any]], RawStep]] = {
    "ask": _ask,
    "say": _say,
    "if": _if,
    "go": _go,
    "set": _set,
    "screen": _screen,
    "score": _score,
    "call": _call,
    "guide": _guide,
    "refer": _refer,
    "escalate": _escalate,
    "consent": _consent,
    "safe_contact": _safe_contact,
    "follow_up": _follow_up,
    "end": _end,
}
