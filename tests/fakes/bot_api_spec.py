"""Checks requests against the Bot API in machine-readable form, which others wrote (telegram_spec.json, an extract).

A form carries everything as text, so values are read as the type the document names.
"""

import json
from pathlib import Path
from typing import Any

_SPEC = json.loads(Path(__file__).with_name("telegram_spec.json").read_text("utf-8"))
METHODS: dict[str, dict[str, Any]] = _SPEC["methods"]
_TYPES: dict[str, dict[str, Any]] = _SPEC["types"]


def read_request(method: str, given: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Give the parameters as the document types them, and every way in which the request breaks the document."""
    if method not in METHODS:
        return {}, [f"{method}: no such method in the extract"]
    return _read_fields(method, METHODS[method], given)


def _read_fields(where: str, fields: dict[str, Any], given: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    problems = [f"{where}: unknown field {name}" for name in given if name not in fields]
    read: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in given:
            if field["required"]:
                problems.append(f"{where}: {name} is missing")
            continue
        read[name], more = _read_value(f"{where}.{name}", field["types"], given[name])
        problems += more
    return read, problems


def _read_value(where: str, types: list[str], value: Any) -> tuple[Any, list[str]]:
    tried: list[str] = []
    for kind in types:
        try:
            return _READERS[kind](value), []
        except KeyError:
            read, problems = _read_object(where, kind, value)
            if not problems:
                return read, []
            tried += problems
        except (ValueError, TypeError):
            tried.append(f"{where}: not {kind}")
    return value, tried


def _read_object(where: str, kind: str, value: Any) -> tuple[Any, list[str]]:
    try:
        plain = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value, [f"{where}: not JSON"]
    if kind.startswith("Array of "):
        if not isinstance(plain, list):
            return plain, [f"{where}: not an array"]
        pairs = [_read_value(f"{where}[{at}]", [kind.removeprefix("Array of ")], item) for at, item in enumerate(plain)]
        return [item for item, _ in pairs], [problem for _, problems in pairs for problem in problems]
    if kind not in _TYPES:
        return plain, [f"{where}: {kind} is not in the extract"]
    if not isinstance(plain, dict):
        return plain, [f"{where}: not {kind}"]
    return _read_fields(where, _TYPES[kind], plain)


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError
    return int(value)


def _boolean(value: Any) -> bool:
    known = {True: True, False: False, "true": True, "false": False, "True": True, "False": False}
    if value not in known or isinstance(value, int) != isinstance(value, bool):
        raise ValueError
    return known[value]


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


_READERS = {"Integer": _integer, "Float": float, "Boolean": _boolean, "True": _boolean, "String": _string}
