"""Instruments, guidance cards, helplines, directory types: the files beside the scripts.

Shapes (one file each; helplines is one for all)::

    instruments/hark.yaml   as flow-language §4: instrument, title, source, kinds, answers, items, bands, enough
    guides/rights.yaml      card: rights                 the file name
                            title: حق‌های زن سرپرست
                            sources: [قانون …, https://…]   words, at least one
                            reviewed_on: 2026-05-01      ISO day; draft cards may leave it out
                            review_after_days: 180
                            status: draft | reviewed     only a reviewed, unexpired card may be published
                            tags: [joint, …]             joint: for a couple together, refused after violence
                            words: [خواب, بی‌خوابی]        what people look for it by («راهنما خواب»), besides the title
                            reading: easy | medium       easy: short words and sentences, for five years of school
                            legal_status: in_force | bill | practice    of a card about law
                            messages:                    1-5; a text, or {text, sms, discreet}
                              - متن یکم
                              - {text: متن دوم, sms: کوتاه}
    helplines.yaml          lines:
                              "123": {name: اورژانس اجتماعی, number: "123", hours: شبانه‌روزی, cost: رایگان,
                                      status: verified | unverified, verified_on: 2026-05-01, source: …}
                            a text inserts the number with {line.123}
    directory/social_base.yaml   directory: social_base
                                 title: پایگاه خدمات اجتماعی
                                 places:                 optional; each a flat map of words
                                   - {province: kerman, city: کرمان, neighbourhood: آفتاب, name: …, phone: "…", hours: …}
                                     `valid_from`, `valid_until`: ISO days outside which it is not named; no province:
                                     for the whole country
"""

from dataclasses import replace
from datetime import date

from bot.engine.codec import content_hash
from bot.engine.conditions import Domain, Named
from bot.engine.loader_asks import SKIP_LABEL, read_option
from bot.engine.loader_fields import Fields, Reading, shown
from bot.engine.loader_steps import read_bands
from bot.engine.model import Card, DirectoryType, Instrument, Item, Line, Option, Texts
from bot.engine.nodes import Entry, Map, Node, Scalar, Seq

ITEMS_MAX = 20
MESSAGES_MAX = 5


def read_instrument(reading: Reading, node: Node) -> Instrument | None:
    """Read one instrument."""
    found = reading.fields(node, "instrument")
    found.need("instrument")
    own = found.key("instrument")
    answers = found.take("answers")
    common = _answers(reading, answers) if answers else ()
    kinds = found.kinds()
    items = _items(found, common, kinds)
    source = found.child("source")
    instrument = Instrument(
        id=own,
        title=found.text("title"),
        source={entry.key: reading.text_of(entry.value, entry.key) for entry in source.each()} if source else {},
        kinds=kinds,
        items=items,
        bands=read_bands(found),
        enough=found.whole("enough", 1, ITEMS_MAX, 0),
    )
    found.done()
    return replace(instrument, version=content_hash(instrument)) if own else None


def _answers(reading: Reading, node: Node) -> tuple[Option, ...]:
    found = reading.fields(node, "answers")
    entries = found.each()
    if not any(entry.key == "skip" for entry in entries):
        reading.report("skip_unscored", node.at, name="answers")
    return tuple(_answer(reading, entry) for entry in entries)


def _answer(reading: Reading, entry: Entry) -> Option:
    scored = isinstance(entry.value, Map) and any(part.key == "points" for part in entry.value.entries)
    if not scored:
        rule = "skip_unscored" if entry.key == "skip" else "missing_key"
        reading.report(rule, entry.at, name="points")
    return read_option(reading, entry.key, entry.value, SKIP_LABEL if entry.key == "skip" else "")


def _items(found: Fields, common: tuple[Option, ...], kinds: tuple[str, ...]) -> tuple[Item, ...]:
    found.need("items")
    inner = found.child("items")
    entries = inner.each() if inner else []
    if len(entries) > ITEMS_MAX:
        found.reading.report("too_large", found.place("items"), name="items", size=len(entries), most=ITEMS_MAX)
    return tuple(_item(found.reading, entry, common, kinds) for entry in entries[:ITEMS_MAX])


def _item(reading: Reading, entry: Entry, common: tuple[Option, ...], kinds: tuple[str, ...]) -> Item:
    found = reading.fields(entry.value, entry.key)
    answers = found.take("answers")
    options = _answers(reading, answers) if answers else common
    if not options:
        reading.report("missing_key", entry.at, name="answers")
    danger = found.one_of("danger", ("low", "high", "immediate")) or None
    own = tuple(dict.fromkeys((*kinds, *found.kinds())))
    found.need("text")
    points = Named("answers", Domain(kind="number", low=0, high=ITEMS_MAX * 99))
    inner = Reading(reading.file, reading.issues, {"points": points})
    condition = found.take("if")
    item = Item(
        id=entry.key,
        texts=found.texts(),
        options=tuple(_tagged(option, danger, own) for option in options),
        condition=inner.condition(condition) if isinstance(condition, Scalar) else None,
        at=entry.at,
    )
    found.done()
    return item


def _tagged(option: Option, danger: str | None, kinds: tuple[str, ...]) -> Option:
    """Give an option its item's danger (where it scores) and kinds (where it is dangerous)."""
    if danger is not None and option.danger is None and option.points > 0:
        option = replace(option, danger=danger)  # type: ignore[arg-type]
    if option.danger is None:
        return option
    return replace(option, kinds=tuple(dict.fromkeys((*option.kinds, *kinds))))


def read_card(reading: Reading, node: Node) -> Card | None:
    """Read one guidance card."""
    found = reading.fields(node, "card")
    for key in ("card", "title", "sources", "messages"):
        found.need(key)
    messages = found.take("messages")
    nodes = messages.items if isinstance(messages, Seq) else [messages] if messages else []
    if len(nodes) > MESSAGES_MAX:
        reading.report("too_large", found.place("messages"), name="messages", size=len(nodes), most=MESSAGES_MAX)
    card = Card(
        id=found.key("card"),
        title=found.text("title"),
        sources=found.words("sources"),
        reviewed_on=read_day(found, "reviewed_on"),
        review_after_days=found.whole("review_after_days", 1, 3650, 180),
        status=found.one_of("status", ("draft", "reviewed"), "draft"),
        tags=found.keys("tags"),
        messages=tuple(_message(reading, part) for part in nodes[:MESSAGES_MAX]),
        words=found.words("words"),
        reading=found.one_of("reading", ("easy", "medium")),
        legal_status=found.one_of("legal_status", ("in_force", "bill", "practice")),
    )
    found.take("note")
    found.done()
    return card if card.id else None


def _message(reading: Reading, node: Node) -> Texts:
    if not isinstance(node, Map):
        return Texts(text=reading.texts_of(node, "messages", 1))
    found = Fields(reading, node)
    found.need("text")
    texts = found.texts()
    found.done()
    return texts


def read_day(found: Fields, key: str) -> str:
    """Read an ISO day as text, empty when absent or wrong."""
    text = found.text(key)
    if not text:
        return ""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        found.reading.report("bad_value", found.place(key), name=key, value=text, expected="2026-05-01")
        return ""


def read_lines(reading: Reading, node: Node) -> dict[str, Line]:
    """Read helplines.yaml."""
    found = reading.fields(node, "helplines")
    found.need("lines")
    lines = found.take("lines")
    found.take("note")
    found.done()
    if not isinstance(lines, Map):
        return {}
    return {entry.key: _line(reading, entry) for entry in lines.entries}


def _line(reading: Reading, entry: Entry) -> Line:
    found = reading.fields(entry.value, entry.key)
    for key in ("name", "number"):
        found.need(key)
    words = {key: found.text(key) for key in ("name", "number", "hours", "cost", "status", "source")}
    line = Line(key=entry.key, verified_on=read_day(found, "verified_on"), **words)
    found.take("note")
    found.done()
    return line


def read_directory(reading: Reading, node: Node) -> DirectoryType | None:
    """Read one directory type."""
    found = reading.fields(node, "directory")
    for key in ("directory", "title"):
        found.need(key)
    own, title, places = found.key("directory"), found.text("title"), found.take("places")
    found.take("note")
    found.done()
    nodes = places.items if isinstance(places, Seq) else []
    read = tuple(_flat(reading, part) for part in nodes)
    return DirectoryType(id=own, title=title, places=read) if own else None


def _flat(reading: Reading, node: Node) -> dict[str, str]:
    if not isinstance(node, Map):
        reading.report("bad_value", node.at, name="places", value=shown(node), expected="{name: …, phone: …}")
        return {}
    return {entry.key: reading.text_of(entry.value, entry.key) for entry in node.entries}
