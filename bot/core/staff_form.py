"""A questionnaire that trained staff fill in for somebody: its words, its licence, and what the answers come to.

What the console and the flows agree on, so that neither knows the other. Pure data.
"""

from dataclasses import dataclass
from typing import Protocol

from bot.core.screening import Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class FormItem:
    """One question. `only_if` is set where it counts only after certain answers; `options` are (key, label)."""

    id: str
    text: str
    options: tuple[tuple[str, str], ...]
    only_if: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffForm:
    """One questionnaire. `version` is a hash of its content; `source` says whose it is, its licence and its Persian."""

    id: str
    title: str
    version: str
    source: dict[str, str]
    items: tuple[FormItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormResult:
    """What the answers come to. `items` are (question, answer, points) of what counts; `missing` are ids to answer yet.

    `tier` is what the result and each answer recommend, None for nothing; a person decides.
    """

    band: str
    points: int
    tier: Tier | None
    items: tuple[tuple[str, str, int], ...]
    missing: tuple[str, ...] = ()


class StaffForms(Protocol):
    """Where the questionnaires come from (bot.staff_forms)."""

    def names(self) -> tuple[str, ...]:
        """Give what questionnaires there are, without reading one."""
        ...

    def all(self) -> tuple[StaffForm, ...]:
        """Give every questionnaire."""
        ...

    def score(self, name: str, answers: dict[str, str]) -> FormResult:
        """Score answers by item. Raises KeyError for a questionnaire that there is none of."""
        ...


class NoForms:
    """No questionnaires at all."""

    def names(self) -> tuple[str, ...]:
        """Give none."""
        return ()

    def all(self) -> tuple[StaffForm, ...]:
        """Give none."""
        return ()

    def score(self, name: str, answers: dict[str, str]) -> FormResult:  # noqa: ARG002 - there is nothing to score
        """Score nothing. Raises KeyError."""
        raise KeyError(name)
