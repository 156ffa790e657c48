"""Patterns and model in one verdict: patterns are the floor and the explanation, the model may only raise.

Three bands: queue (T1, T2), ask (`soft`: one gentle closed question), pass. Where a pattern found something too, the
model is believed sooner.
"""

from collections.abc import Sequence
from dataclasses import replace

from bot.core.screening import KINDS, MODEL, Evidence, Screening, Tier
from bot.core.text import Word
from bot.triage.model import Gates, Hearing, Model
from bot.triage.reading import Reader

#: From so many words on a text tells of more than the words that a pattern found.
_STORY_WORDS = 6
_WHY = "به موقعیت‌های خطر می‌ماند"


class Ear:
    """Hears with the model what was written, and Finglish also as the Persian it spells; the graver of both counts."""

    def __init__(self, model: Model, reader: Reader) -> None:
        self._model = model
        self._reader = reader

    def hear(self, found: Sequence[Word]) -> Hearing | None:
        """Score a text's words; None when they are far from every gate."""
        heard = self._model.hear(found)
        persian = self._reader.in_persian(found)
        again = self._model.hear(persian) if persian else None
        if heard is None or again is None:
            return heard or again
        louder = max(heard, again, key=lambda one: one.high)
        return replace(
            louder, any=max(heard.any, again.any), high=max(heard.high, again.high), now=max(heard.now, again.now)
        )


def combined(heard: Screening, guess: Hearing | None, gates: Gates, *, joined: bool = False) -> Screening:
    """Give the verdict of both on one text; never less than what the patterns heard.

    Texts that were joined are believed only where they are grave: two answers beside each other resemble much that
    nobody said.
    """
    if guess is None:
        return heard
    tier = _tier(guess, gates, has_cue=heard.tier in {"T2", "T3"} or heard.soft)
    asks = guess.high >= gates.ask
    if not joined:
        heard = _about(heard, guess)
    if (tier is None and not asks) or (joined and tier not in {"T1", "T2"}):
        return heard
    kinds = heard.kinds or guess.kinds
    about = heard.about or (kinds[0] if kinds == guess.kinds and kinds else "")
    if tier is not None and (heard.tier is None or tier < heard.tier):
        return replace(
            heard,
            tier=tier,
            kinds=kinds,
            about=about,
            label=heard.label if heard.label == "third_party" else "danger",
            soft=asks and tier == "T3",
            evidence=heard.evidence + _evidence(guess, tier),
        )
    if heard.tier in {"T1", "T2"} or heard.soft:
        return heard
    return replace(heard, kinds=kinds, about=about, soft=True, evidence=heard.evidence or _evidence(guess, "ask"))


def _about(heard: Screening, guess: Hearing) -> Screening:
    """Add the kind that the whole text tells of to those of the patterns' words: it is oftener right.

    In a few words the patterns know better, who does what to whom.
    """
    if not guess.kinds or guess.words < _STORY_WORDS or not (heard.tier is not None or heard.soft):
        return heard
    (about,) = guess.kinds
    return replace(heard, about=about, kinds=tuple(kind for kind in KINDS if kind in {*heard.kinds, about}))


def _tier(guess: Hearing, gates: Gates, *, has_cue: bool) -> Tier | None:
    if guess.now >= gates.now:
        return "T1"
    if guess.high >= (gates.high_with_cue if has_cue else gates.high):
        return "T2"
    return "T3" if guess.any >= gates.soon else None


def _evidence(guess: Hearing, band: str) -> tuple[Evidence, ...]:
    return tuple(Evidence(start=start, end=end, pattern=f"{MODEL}{band}", why=_WHY) for start, end in guess.spans)
