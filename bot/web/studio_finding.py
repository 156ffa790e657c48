"""Where a sentence stands in the scripts: who read it in a talk need not know which file it comes from."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.core.text import fold, squash
from bot.drafts import Sources

#: Shorter words stand everywhere.
CHARS_MIN = 3
#: So many places are shown; who found more writes more of the sentence.
SHOWN_MAX = 60
#: A sentence that is nowhere as it is written may hold a name or a number: so much of its words must be there.
_SHARE = 0.6
_WORDS_MIN = 3
_WHOLE = 1.0
_KEY = re.compile(r"\A(- )?\w+: (?=\S)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line of a script, counted from one, and what it says without its key."""

    name: str
    line: int
    text: str


def find(sources: Sources, sought: str) -> list[Place]:
    """Give the lines that hold what is sought, however it is spaced and typed; where none does, those nearest to it."""
    if len(squash(sought)) < CHARS_MIN:
        return []
    found = sorted(_matches(sources, sought), key=lambda match: -match[0])
    best = found[0][0] if found else _WHOLE
    return [place for share, place in found if share == _WHOLE or best < _WHOLE]


def _matches(sources: Sources, sought: str) -> Iterator[tuple[float, Place]]:
    whole, words = squash(sought), set(fold(sought).split())
    for name in sorted(sources):
        for number, line in enumerate(sources[name].splitlines(), start=1):
            share = _WHOLE if whole in squash(line) else _share(words, line)
            if share >= _SHARE:
                yield share, Place(name=name, line=number, text=_KEY.sub("", line.strip()))


def _share(words: set[str], line: str) -> float:
    """Give how much of some words a line has; less than whole, for it has them elsewhere or otherwise."""
    if len(words) < _WORDS_MIN:
        return 0.0
    return min(len(words.intersection(fold(line).split())) / len(words), 1 - 1e-9)
