"""The model beside the patterns: a linear score a window of words, from weights kept as data. It may only raise.

Pure Python at run time. Three scores (in danger at all, within a day, now) are held against gates; what lies between
the lowest gate and the queue is asked about. The words that carried a score are its evidence.
"""

import json
import mmap
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from functools import lru_cache
from heapq import nlargest
from itertools import accumulate, pairwise
from math import sqrt
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from bot.core.screening import KINDS
from bot.core.text import Word
from bot.triage.grams import (
    GROUND,
    KIND_SIZE,
    SIZE,
    Token,
    between,
    kinds_of_word,
    of_word,
    stem_of,
    tokens,
    windows,
)
from bot.triage.kinds import KindWeights, Table

MODEL_FILE = Path(__file__).with_name("model.bin")
_REMEMBERED_WORDS = 16_384
_CUES_MAX = 3
_NOTHING = -99.0
#: The tables, in their order: three scores, and how long a text is.
_ANY, _HIGH, _NOW, _LENGTH = range(4)
#: Windows looked at closely; a text with more grave ones than these is heard by the gravest.
_WINDOWS_MAX = 4
#: Where the upper of two numbers begins that are packed into one, so that one sum over words adds both.
_SHIFT = 32
_LOWER = (1 << _SHIFT) - 1
_HALF = 1 << (_SHIFT - 1)
_LINE_END = ord("\n")


class OtherModelError(Exception):
    """These weights were made by other code, or were cut off: `panah model train` makes new ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """From which score on a text is T3, asked about, queued (lower where a pattern agrees), or taken for immediate.

    Below `glance` (its words alone) or `floor` (the first score) the model says nothing.
    """

    glance: float
    floor: float
    soon: float
    ask: float
    high: float
    now: float
    high_with_cue: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What the model makes of a text: its scores, the likely kind of its gravest part and how many words that has,
    and where the telling words stand.
    """

    any: float
    high: float
    now: float
    kinds: tuple[str, ...] = ()
    words: int = 0
    spans: tuple[tuple[int, int], ...] = ()


class _Known(NamedTuple):
    """What a word is by itself: its part of the first score and of the length, packed; its features; its stem; what
    it tells of kinds.
    """

    first: int
    buckets: "array[int]"
    stem: bytes
    kinds: tuple[int, int]


class _Seen(NamedTuple):
    """A window of a text and what its words are, with its score for any danger: at a glance, or by all its features."""

    score: float
    part: Sequence[Token]
    known: Sequence[_Known]
    features: AbstractSet[int] = frozenset()
    length: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """What belongs to the tables: what one unit of each weight and of a length is, a bias a score, gates, a name."""

    scales: tuple[float, float, float]
    length_scale: float
    biases: tuple[float, float, float]
    gates: Gates
    version: str


@dataclass(frozen=True, slots=True)
class Weights:
    """The tables: a weight a bucket and score, how telling a bucket is (squared), and the kinds' own."""

    any: Table
    high: Table
    now: Table
    length: Table
    kinds: KindWeights
    facts: Facts


class Model:
    """Scores texts with one set of weights; remembers the words it met."""

    def __init__(self, weights: Weights) -> None:
        self._facts = weights.facts
        self._kinds = weights.kinds
        self._read = [table.__getitem__ for table in (weights.any, weights.high, weights.now, weights.length)]
        self._known = lru_cache(maxsize=_REMEMBERED_WORDS)(self._look_up)

    @property
    def gates(self) -> Gates:
        """Give the gates that belong to the weights."""
        return self._facts.gates

    @property
    def version(self) -> str:
        """Give the name of the weights, a hash of what they were trained on and how, and one of their gates."""
        return f"{self._facts.version}-{zlib.crc32(repr(self.gates).encode()):08x}"

    def glance(self, words: Sequence[Word]) -> float:
        """Score a text by its words alone, not by how they stand together: the quick look at what is far off."""
        return max((seen.score for seen in self._glances(words)), default=_NOTHING)

    def hear(self, words: Sequence[Word]) -> Hearing | None:
        """Score a text by the gravest of its windows; None when it is far from every gate."""
        gates = self.gates
        near = nlargest(_WINDOWS_MAX, (one for one in self._glances(words) if one.score >= gates.glance), itemgetter(0))
        loud = [one for one in map(self._looked_at, near) if one.score >= gates.floor]
        if not loud:
            return None
        grave = max(loud, key=itemgetter(0))
        return Hearing(
            any=grave.score,
            high=max(self._score(one, _HIGH) for one in loud),
            now=max(self._score(one, _NOW) for one in loud),
            kinds=self._kinds.best([word.kinds for word in grave.known]),
            words=len(grave.known),
            spans=_cues(grave),
        )

    def _look_up(self, sound: bytes) -> _Known:
        stem = stem_of(sound)
        buckets = of_word(sound, stem)
        return _Known(
            _pack(self._sum(_ANY, buckets), self._sum(_LENGTH, buckets)),
            array("I", buckets),
            stem,
            kinds_of_word(sound, stem),
        )

    def _sum(self, which: int, buckets: Iterable[int]) -> int:
        return sum(map(self._read[which], buckets))

    def _glances(self, words: Sequence[Word]) -> Iterator[_Seen]:
        found = tokens(words)
        known = [self._known(token.sound) for token in found]
        for start, end in windows(len(found)):
            mine = known[start:end]
            if mine:
                weight, length = _unpack(sum([word.first for word in mine]))
                yield _Seen(self._scaled(weight, length, _ANY), found[start:end], mine)

    def _looked_at(self, seen: _Seen) -> _Seen:
        """Score a window by all its different features: what is said twice is no graver."""
        pairs = between([token.sound for token in seen.part], [word.stem for word in seen.known])
        features = set(pairs).union(*[word.buckets for word in seen.known])
        seen = seen._replace(features=features, length=self._sum(_LENGTH, features))
        return seen._replace(score=self._score(seen, _ANY))

    def _score(self, seen: _Seen, which: int) -> float:
        return self._scaled(self._sum(which, seen.features), seen.length, which)

    def _scaled(self, weight: int, length: int, which: int) -> float:
        facts = self._facts
        return weight * facts.scales[which] / sqrt(length * facts.length_scale + GROUND) + facts.biases[which]


def _cues(seen: _Seen) -> tuple[tuple[int, int], ...]:
    """Give the places of the words that carried most, in order."""
    weighed = sorted(zip(seen.known, seen.part, strict=True), key=lambda one: -one[0].first)[:_CUES_MAX]
    return tuple(sorted((token.start, token.end) for word, token in weighed if word.first > 0))


def _pack(upper: int, lower: int) -> int:
    return (upper << _SHIFT) + lower


def _unpack(packed: int) -> tuple[int, int]:
    """Give both numbers again; the lower one may be negative."""
    lower = ((packed + _HALF) & _LOWER) - _HALF
    return (packed - lower) >> _SHIFT, lower


def load_model(path: Path = MODEL_FILE) -> Model:
    """Map the weights: what no word needed is not in memory, and all processes share the rest."""
    with path.open("rb") as file:
        return Model(from_bytes(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))))


def from_bytes(data: "bytes | memoryview[int]") -> Weights:
    """Read what `to_bytes` wrote: a line of JSON, then the tables as they are. Nothing is copied.

    Raises:
        OtherModelError: the tables are of another size.
    """
    data = memoryview(data)
    at = next((place + 1 for place, byte in enumerate(data) if byte == _LINE_END), 0)
    facts = json.loads(bytes(data[:at]) or b"{}")
    sizes = [SIZE] * 4 + [KIND_SIZE] * len(KINDS)
    if len(data) - at != sum(sizes):
        raise OtherModelError
    ends = accumulate(sizes, initial=at)
    first, second, third, length, *kinds = (data[start:end].cast("b") for start, end in pairwise(ends))
    return Weights(
        first,
        second,
        third,
        length.cast("B"),
        KindWeights(tuple(kinds), tuple(facts["kind_biases"]), facts["kind_scale"]),
        Facts(
            tuple(facts["scales"]),
            facts["length_scale"],
            tuple(facts["biases"]),
            Gates(**facts["gates"]),
            facts["version"],
        ),
    )


def to_bytes(weights: Weights) -> bytes:
    """Give the weights as they are kept: one line of facts, then the tables."""
    facts = asdict(weights.facts) | {"kind_biases": weights.kinds.biases, "kind_scale": weights.kinds.scale}
    tables = (weights.any, weights.high, weights.now, weights.length, *weights.kinds.tables)
    return json.dumps(facts, sort_keys=True).encode() + b"\n" + b"".join(table.tobytes() for table in tables)
