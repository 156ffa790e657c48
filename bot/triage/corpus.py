"""The corpus that the model learns from, as files of this repository: situations by several hands, ordinary life.

`hand*.tsv`: tier, kind, register, implicit, text; each hand wrote apart. `mirror*.tsv`: the same by hands that are
never trained on. `ordinary*.txt`: a text a line, nobody in danger. All of it is invented.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from bot.core.text import words

CORPUS_DIR = Path(__file__).with_name("corpus")
#: The register of whatever is no hand's situation.
ORDINARY = "ordinary"
_COLUMNS = 5
_ODD_SPELLING = frozenset({"misspelt", "dialect", "finglish"})


class Line(NamedTuple):
    """One written situation; `tier` is "none" for a look-alike and for ordinary life."""

    tier: str
    kind: str
    register: str
    is_implicit: bool
    text: str


class CorpusError(Exception):
    """A file of the corpus is not what it should be; names file and line."""


def training_lines(folder: Path = CORPUS_DIR) -> list[Line]:
    """Give all that may be learnt from, always in the same order."""
    found = [line for file in sorted(folder.glob("hand*.tsv")) for line in situations(file)]
    found += [Line("none", "-", ORDINARY, False, text) for text in ordinary_texts(folder)]  # noqa: FBT003
    if not found:
        raise CorpusError(f"there is no corpus in {folder.name}: it is in the repository, not in the package")
    return found


def mirror_lines(folder: Path = CORPUS_DIR) -> list[Line]:
    """Give what is only measured on, by all its hands."""
    return [line for file in mirror_files(folder) for line in situations(file)]


def mirror_files(folder: Path = CORPUS_DIR) -> list[Path]:
    """Give the files of the hands that are only measured on."""
    return sorted(folder.glob("mirror*.tsv"))


def ordinary_texts(folder: Path = CORPUS_DIR) -> list[str]:
    """Give the texts of ordinary life."""
    return [text for file in sorted(folder.glob("ordinary*.txt")) for _, text in _lines(file)]


def everyday_words(lines: Iterable[Line]) -> list[str]:
    """Give the folded words that ordinary life uses more than once, well spelt, in Persian letters; often used first."""
    counts: Counter[str] = Counter()
    everyday: Counter[str] = Counter()
    for line in lines:
        if line.register not in _ODD_SPELLING:
            found = [word.text for word in words(line.text)]
            counts.update(found)
            everyday.update({*found} if line.tier == "none" else ())
    kept = (word for word, count in everyday.items() if count > 1 and len(word) > 1 and not word.isascii())
    return sorted(kept, key=lambda word: (-counts[word], word))


def situations(file: Path) -> Iterator[Line]:
    """Read one hand's file.

    Raises:
        CorpusError: a line has not five columns.
    """
    for number, line in _lines(file):
        columns = line.split("\t")
        if len(columns) != _COLUMNS:
            raise CorpusError(f"{file.name}:{number}: five columns are needed: tier, kind, register, implicit, text")
        tier, kind, register, implicit, text = columns
        yield Line(tier, kind, register, implicit == "1", text)


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip() and not line.startswith("#"):
                yield number, line.strip("\n")
