"""Events as plain data for the column they are kept in, and back."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from bot.core.events import EVENT_TYPES, Event


def _shape(kind: type[Event]) -> tuple[tuple[str, ...], Callable[[Event], tuple[Any, ...]]]:
    names = tuple(item.name for item in fields(kind) if item.name != "buttons")
    return names, attrgetter(*names)


#: The names of each event type's fields, and what reads them all at once. A new field goes last.
_SHAPES = {kind: _shape(kind) for kind in EVENT_TYPES.values()}


def events_to_json(events: Iterable[Event]) -> list[tuple[str, tuple[Any, ...]]]:
    """Give events as plain data: (type name, its fields' values). Buttons are left out: the message has them."""
    return [(kind.__name__, _SHAPES[kind][1](event)) for event in events for kind in (type(event),)]


def events_from_json(kept: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """Read events back, each as its fields by name and its type's name under `type`; of an unknown type only that."""
    return [{**_named(name, values), "type": name} for name, values in kept]


def _named(name: str, values: Sequence[Any]) -> dict[str, Any]:
    kind = EVENT_TYPES.get(name)
    return {} if kind is None else dict(zip(_SHAPES[kind][0], values, strict=False))
