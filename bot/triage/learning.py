"""Train the model: a linear support vector machine by dual coordinate descent, in plain Python.

Deterministic: the same corpus gives the same weights, byte for byte. Source of the method: Hsieh, Chang, Lin,
Keerthi, Sundararajan, "A dual coordinate descent method for large-scale linear SVM", ICML 2008 (L2 loss).
"""

import math
import random
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import mul

from bot.triage.grams import GROUND, SIZE, STEMS_FROM, Token, between, of_word, stem_of

#: How much more a stem or a pair of stems tells than a piece of a word.
STEM_WEIGHT = 2.0
_EPOCHS = 32
_ENOUGH = 0.02
#: Each so many epochs everyone is looked at; between them only those who had a say then.
_WHOLE_EACH = 4


@dataclass(frozen=True, slots=True)
class Example:
    """One text as scaled features: buckets, and as many values; the squares of the values sum to less than one."""

    buckets: "array[int]"
    values: "array[float]"


def features(found: Sequence[Token]) -> list[int]:
    """Give the different features of a window: what is said twice is no graver."""
    sounds = [token.sound for token in found]
    stems = [stem_of(sound) for sound in sounds]
    return list(dict.fromkeys(chain(*map(of_word, sounds, stems), between(sounds, stems))))


def rarity(texts: Iterable[Iterable[int]], size: int = SIZE) -> "array[float]":
    """Give how telling each bucket is, from each text's different ones: rare ones more (inverse document frequency)."""
    seen: Counter[int] = Counter()
    count = 0
    for buckets in texts:
        seen.update(buckets)
        count += 1
    most = math.log(1 + count) + 1
    told = array("d", [most]) * size
    for bucket, number in seen.items():
        told[bucket] = math.log((1 + count) / (1 + number)) + 1
    for bucket in range(STEMS_FROM, size):
        told[bucket] *= STEM_WEIGHT
    return told


def example(buckets: Sequence[int], told: Sequence[float]) -> Example:
    """Scale features: by how telling they are, and by the length of the text."""
    length = math.sqrt(GROUND + sum(told[bucket] ** 2 for bucket in buckets))
    return Example(array("l", buckets), array("d", (told[bucket] / length for bucket in buckets)))


def even_slacks(wanted: Sequence[bool], weighs: Sequence[float], cost: float) -> list[float]:
    """Say how far each example may be missed so that both sides weigh the same in all.

    `weighs` says how much an unwanted example counts among its like.
    """
    unwanted = sum(by for by, is_wanted in zip(weighs, wanted, strict=True) if not is_wanted)
    whole = cost * (sum(wanted) + unwanted) / 2
    return [
        0.5 * (sum(wanted) if is_wanted else unwanted / by) / whole
        for by, is_wanted in zip(weighs, wanted, strict=True)
    ]


def fit(
    examples: Sequence[Example], wanted: Sequence[bool], slacks: Sequence[float], *, size: int = SIZE
) -> "tuple[array[float], float]":
    """Give the weights and the bias that part wanted from unwanted examples, each missed no further than its slack."""
    weights, bias = array("d", bytes(8 * size)), 0.0
    alphas = [0.0] * len(examples)
    squares = [sum(value * value for value in one.values) + 1.0 for one in examples]
    everyone = list(range(len(examples)))
    active: list[int] = []
    chance = random.Random(1)  # noqa: S311 - an order that is the same each time
    for epoch in range(_EPOCHS):
        is_whole = epoch % _WHOLE_EACH == 0
        order = everyone if is_whole else active
        chance.shuffle(order)
        worst, met = 0.0, []
        for at in order:
            one, sign = examples[at], 1.0 if wanted[at] else -1.0
            score = sum(map(mul, map(weights.__getitem__, one.buckets), one.values)) + bias
            slope = sign * score - 1.0 + slacks[at] * alphas[at]
            if alphas[at] == 0.0 and slope >= 0.0:
                continue
            met.append(at)
            worst = max(worst, abs(slope))
            new = max(alphas[at] - slope / (squares[at] + slacks[at]), 0.0)
            step = (new - alphas[at]) * sign
            alphas[at] = new
            bias += step
            for bucket, value in zip(one.buckets, one.values, strict=True):
                weights[bucket] += step * value
        if is_whole:
            active = met
            if worst < _ENOUGH:
                break
    return weights, bias
