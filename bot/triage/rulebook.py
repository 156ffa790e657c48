"""What every lexicon is made of, whichever language its words are of: tags as bits, concepts, patterns and overrides.

The words themselves stand elsewhere: Persian ones with all their endings in bot.triage.lexicon, those of other
languages in bot.triage.languages.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from bot.core.screening import KINDS, TIERS, Tier
from bot.triage.lexfile import LexiconError, Section
from bot.triage.rules import Rule, compile_rule, tags_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What a match means: its tier (None asks softly), kinds, and why in Persian.

    `whole` patterns look at the whole text; `asks` says that an overridden match still asks one question.
    """

    id: str
    tier: Tier | None
    kinds: tuple[str, ...]
    why: str
    rule: Rule
    label: str = ""
    whole: bool = False
    asks: bool = False
    covert: bool = False
    firm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """The rules of one lexicon version. Treat as immutable.

    Of each clause hundreds of rules are asked and hardly any can hold, so the tags of which a rule needs one stand
    beside it: in `concepts` (those tags, its bit, its rule) and in `in_clause`, made of `patterns`.
    """

    version: str
    bits: dict[str, int]
    concepts: list[tuple[int, int, Rule]]
    patterns: list[Pattern]
    overrides: dict[str, Rule]
    in_clause: list[tuple[int, Pattern]] = field(init=False)

    def __post_init__(self) -> None:
        """Part the patterns that one clause can fill from those of the whole text."""
        asked = [(pattern.rule.any_of, pattern) for pattern in self.patterns if not pattern.whole]
        object.__setattr__(self, "in_clause", asked)


def listed(value: object) -> list[str]:
    """Give the alternatives of a rule.

    Raises:
        LexiconError: they are not written as a list.
    """
    if not isinstance(value, list):
        raise LexiconError("alternatives are a list of `- …` lines")
    return value


def entries(value: Section, separator: str) -> Iterator[str]:
    """Give the words of a class."""
    for part in value if isinstance(value, list) else [value]:
        for entry in str(part).split(separator):
            if entry.strip():
                yield entry.strip()


def read_rule(value: Section | None, bits: dict[str, int]) -> Rule:
    """Compile a list of alternatives."""
    return compile_rule(listed(value), bits.__getitem__)


def pattern_tags(name: str, value: Section) -> Iterator[str]:
    """Give the tags a pattern mentions.

    Raises:
        LexiconError: it is no pattern.
    """
    if not isinstance(value, dict):
        raise LexiconError(f"pattern {name} needs tier, kinds, why and when")
    for alternative in listed(value.get("when", [])):
        yield from tags_of(alternative)


def read_pattern(name: str, value: Section, bits: dict[str, int]) -> Pattern:
    """Compile one pattern.

    Raises:
        LexiconError: a part of it is missing or unknown.
    """
    if not isinstance(value, dict):
        raise LexiconError(f"pattern {name} needs tier, kinds, why and when")
    tier = str(value.get("tier", ""))
    kinds = tuple(str(value.get("kinds", "")).split())
    wrong = [kind for kind in kinds if kind not in KINDS]
    if wrong or tier not in {*TIERS, "ask"}:
        raise LexiconError(f"pattern {name}: unknown {' '.join(wrong) or 'tier'}")
    flags = str(value.get("flags", "")).split()
    return Pattern(
        id=name,
        tier=None if tier == "ask" else cast("Tier", tier),
        kinds=kinds,
        why=str(value.get("why", "")),
        rule=read_rule(value.get("when"), bits),
        label=str(value.get("label", "")),
        whole="whole" in flags,
        asks=name[0] in "ABDFGHO",
        covert="covert" in flags,
        firm="firm" in flags,
    )
