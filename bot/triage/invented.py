"""Texts that nobody wrote, made of ordinary ones: what the model learns harmless words from in new company.

A text that says nothing true is no danger, so it teaches as much about single words and neighbours as a written one.
What that gave on a hand that was not trained on stands in docs/triage.md.
"""

import random
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

_T = TypeVar("_T")
_WORDS_MAX = 24
_WORDS_MIN = 3
_SPLICED_WORDS_MIN = 4
_SHUFFLED_LENGTHS = 18
_EDGE = ""


def invented(texts: Sequence[str], count: int) -> list[str]:
    """Give `count` spliced, `count` shuffled and `count` chained texts; the same for the same texts."""
    written = [text.split() for text in texts]
    chance = random.Random(1)  # noqa: S311 - the same each time
    kinds = (_spliced(written, chance), _shuffled(written, chance), _chained(written, chance))
    return [" ".join(next(kind)) for kind in kinds for _ in range(count)]


def _spliced(written: Sequence[list[str]], chance: random.Random) -> Iterator[list[str]]:
    """The beginning of one text and the end of another."""
    long = [words for words in written if len(words) >= _SPLICED_WORDS_MIN]
    while True:
        first, second = _one(long, chance), _one(long, chance)
        cut, on = 1 + int(chance.random() * (len(first) - 1)), int(chance.random() * (len(second) - 1))
        yield [*first[:cut], *second[on:]][:_WORDS_MAX]


def _shuffled(written: Sequence[list[str]], chance: random.Random) -> Iterator[list[str]]:
    """Words of everywhere, as often as they are used."""
    pool = [word for words in written for word in words]
    while True:
        yield [_one(pool, chance) for _ in range(_WORDS_MIN + int(chance.random() * _SHUFFLED_LENGTHS))]


def _chained(written: Sequence[list[str]], chance: random.Random) -> Iterator[list[str]]:
    """Words that each followed the one before somewhere."""
    after: dict[str, list[str]] = {}
    for words in written:
        for word, following in pairwise([_EDGE, *words, _EDGE]):
            after.setdefault(word, []).append(following)
    while True:
        made: list[str] = []
        while len(made) < _WORDS_MAX and (word := _one(after[made[-1] if made else _EDGE], chance)) != _EDGE:
            made.append(word)
        if len(made) >= _WORDS_MIN:
            yield made


def _one(of: Sequence[_T], chance: random.Random) -> _T:
    return of[int(chance.random() * len(of))]
