"""The model beside the patterns: a linear score a window of words, from weights kept as data. It may only raise.

Pure Python at run time. Three scores (in danger at all, within a day, now) are held against gates; what lies between
the lowest gate and the queue is asked about. The words that carried a score are its evidence.
"""

import json
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import nlargest
from itertools import chain
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
    kind_bucket,
    of_word,
    stem_of,
    tokens,
    windows,
)

MODEL_FILE = Path(__file__).with_name("model.bin")
#: What each score asks: any danger, T1 or T2, T1.
SCORES = ("any", "high", "now")
_REMEMBERED_WORDS = 16_384
_CUES_MAX = 3
_NOTHING = -99.0
#: Windows looked at closely; a text with more grave ones than these is heard by the gravest.
_WINDOWS_MAX = 4
#: The best kind is named when it leads by so much (three of four are right then), else none: a person will see.
_KIND_LEAD = 2.5
#: Where the weight begins in a packed number; below it the length, which no text fills.
_SHIFT = 32
_LENGTH = (1 << _SHIFT) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """From which score on a text is T3, asked about, queued, or taken for immediate; lower where a pattern agrees.

    Below `glance` (its words alone) or `floor` (the first score) the model says nothing.
    """

    glance: float
    floor: float
    soon: float
    ask: float
    high: float
    now: float
    high_with_cue: float
    now_with_cue: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What the model makes of a text: its scores, likely kinds, and where the telling words stand."""

    any: float
    high: float
    now: float
    kinds: tuple[str, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()


class _Known(NamedTuple):
    """A word's part of the first score and of the length, packed, and its stem."""

    first: int
    stem: bytes


@dataclass(frozen=True, slots=True)
class Weights:
    """The tables: a weight a bucket and score (times `scale`), how telling a bucket is (squared), kinds by stem."""

    any: "array[int]"
    high: "array[int]"
    now: "array[int]"
    length: "array[int]"
    kinds: "tuple[array[int], ...]"
    scale: float
    length_scale: float
    biases: tuple[float, float, float]
    gates: Gates
    version: str


class Model:
    """Scores texts with one set of weights; remembers the words it met."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        #: Both tables that every window needs, in one: the weight above the length.
        self._packed = array("q", map(_pack, weights.any, weights.length))
        self._known = lru_cache(maxsize=_REMEMBERED_WORDS)(self._look_up)

    @property
    def gates(self) -> Gates:
        """Give the gates that belong to the weights."""
        return self._weights.gates

    @property
    def version(self) -> str:
        """Give the name of the weights: a hash of what they were trained on."""
        return self._weights.version

    def glance(self, words: Sequence[Word]) -> float:
        """Score a text by its words alone, not by how they stand together: the quick look at what is far off."""
        return max((self._first(part, ()) for part in windows(tokens(words))), default=_NOTHING)

    def hear(self, words: Sequence[Word]) -> Hearing | None:
        """Score a text by the gravest of its windows; None when it is far from every gate."""
        seen = [(self._first(part, ()), part) for part in windows(tokens(words)) if part]
        near = nlargest(_WINDOWS_MAX, (one for one in seen if one[0] >= self.gates.glance), key=itemgetter(0))
        scored = [(self._first(part, self._joints(part)), part) for _, part in near]
        if not scored:
            return None
        best, grave = max(scored, key=itemgetter(0))
        if best < self.gates.floor:
            return None
        high, now = (
            max(self._score(table, bias, part) for first, part in scored if first >= self.gates.floor)
            for table, bias in zip((self._weights.high, self._weights.now), self._weights.biases[1:], strict=True)
        )
        return Hearing(any=best, high=high, now=now, kinds=self._kinds(grave), spans=self._cues(grave))

    def _look_up(self, sound: bytes) -> _Known:
        stem = stem_of(sound)
        return _Known(sum(map(self._packed.__getitem__, of_word(sound, stem))), stem)

    def _joints(self, part: Sequence[Token]) -> list[int]:
        sounds = [token.sound for token in part]
        return between(sounds, [self._known(sound).stem for sound in sounds])

    def _first(self, part: Sequence[Token], joints: Sequence[int]) -> float:
        """Score a window for any danger, by its words and the buckets between them."""
        packed = sum([self._known(token.sound).first for token in part]) + sum(map(self._packed.__getitem__, joints))
        weights = self._weights
        if not packed:
            return _NOTHING
        return (packed >> _SHIFT) * weights.scale / sqrt(
            (packed & _LENGTH) * weights.length_scale + GROUND
        ) + weights.biases[0]

    def _score(self, table: "array[int]", bias: float, part: Sequence[Token]) -> float:
        weights = self._weights
        own = (of_word(token.sound, self._known(token.sound).stem) for token in part)
        buckets = [*chain(*own, self._joints(part))]
        length = sum(map(weights.length.__getitem__, buckets)) * weights.length_scale + GROUND
        return sum(map(table.__getitem__, buckets)) * weights.scale / sqrt(length) + bias

    def _kinds(self, part: Sequence[Token]) -> tuple[str, ...]:
        buckets = [kind_bucket(self._known(token.sound).stem) for token in part]
        scores = [sum(map(table.__getitem__, buckets)) / len(buckets) for table in self._weights.kinds]
        best, second = sorted(range(len(scores)), key=lambda at: -scores[at])[:2]
        return (KINDS[best],) if scores[best] - scores[second] >= _KIND_LEAD else ()

    def _cues(self, part: Sequence[Token]) -> tuple[tuple[int, int], ...]:
        """Give the places of the words that carried most, in order."""
        weighed = sorted(part, key=lambda token: -self._known(token.sound).first)[:_CUES_MAX]
        return tuple(sorted((one.start, one.end) for one in weighed if self._known(one.sound).first > 0))


def _pack(weight: int, length: int) -> int:
    return (weight << _SHIFT) + length


def load_model(path: Path = MODEL_FILE) -> Model:
    """Read the weights."""
    return Model(from_bytes(path.read_bytes()))


def from_bytes(data: bytes) -> Weights:
    """Unpack what `to_bytes` packed: a line of JSON, then the deflated tables."""
    head, _, packed = data.partition(b"\n")
    facts = json.loads(head)
    raw = zlib.decompress(packed)
    tables = []
    at = 0
    for code, size in [("h", SIZE)] * 3 + [("B", SIZE)] + [("b", KIND_SIZE)] * len(KINDS):
        table = array(code)
        table.frombytes(raw[at : at + size * table.itemsize])
        at += size * table.itemsize
        tables.append(table)
    return Weights(
        tables[0],
        tables[1],
        tables[2],
        tables[3],
        tuple(tables[4:]),
        facts["scale"],
        facts["length_scale"],
        tuple(facts["biases"]),
        Gates(**facts["gates"]),
        facts["version"],
    )


def to_bytes(weights: Weights) -> bytes:
    """Pack the weights as they are kept: little-endian, one line of facts before them."""
    facts = {
        "version": weights.version,
        "scale": weights.scale,
        "length_scale": weights.length_scale,
        "biases": weights.biases,
        "gates": {name: getattr(weights.gates, name) for name in Gates.__slots__},
    }
    tables = (weights.any, weights.high, weights.now, weights.length, *weights.kinds)
    raw = b"".join(table.tobytes() for table in tables)
    return json.dumps(facts, sort_keys=True).encode() + b"\n" + zlib.compress(raw, 9)
