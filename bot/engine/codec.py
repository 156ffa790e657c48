"""A bundle as JSON and back: what a published version is stored as. Reading never parses YAML or conditions.

A dataclass becomes an object with its class name under "_", defaults left out; lists come back as tuples.
"""

import hashlib
import json
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from typing import Any

from bot.engine import model
from bot.engine.expressions import Condition
from bot.engine.model import Bundle

#: Raised when the shape below changes so that an older compiled bundle can no longer be read.
FORMAT = 1

_CLASSES: dict[str, type[Any]] = {
    name: found for name in model.__all__ if isinstance(found := getattr(model, name), type) and is_dataclass(found)
} | {"Condition": Condition}
_FIELDS: dict[type[Any], tuple[Field[Any], ...]] = {
    cls: tuple(item for item in fields(cls) if item.init) for cls in _CLASSES.values()
}


def bundle_to_json(bundle: Bundle) -> str:
    """Give a bundle as JSON text, the same text for the same bundle."""
    return _dump({"format": FORMAT, "bundle": _plain(bundle)})


def bundle_from_json(text: str) -> Bundle:
    """Read what bundle_to_json gave.

    Raises:
        ValueError: it is no compiled bundle, or one of another format.
    """
    found = json.loads(text, object_hook=_Builder().build)
    if not isinstance(found, dict) or found.get("format") != FORMAT or not isinstance(found.get("bundle"), Bundle):
        raise ValueError("this is no compiled bundle of the present format")
    bundle: Bundle = found["bundle"]
    return bundle


def with_version(bundle: Bundle) -> Bundle:
    """Give the bundle with its content hash; positions in files, lines and the directory do not count."""
    content = _plain(replace(bundle, version="", lines={}, directory={}))
    return replace(bundle, version=content_hash(content))


def content_hash(content: Any) -> str:
    """Hash plain data or a model object to 16 hex digits."""
    plain = _without_positions(_plain(content))
    return hashlib.sha256(_dump(plain).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _dump(plain: Any) -> str:
    return json.dumps(plain, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    items = _FIELDS.get(type(value))
    if items is None:
        return value
    out: dict[str, Any] = {"_": type(value).__name__}
    for item in items:
        part = getattr(value, item.name)
        if part != _default(item):
            out[item.name] = _plain(part)
    return out


def _default(item: Field[Any]) -> Any:
    if item.default_factory is not MISSING:
        return item.default_factory()
    return item.default


def _without_positions(plain: Any) -> Any:
    if isinstance(plain, dict):
        dropped = "at" if plain.get("_") in _PLACED else None
        return {key: _without_positions(part) for key, part in plain.items() if key != dropped}
    if isinstance(plain, list):
        return [_without_positions(part) for part in plain]
    return plain


#: Classes whose `at` is a place in a file (Property.at is not).
_PLACED = frozenset(name for name, cls in _CLASSES.items() if "at" in cls.__dataclass_fields__) - {"Property"}


class _Builder:
    """Makes the objects of one bundle. Words and lists of words that come again are kept once: half of its memory."""

    def __init__(self) -> None:
        self._words: dict[str, str] = {}
        self._lists: dict[tuple[str, ...], tuple[str, ...]] = {}

    def build(self, found: dict[str, Any]) -> Any:
        """Make what one JSON object stands for; its parts are made already."""
        name = found.pop("_", None)
        values = {key: self._part(part) for key, part in found.items()}
        return values if name is None else _CLASSES[name](**values)

    def _part(self, part: Any) -> Any:
        if isinstance(part, str):
            return self._words.setdefault(part, part)
        if not isinstance(part, list):
            return part
        parts = tuple(map(self._part, part))
        # numbers and flags are not looked up: 1 and True are one key, and would become one another
        return self._lists.setdefault(parts, parts) if all(type(one) is str for one in parts) else parts
