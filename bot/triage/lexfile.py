"""The lexicon's files: a small, flat part of YAML, read without a YAML library.

ruamel needs longer to import than triage may take to start, so the files keep to: `key: words`, `key:` with indented
`- item` lines, and one level of keys below a key. A test reads them with ruamel too and compares.
"""

from collections.abc import Iterator
from pathlib import Path

Value = str | list[str]
Section = Value | dict[str, Value]


class LexiconError(Exception):
    """A lexicon file cannot be used; the message says the file, the line and what is wrong."""


def read_sections(path: Path) -> dict[str, Section]:
    """Give the sections of one file in order: words as a string, alternatives as a list, or a mapping of these.

    Raises:
        LexiconError: a line is outside the small part of YAML that lexicon files use.
    """
    sections: dict[str, Section] = {}
    top = inner = ""
    for number, depth, line in _lines(path.read_text(encoding="utf-8")):
        place = f"{path.name}:{number}"
        if line.startswith("- "):
            _append(sections, (top, inner if depth > 2 else ""), _plain(line[2:]), place)
            continue
        key, colon, rest = line.partition(":")
        if not colon:
            raise LexiconError(f"{place}: expected `key:` or `- item`")
        if depth == 0:
            if key in sections:
                raise LexiconError(f"{place}: {key} stands here twice")
            top, inner = key, ""
            sections[top] = _plain(rest)
        else:
            inner = key.strip()
            _mapping(sections, top, place)[inner] = _plain(rest)
    return sections


def _lines(text: str) -> Iterator[tuple[int, int, str]]:
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.split(" #", 1)[0].rstrip()
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, len(line) - len(line.lstrip()), line.strip()


def _plain(raw: str) -> str:
    text = raw.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def _mapping(sections: dict[str, Section], top: str, place: str) -> dict[str, Value]:
    section = sections.get(top)
    if section == "":
        section = sections[top] = {}
    if not isinstance(section, dict):
        raise LexiconError(f"{place}: {top or 'the top'} is no mapping")
    return section


def _append(sections: dict[str, Section], where: tuple[str, str], item: str, place: str) -> None:
    top, inner = where
    holder: dict[str, Section] | dict[str, Value] = _mapping(sections, top, place) if inner else sections
    key = inner or top
    value = holder.get(key)
    if value == "":
        holder[key] = [item]
    elif isinstance(value, list):
        value.append(item)
    else:
        raise LexiconError(f"{place}: an item without a key above it")
