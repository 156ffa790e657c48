"""Compounds to plain steps: a screen to its items, a safe contact to its questions (shapes: docstring of model).

Done at load, so that the engine, the explorer and the editor's preview see the same few kinds.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.engine.expressions import Condition, Expr
from bot.engine.loader_fields import Reading, nearest
from bot.engine.loader_names import most_points
from bot.engine.loader_steps import RawSafeContact, RawScreen, RawStep
from bot.engine.model import (
    SAFE_PARTS,
    Ask,
    Band,
    Choice,
    Danger,
    Flow,
    Instrument,
    Option,
    SafeContact,
    SafeContactDone,
    Screen,
    ScreenBand,
    Step,
)

#: From none to the worst.
_DANGERS: tuple[Danger | None, ...] = (None, "low", "high", "immediate")


def expand(
    reading: Reading, steps: list[RawStep], instruments: Mapping[str, Instrument], always: Flow | None
) -> tuple[Step, ...]:
    """Give the flat list the engine walks."""
    flat: list[Step] = []
    for step in steps:
        match step:
            case RawScreen():
                flat.extend(_screen(reading, step, instruments))
            case RawSafeContact():
                flat.extend(_safe_contact(step, always))
            case _:
                flat.append(step)
    return tuple(flat)


def _screen(reading: Reading, raw: RawScreen, instruments: Mapping[str, Instrument]) -> list[Step]:
    instrument = instruments.get(raw.instrument)
    if instrument is None:
        near = nearest(raw.instrument, instruments)
        reading.report("unknown_instrument", raw.at, name=raw.instrument, nearest=near)
        instrument = Instrument(id=raw.instrument, title="", bands=())
    done = f"{raw.id}.band"
    start = Screen(
        id=raw.id, when=raw.when, note=raw.note, texts=raw.texts, at=raw.at, instrument=raw.instrument, done=done
    )
    band = ScreenBand(
        id=done, at=raw.at, screen=raw.id, instrument=raw.instrument, bands=_with_kinds(instrument),
        enough=instrument.enough, go=raw.go,
    )  # fmt: skip
    return [start, *_items(raw, instrument, done), band]


def _with_kinds(instrument: Instrument) -> tuple[Band, ...]:
    """Give the bands; a dangerous one without kinds of its own carries the instrument's."""
    return tuple(
        replace(band, kinds=instrument.kinds) if band.danger and not band.kinds else band for band in instrument.bands
    )


def _items(raw: RawScreen, instrument: Instrument, done: str) -> list[Ask]:
    asks = []
    for item in instrument.items:
        options = tuple(_stopping(_certain(option, instrument), done) for option in item.options)
        condition = item.condition and _renamed(item.condition, {"points": f"{raw.id}.points"})
        asks.append(
            Ask(
                id=f"{raw.id}.{item.id}", at=raw.at, when=condition, texts=item.texts, spec=Choice(), options=options,
                silence=raw.silence, screen=raw.id, sensitive=True,
            )
        )  # fmt: skip
    return asks


def _stopping(option: Option, done: str) -> Option:
    return replace(option, go=done) if option.danger == "immediate" else option


def _certain(option: Option, instrument: Instrument) -> Option:
    """Tag an answer whose points alone make a dangerous band certain.

    She may fall silent before the last item: the debt must exist from the answer on, not from the sum.
    """
    sums = range(option.points, most_points(instrument) + 1)
    bands = [band for band in instrument.bands if any(band.low <= points <= band.high for points in sums)]
    least = min((_DANGERS.index(band.danger) for band in bands if band.key != "unknown"), default=0)
    if least < _DANGERS.index("high") or least <= _DANGERS.index(option.danger):
        return option
    return replace(option, danger=_DANGERS[least], kinds=option.kinds or instrument.kinds)


def _safe_contact(raw: RawSafeContact, always: Flow | None) -> list[Step]:
    done = f"{raw.id}.done"
    start = SafeContact(id=raw.id, when=raw.when, note=raw.note, texts=raw.texts, at=raw.at, done=done)
    names = {f"safe_{part}": f"{raw.id}.{part}" for part in SAFE_PARTS}
    asks: list[Step] = []
    for part in raw.parts:
        model = always.step(f"safe_{part}") if always else None
        if isinstance(model, Ask):
            asks.append(_copied(model, names, raw))
    return [start, *asks, SafeContactDone(id=done, at=raw.at, safe=raw.id)]


def _copied(ask: Ask, names: dict[str, str], raw: RawSafeContact) -> Ask:
    options = tuple(replace(option, go=names.get(option.go, option.go)) for option in ask.options)
    when = ask.when and _renamed(ask.when, names)
    return replace(ask, id=names[ask.id], when=when, options=options, safe=raw.id, at=raw.at, sensitive=True)


def _renamed(condition: Condition, names: dict[str, str]) -> Condition:
    text = condition.text
    for old, new in names.items():
        text = text.replace(old, new)
    return Condition(text, _rename_tree(condition.tree, names))


def _rename_tree(tree: Expr, names: dict[str, str]) -> Expr:
    """Rename the answers a tree reads: a name is the pair ("answers", key)."""
    if len(tree) == 2 and tree[0] == "answers" and isinstance(tree[1], str):
        return ("answers", names.get(tree[1], tree[1]))
    return tuple(_rename_part(part, names) for part in tree)


def _rename_part(part: Any, names: dict[str, str]) -> Any:
    return _rename_tree(part, names) if isinstance(part, tuple) else part
