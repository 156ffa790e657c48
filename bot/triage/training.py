"""From the corpus to the weights: three machines, one for each kind, gates set by how often ordinary life may alarm."""

import hashlib
import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.core.text import words
from bot.triage.combine import Ear
from bot.triage.corpus import ORDINARY, Line
from bot.triage.grams import SIZE, Token, tokens, windows
from bot.triage.invented import invented
from bot.triage.learning import STEM_WEIGHT, even_slacks, example, features, fit, rarity
from bot.triage.model import Facts, Gates, Hearing, Model, Weights
from bot.triage.reading import Reader
from bot.triage.training_kinds import kinds_of

_COST = 0.5
#: Texts of each invented kind.
INVENTED = 24_000
#: Raised by whoever changes what training does with the same lines and settings.
_WAY = 3
#: How much a danger's nearest neighbour weighs beside an ordinary text, as there are few: a look-alike, and for T1 a T2.
_NEIGHBOUR = 3.0
_WANTED = ({"T1", "T2", "T3"}, {"T1", "T2"}, {"T1"})
_TOP = 127
_TOP_LENGTH = 255
#: Shares of ordinary texts that the model alone may look at closely, ask about, queue, and of these take for immediate.
BUDGETS = {"glance": 0.25, "floor": 0.1, "soon": 0.01, "ask": 0.013, "high": 0.002, "now": 0.0006}
#: What may be queued where a pattern found something too: that is rare there, so more may pass.
HIGH_WITH_CUE = 0.012
_NEVER = -99.0
_FAR = Hearing(any=_NEVER, high=_NEVER, now=_NEVER)
#: Where T1 parts from T2 by training; no gate for T1 lies below.
_BORDER = -0.05
#: How far T1 stands above the gravest ordinary texts that its share lets through.
_CLEARLY = 0.06
_OPEN = Gates(glance=_NEVER, floor=_NEVER, soon=0.0, ask=0.0, high=0.0, now=0.0, high_with_cue=0.0)


def train(lines: Sequence[Line], *, count: int = INVENTED) -> Weights:
    """Train on all lines, and on three times `count` texts made of the ordinary ones; the gates are open."""
    made = invented([line.text for line in lines if line.register == ORDINARY], count)
    taught = [*lines, *(Line("none", "-", ORDINARY, False, text) for text in made)]  # noqa: FBT003
    parts = [(line, part) for line in taught for part in _parts(line.text)]
    told = rarity(features(part) for _, part in parts)
    examples = [example(features(part), told) for _, part in parts]
    weighs = [_NEIGHBOUR if _is_neighbour(line) else 1.0 for line, _ in parts]
    sides = [[line.tier in wanted for line, _ in parts] for wanted in _WANTED]
    machines = [fit(examples, side, even_slacks(side, weighs, _COST)) for side in sides]
    return _packed(lines, told, machines)


def _is_neighbour(line: Line) -> bool:
    """True for a look-alike and for T2; a T3 is no neighbour: whoever queues one errs on the right side."""
    return line.tier == "T2" or (line.tier == "none" and line.register != ORDINARY)


def _parts(text: str) -> list[list[Token]]:
    found = tokens(words(text))
    return [found[start:end] for start, end in windows(len(found))]


def _packed(lines: Sequence[Line], told: Sequence[float], machines: "list[tuple[array[float], float]]") -> Weights:
    """Round the tables to a byte each; a weight is kept times how telling its bucket is.

    The third is the middle of the last two machines: what is grave and now stands out more than what is merely now.
    """
    (first, first_bias), (second, second_bias), (third, third_bias) = machines
    middle = array("d", (0.5 * (one + other) for one, other in zip(second, third, strict=True)))
    tables = [[weight * by for weight, by in zip(weights, told, strict=True)] for weights in (first, second, middle)]
    scales = [max(map(abs, table)) / _TOP for table in tables]
    length_scale = max(by * by for by in told) / _TOP_LENGTH
    soon, high, now = (
        array("b", (round(weight / scale) for weight in table)) for table, scale in zip(tables, scales, strict=True)
    )
    biases = (first_bias, second_bias, 0.5 * (second_bias + third_bias))
    return Weights(
        soon,
        high,
        now,
        array("B", (max(1, round(by * by / length_scale)) for by in told)),
        kinds_of(lines),
        Facts((scales[0], scales[1], scales[2]), length_scale, biases, _OPEN, version_of(lines)),
    )


def version_of(lines: Sequence[Line]) -> str:
    """Give the name of what is trained on these lines in this way."""
    way = (_WAY, SIZE, STEM_WEIGHT, INVENTED, _COST, _NEIGHBOUR, tuple(map(sorted, _WANTED)))
    digest = hashlib.sha256(repr(way).encode())
    for line in lines:
        digest.update("\t".join(map(str, line)).encode())
    return digest.hexdigest()[:12]


def _gate(scores: Sequence[float], share: float) -> float:
    """Give the score that this share of texts does not fall short of."""
    return round(sorted(scores)[math.ceil(len(scores) * (1 - share)) - 1] + 0.0001, 4)


def with_gates(weights: Weights, ordinary: Iterable[str], reader: Reader) -> Weights:
    """Give the weights with gates that let these shares of ordinary texts through, which were not trained on."""
    model = Model(replace(weights, facts=replace(weights.facts, gates=_OPEN)))
    ear = Ear(model, reader)
    texts = list(ordinary)
    glances = sorted(model.glance(words(text)) for text in texts)
    glance = round(glances[int(len(glances) * (1 - BUDGETS["glance"]))], 4)
    heard = [ear.hear(words(text)) or _FAR for text in texts]
    now = max(_BORDER, _gate([one.now for one in heard], BUDGETS["now"]) + _CLEARLY)
    queued = [one.high if one.now < now else math.inf for one in heard]
    gates = Gates(
        glance=glance,
        floor=_gate([one.any for one in heard], BUDGETS["floor"]),
        soon=_gate([one.any for one in heard], BUDGETS["soon"]),
        ask=_gate([one.high for one in heard], BUDGETS["ask"]),
        high=_gate(queued, BUDGETS["high"]),
        now=now,
        high_with_cue=_gate(queued, HIGH_WITH_CUE),
    )
    return replace(weights, facts=replace(weights.facts, gates=gates))
