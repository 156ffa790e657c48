"""Translations of the scripts: gettext catalogues in locales/<language>/LC_MESSAGES/flows.po, Persian being the source.

The words of the citizen's page itself are beside them in page.po, read in the same way when the page is built. Read when scripts are compiled, never in a turn: a published version carries its translations. A message without a
translation, or with a fuzzy one (its Persian has changed since), is said in Persian. A directory is named as gettext
wants it (fa_AF), the language as the web does (fa-AF).
"""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

#: The catalogues that come with the package.
LOCALES = Path(__file__).resolve().parent.parent / "locales"
SOURCE = "fa"
#: The catalogues of a language: what the scripts say, and what stands around it on the citizen's page.
FLOWS, PAGE = "flows", "page"
#: Languages by what they call themselves, in the order they are offered in.
NAMES: Mapping[str, str] = {
    "fa": "فارسی", "fa-AF": "دری", "azb": "تورکجه", "ckb": "کوردی", "ar": "عربی", "en": "English",
}  # fmt: skip
_LEFT_TO_RIGHT = frozenset({"en"})
_REVIEWER = "X-Reviewed-By:"


def load_translations(locales: Path = LOCALES, catalogue: str = FLOWS) -> dict[str, dict[str, str]]:
    """Give {language: {Persian: translation}} of every catalogue but the source's own."""
    found = {
        language: {text: said for text, said in _entries(path.read_text(encoding="utf-8")) if text}
        for language, path in catalogues(locales, catalogue).items()
    }
    return {language: texts for language, texts in found.items() if texts}


def catalogues(locales: Path = LOCALES, catalogue: str = FLOWS) -> dict[str, Path]:
    """Give the catalogue of every language but the source."""
    paths = sorted(locales.glob(f"*/LC_MESSAGES/{catalogue}.po"))
    named = {path.parent.parent.name.replace("_", "-"): path for path in paths}
    return {language: path for language, path in named.items() if language != SOURCE}


def catalogue_path(language: str, locales: Path = LOCALES, catalogue: str = FLOWS) -> Path:
    """Give where a language's catalogue stands, or would."""
    return locales / language.replace("-", "_") / "LC_MESSAGES" / f"{catalogue}.po"


@lru_cache(maxsize=32)
def reviewer_of(language: str, locales: Path = LOCALES, catalogue: str = FLOWS) -> str:
    """Give who looked at a language's texts, by the catalogue's header; empty for nobody."""
    if language == SOURCE:
        return "the owners named in the scripts"
    path = catalogues(locales, catalogue).get(language)
    header = "" if path is None else dict(_entries(path.read_text(encoding="utf-8"))).get("", "")
    lines = (line for line in header.splitlines() if line.startswith(_REVIEWER))
    return next(lines, "").removeprefix(_REVIEWER).strip()


def direction(language: str) -> str:
    """Give which way a language is written, as HTML says it."""
    return "ltr" if language in _LEFT_TO_RIGHT else "rtl"


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """Give the translated messages of a catalogue, and its header under "". Only id and translation count."""
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
        if "msgid" in parts and parts.get("msgstr") and not fuzzy:
            yield parts["msgid"], parts["msgstr"]
