"""Translations of the scripts: gettext catalogues in locales/<language>/LC_MESSAGES/flows.po, Persian being the source.

Read when scripts are compiled, never in a turn: a published version carries its translations. A message without a
translation, or with a fuzzy one (its Persian has changed since), is said in Persian.
"""

import json
from collections.abc import Iterator
from pathlib import Path

#: The catalogues that come with the package.
LOCALES = Path(__file__).resolve().parent.parent / "locales"
SOURCE = "fa"


def load_translations(locales: Path = LOCALES) -> dict[str, dict[str, str]]:
    """Give {language: {Persian: translation}} of every catalogue but the source's own."""
    found = {
        path.parent.parent.name: dict(_entries(path.read_text(encoding="utf-8")))
        for path in sorted(locales.glob("*/LC_MESSAGES/flows.po"))
        if path.parent.parent.name != SOURCE
    }
    return {language: texts for language, texts in found.items() if texts}


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """Give the translated messages of a catalogue. Entries are paragraphs; only id and translation count."""
    for paragraph in text.split("\n\n"):
        parts: dict[str, str] = {}
        keyword, fuzzy = "", False
        for line in paragraph.splitlines():
            fuzzy = fuzzy or (line.startswith("#,") and "fuzzy" in line)
            head, _, quoted = line.partition('"')
            if line.startswith("#") or not quoted.endswith('"'):
                continue
            keyword = head.strip() or keyword
            parts[keyword] = parts.get(keyword, "") + json.loads(f'"{quoted}')
        if parts.get("msgid") and parts.get("msgstr") and not fuzzy:
            yield parts["msgid"], parts["msgstr"]
