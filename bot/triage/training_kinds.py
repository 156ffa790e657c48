"""From the corpus to the machines that tell kinds apart (bot.triage.kinds)."""

import math
from array import array
from collections.abc import Sequence

from bot.core.screening import KINDS
from bot.core.text import words
from bot.triage.corpus import Line
from bot.triage.grams import KIND_SIZE, kinds_of_word, stem_of, tokens
from bot.triage.kinds import KindWeights
from bot.triage.learning import Example, fit, rarity

_COST = 0.5
_TOP = 127


def kinds_of(lines: Sequence[Line]) -> KindWeights:
    """Train on the lines that have a kind; a weight is kept times how telling its bucket is."""
    taught = [line for line in lines if line.kind in KINDS]
    met = [_buckets(line.text) for line in taught]
    told = rarity(met, KIND_SIZE)
    examples = [_example(buckets, told) for buckets in met]
    slacks = [0.5 / _COST] * len(taught)
    machines = [fit(examples, [line.kind == kind for line in taught], slacks, size=KIND_SIZE) for kind in KINDS]
    tables = [[weight * by for weight, by in zip(weights, told, strict=True)] for weights, _ in machines]
    scale = max(max(map(abs, table)) for table in tables) / _TOP or 1.0
    return KindWeights(
        tuple(array("b", (round(weight / scale) for weight in table)) for table in tables),
        tuple(bias for _, bias in machines),
        scale,
    )


def _buckets(text: str) -> list[int]:
    sounds = [token.sound for token in tokens(words(text))]
    return sorted({bucket for sound in sounds for bucket in kinds_of_word(sound, stem_of(sound))})


def _example(buckets: Sequence[int], told: Sequence[float]) -> Example:
    length = math.sqrt(sum(told[bucket] ** 2 for bucket in buckets)) or 1.0
    return Example(array("l", buckets), array("d", (told[bucket] / length for bucket in buckets)))
