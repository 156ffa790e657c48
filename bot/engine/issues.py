"""What can be wrong with a script: an Issue, and the one way to make one from the catalogue.

Content errors are collected, never raised. Form: `file:line:col: rule: what: how to mend`, Persian unless asked
otherwise. The words of every rule are in bot.engine.catalogue.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from bot.core.text import persian_digits
from bot.engine.catalogue import CATALOGUE, Rule

Severity = Literal["E", "W", "N"]
Place = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Issue:
    """One problem. `example` is the shortest conversation that shows it, in labels: «بله › نه»."""

    file: str
    line: int
    col: int
    rule: str
    severity: Severity = field(compare=False)
    what_fa: str
    what_en: str = field(compare=False)
    mend_fa: str = field(compare=False)
    mend_en: str = field(compare=False)
    example: str = field(default="", compare=False)

    def render(self, lang: str = "fa") -> str:
        """Give the one line people read."""
        what, mend = (self.what_en, self.mend_en) if lang == "en" else (self.what_fa, self.mend_fa)
        shown = f" [{self.example}]" if self.example else ""
        return f"{self.file}:{self.line}:{self.col}: {self.rule}: {what}{shown}: {mend}"


def issue(rule: str, file: str, at: Place, /, **names: str | int) -> Issue:
    """Make an issue; `names` fill the rule's words («…» of flow-language §7)."""
    found = CATALOGUE[rule]
    if names.get("nearest") == "-":
        found = _without_nearest(found)
    english = {key: _shown(value) for key, value in names.items()}
    persian = {key: persian_digits(value) if isinstance(value, int) else english[key] for key, value in names.items()}
    return Issue(
        file=file,
        line=at[0],
        col=at[1],
        rule=rule,
        severity=found.severity,
        what_fa=found.what_fa.format_map(persian),
        what_en=found.what_en.format_map(english),
        mend_fa=found.mend_fa.format_map(persian),
        mend_en=found.mend_en.format_map(english),
    )


def _without_nearest(rule: Rule) -> Rule:
    """Leave the suggestion out of a rule's words: nothing is close."""
    return rule._replace(
        what_fa=rule.what_fa.split("؛")[0], what_en=re.split("[;,] (?:the nearest|did you)", rule.what_en)[0]
    )


def _shown(value: object) -> str:
    """Quote an author's word briefly, without what a terminal could not print."""
    text = "".join(char if char.isprintable() or char == "\u200c" else "·" for char in str(value)[:200])
    return text if len(str(value)) <= 200 else text + "…"


def errors(issues: list[Issue]) -> list[Issue]:
    """Give those that block publishing."""
    return [found for found in issues if found.severity == "E"]
