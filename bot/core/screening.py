"""What reading one text found: tier, kinds, label and the evidence for it.

Made by bot.triage, read by the engine, the case and the console. A verdict only ever raises (I8).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

#: T1 now, T2 within 24 hours, T3 within 7 days, T4 guidance (domain.md §3).
Tier = Literal["T1", "T2", "T3", "T4"]
TIERS: tuple[Tier, ...] = ("T1", "T2", "T3", "T4")

#: Who the text is about and when; independent of the tier.
Label = Literal["danger", "history", "third_party", "info", "none"]

#: The codes a screening, a script or a case may carry (design.md §4).
KINDS: tuple[str, ...] = (
    "suicide",
    "self_harm",
    "spouse_abuse",
    "family_violence",
    "threat_weapon",
    "sexual_violence",
    "extortion",
    "child_abuse",
    "child_labour",
    "homelessness",
    "hunger",
    "runaway",
    "addiction",
    "forced_marriage",
    "custody",
    "elder_abuse",
    "disability_abuse",
    "harm_to_others",
    "gender_dysphoria",
    "acute_family",
    "women_head_support",
    "legal",
    "mood",
)


def strongest(tiers: Iterable[Tier | None]) -> Tier | None:
    """Give the most urgent of some tiers, None when there is none."""
    present = [tier for tier in tiers if tier is not None]
    return min(present) if present else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One reason of a verdict: where in the text (character offsets), which pattern, why in Persian."""

    start: int
    end: int
    pattern: str
    why: str


#: With this begins the `pattern` of an evidence that the model alone gives.
MODEL = "model."


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """The verdict on one text (the last 90 s joined).

    `soft` is the *ask* band: nothing is queued, one gentle closed question is due for `kinds`. `about` is the one of
    them that the whole text tells of, where one leads clearly.
    """

    tier: Tier | None = None
    kinds: tuple[str, ...] = ()
    about: str = ""
    covert: bool = False
    label: Label = "none"
    soft: bool = False
    evidence: tuple[Evidence, ...] = ()
    lexicon: str = ""

    @property
    def likely_first(self) -> tuple[str, ...]:
        """Give the kinds, the one that it is about before the others."""
        return (self.about, *(kind for kind in self.kinds if kind != self.about)) if self.about else self.kinds

    @property
    def has_sign(self) -> bool:
        """True when a pattern or a covert sign found something: more than the model's guess."""
        return self.covert or any(not one.pattern.startswith(MODEL) for one in self.evidence)


NOTHING_FOUND = Screening()
