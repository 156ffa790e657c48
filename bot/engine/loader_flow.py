"""One script file: header, steps, tests, claims (flow-language §2)."""

from dataclasses import replace
from typing import Any

from bot.core.screening import KINDS
from bot.engine.loader_asks import read_silence
from bot.engine.loader_fields import TRUE, Fields, Reading, shown
from bot.engine.loader_steps import RawStep, read_step
from bot.engine.model import ALWAYS_HANDLERS, BLANK, HEARD_WORDS, Flow, Heard, OwnHandler, Property, Talk, Var
from bot.engine.nodes import Entry, Map, Node, Scalar, Seq

STEPS_MAX = 300
NAMES_MAX = 64
LANGUAGE_VERSION = 1
VERBS = (
    "says", "press", "sends", "silence", "staff", "gets", "never_gets", "case", "kinds", "tier", "answer", "rests",
    "ends",
)  # fmt: skip


def read_flow(reading: Reading, node: Node) -> tuple[Flow, list[RawStep]] | None:
    """Read a script: its header with no steps yet, and the steps before expansion. None without an id."""
    found = reading.fields(node, "flow")
    for key in ("flow", "title", "owner", "steps"):
        found.need(key)
    own = found.key("flow")
    header = Flow(
        id=own,
        title=found.text("title"),
        owner=found.text("owner"),
        language_version=found.whole("language_version", 1, LANGUAGE_VERSION, LANGUAGE_VERSION),
        reviewers=found.words("reviewers"),
        sources=found.words("sources"),
        takes=_takes(found),
        gives=_gives(found),
        vars=_vars(found),
        silence=read_silence(found),
        heard=_heard(found),
        always=_handlers(found, is_always=own == "always"),
        tests=_tests(found),
        migrate=_migrate(found),
        properties=_properties(found),
    )
    found.take("note")
    for key in ("title", "owner", "reviewers", "sources"):
        _report_blanks(found, key)
    steps = _steps(found)
    found.done()
    if len(header.vars) > NAMES_MAX:
        reading.report("too_large", found.place("vars"), name="vars", size=len(header.vars), most=NAMES_MAX)
    return (header, steps) if own else None


def _report_blanks(found: Fields, key: str) -> None:
    """Name what still stands as the studio's template left it: an ellipsis and what to write."""
    node = found.take(key)
    for one in node.items if isinstance(node, Seq) else [node]:
        if isinstance(one, Scalar) and one.text.startswith(BLANK):
            found.reading.report("to_fill", one.at, name=key, blank=one.text.removeprefix(BLANK).strip())


def _steps(found: Fields) -> list[RawStep]:
    node = found.take("steps")
    if not isinstance(node, Seq):
        return []
    if len(node.items) > STEPS_MAX:
        found.reading.report("too_large", node.at, name="steps", size=len(node.items), most=STEPS_MAX)
    steps: list[RawStep] = []
    seen: set[str] = set()
    for number, part in enumerate(node.items[:STEPS_MAX]):
        step = read_step(found.reading, part, number)
        if step is None:
            continue
        if step.id in seen:
            found.reading.report("duplicate_id", step.at, name=step.id)
            step = replace(step, id=f"{step.id}~{number}")
        seen.add(step.id)
        steps.append(step)
    return steps


def _takes(found: Fields) -> dict[str, tuple[str, ...]]:
    inner = found.child("takes")
    return {entry.key: found.reading.keys_of(entry.value, entry.key) for entry in inner.each()} if inner else {}


def _gives(found: Fields) -> tuple[str, ...]:
    """Read names of answers; a screen's item or sum has a dot in it, so these are words, not keys."""
    return found.words("gives")


def _vars(found: Fields) -> dict[str, Var]:
    inner = found.child("vars")
    return {entry.key: _var(found.reading, entry) for entry in inner.each()} if inner else {}


def _var(reading: Reading, entry: Entry) -> Var:
    node = entry.value
    if isinstance(node, Seq) and node.items:
        return Var(keys=reading.keys_of(node, entry.key))
    text = node.text if isinstance(node, Scalar) else ""
    if len(text) == 4 and text.startswith("0..") and text[3] in "123456789":
        return Var(most=int(text[3]))
    reading.report("bad_value", node.at, name=entry.key, value=shown(node), expected="[a, b] / 0..9")
    return Var(most=1)


def _heard(found: Fields) -> tuple[Heard, ...]:
    """Read `heard`: step → kinds, in the order in which they are tried."""
    inner = found.child("heard")
    if inner is None:
        return ()
    return tuple(_heard_at(found.reading, entry) for entry in inner.each())


def _heard_at(reading: Reading, entry: Entry) -> Heard:
    words = reading.keys_of(entry.value, entry.key)
    for word in words:
        if word not in KINDS and word not in HEARD_WORDS:
            expected = ", ".join((*HEARD_WORDS, *KINDS))
            reading.report("bad_value", entry.at, name=f"heard.{entry.key}", value=word, expected=expected)
    return Heard(go=entry.key, words=words)


def _handlers(found: Fields, *, is_always: bool) -> tuple[OwnHandler, ...]:
    inner = found.child("always")
    if inner is None:
        return ()
    return tuple(_handler(found.reading, entry, is_always=is_always) for entry in inner.each())


def _handler(reading: Reading, entry: Entry, *, is_always: bool) -> OwnHandler:
    if is_always and entry.key not in ALWAYS_HANDLERS:
        expected = ", ".join(ALWAYS_HANDLERS)
        reading.report("bad_value", entry.at, name="always", value=entry.key, expected=expected)
    if is_always and not isinstance(entry.value, Map):
        return OwnHandler(name=entry.key, words=reading.texts_of(entry.value, entry.key, 40))
    found = reading.fields(entry.value, entry.key)
    found.need("words")
    handler = OwnHandler(name=entry.key, words=found.words("words"), say=found.words("say", 3), go=found.key("go"))
    if not is_always and bool(handler.say) == bool(handler.go):
        reading.report("bad_value", entry.at, name=entry.key, value="-", expected="say / go")
    found.done()
    return handler


def _tests(found: Fields) -> tuple[Talk, ...]:
    node = found.take("tests")
    if node is None:
        return ()
    return tuple(_talk(found.reading, part) for part in (node.items if isinstance(node, Seq) else []))


def _talk(reading: Reading, node: Node) -> Talk:
    found = reading.fields(node, "tests")
    found.need("name")
    found.need("talk")
    lines = found.take("talk")
    given = found.take("with")
    talk = Talk(
        name=found.text("name"),
        channel=found.one_of("channel", ("web", "telegram", "bale", "sms", "rasa"), "web"),
        given=_plain(given) if isinstance(given, Map) else {},
        lines=tuple(_line(reading, part) for part in lines.items) if isinstance(lines, Seq) else (),
        at=node.at,
    )
    found.done()
    return talk


def _line(reading: Reading, node: Node) -> tuple[str, Any]:
    if not isinstance(node, Map) or len(node.entries) != 1:
        reading.report("bad_value", node.at, name="talk", value=shown(node), expected="says: …")
        return ("says", "")
    entry = node.entries[0]
    if entry.key not in VERBS:
        reading.report("bad_value", entry.at, name="talk", value=entry.key, expected=", ".join(VERBS))
    return (entry.key, _plain(entry.value))


def _plain(node: Node) -> Any:
    match node:
        case Scalar(text=text):
            return text
        case Map(entries=entries):
            return {entry.key: _plain(entry.value) for entry in entries}
        case Seq(items=items):
            return tuple(_plain(part) for part in items)


def _migrate(found: Fields) -> dict[str, dict[str, str]]:
    inner = found.take("migrate")
    if not isinstance(inner, Map):
        return {}
    moves = {}
    for entry in inner.entries:
        names = found.reading.fields(entry.value, entry.key)
        moves[entry.key] = {part.key: found.reading.text_of(part.value, part.key) for part in names.map.entries}
    return moves


def _properties(found: Fields) -> tuple[Property, ...]:
    node = found.take("properties")
    return tuple(_property(found.reading, part) for part in node.items) if isinstance(node, Seq) else ()


def _property(reading: Reading, node: Node) -> Property:
    found = reading.fields(node, "properties")
    for key in ("id", "never"):
        found.need(key)
    claim = Property(id=found.key("id"), never=found.condition("never") or TRUE, at=found.text("at", "end"))
    found.done()
    return claim
