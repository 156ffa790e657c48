"""Which kind of danger a text tells of: one small linear machine a kind, over its words and their stems.

Whether there is danger at all is not asked here. A kind is named only where it leads clearly over the next one.
"""

import math
from array import array
from collections.abc import Collection
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from bot.core.screening import KINDS

#: The best kind is named when it leads by so much, and the more the fewer the words are (one in six is wrong then, on
#: hands it never saw), else none: a person will see.
_LEAD, _FEW = 0.8, 6


#: A byte a bucket: made by training, or mapped from the file.
Table: TypeAlias = "array[int] | memoryview[int]"


@dataclass(frozen=True, slots=True)
class KindWeights:
    """A table of KIND_SIZE bytes and a bias for each of KINDS; `scale` is what one unit of a weight is."""

    tables: tuple[Table, ...]
    biases: tuple[float, ...]
    scale: float

    def best(self, words: Collection[tuple[int, int]]) -> tuple[str, ...]:
        """Name the kind that words tell of, given as their buckets; nothing where none leads."""
        met = set(chain.from_iterable(words))
        unit = self.scale / math.sqrt(len(met) or 1)
        scores = [
            sum(map(table.__getitem__, met)) * unit + bias for table, bias in zip(self.tables, self.biases, strict=True)
        ]
        best, second = sorted(range(len(scores)), key=lambda at: -scores[at])[:2]
        wanted = _LEAD * (1 + _FEW / (len(words) or 1))
        return (KINDS[best],) if scores[best] - scores[second] >= wanted else ()
