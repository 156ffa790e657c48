"""Instruments score as published: points of each answer, items in order, and the band of every possible sum.

Sources: docs/content.md. HARK Sohal 2007; DA-5 Messing and Campbell; ASQ NIMH; PHQ-2 and GAD-2 Kroenke; HHS FANTA.
"""

from functools import cache
from pathlib import Path

import pytest

import bot
from bot.engine.loader import load_bundle
from bot.engine.model import Instrument

FLOWS = Path(bot.__file__).parent / "flows"
YES_NO = {"yes": 1, "no": 0, "skip": 1}
TWO_WEEKS = {"never": 0, "days": 1, "often": 2, "daily": 3, "skip": 1}
HUNGER = {"never": 0, "some": 1, "often": 2, "skip": 1}

Banded = tuple[str, str | None]


def _same(band: str, danger: str | None, times: int) -> list[Banded]:
    """Write one band for several sums in a row."""
    return [(band, danger)] * times


#: instrument → items in order → points of each answer
ANSWERS: dict[str, dict[str, dict[str, int]]] = {
    "hark": dict.fromkeys(("humiliated", "afraid", "forced", "hit"), YES_NO),
    "da5": dict.fromkeys(("worse", "weapon", "kill", "choke", "jealous"), YES_NO),
    "asq": dict.fromkeys(("wish", "burden", "thoughts", "ever"), YES_NO) | {"now": {"yes": 5, "no": 0, "skip": 5}},
    "phq2": dict.fromkeys(("joy", "low"), TWO_WEEKS),
    "gad2": dict.fromkeys(("nervous", "worry"), TWO_WEEKS),
    "hhs3": dict.fromkeys(("empty", "asleep", "day"), HUNGER),
}
#: instrument → the band of sum 0, 1, 2 … with its danger
BANDS: dict[str, list[Banded]] = {
    "hark": [("none", None), *_same("positive", "low", 4)],
    "da5": [*_same("low", "low", 2), ("some", "low"), ("raised", "high"), *_same("high", "immediate", 2)],
    "asq": [("none", None), *_same("positive", "high", 4), *_same("acute", "immediate", 5)],
    "phq2": [*_same("low", None, 2), ("some", "low"), *_same("likely", "low", 4)],
    "gad2": [*_same("low", None, 3), *_same("likely", "low", 4)],
    "hhs3": [*_same("little", None, 2), *_same("moderate", "low", 2), *_same("severe", "high", 3)],
}


@cache
def instruments() -> dict[str, Instrument]:
    """Load what the repository publishes, once."""
    loaded, _ = load_bundle(FLOWS)
    assert loaded is not None
    return loaded.instruments


def instrument(name: str) -> Instrument:
    """Give one instrument."""
    return instruments()[name]


@pytest.mark.parametrize("name", list(ANSWERS))
def test_each_answer_has_its_published_points(name: str) -> None:
    """The points of every item's every answer."""
    found = {item.id: {option.key: option.points for option in item.options} for item in instrument(name).items}

    assert ANSWERS[name] == found
    assert list(ANSWERS[name]) == list(found)


@pytest.mark.parametrize("name", list(BANDS))
def test_each_sum_falls_into_its_published_band(name: str) -> None:
    """One band for every sum from nothing to the most."""
    bands = instrument(name).bands
    table = [
        [(band.key, band.danger) for band in bands if band.low <= points <= band.high]
        for points in range(len(BANDS[name]))
    ]

    assert [[expected] for expected in BANDS[name]] == table


@pytest.mark.parametrize("name", ["hark", "da5", "asq", "child_safety"])
def test_a_refused_safety_item_counts_as_a_yes(name: str) -> None:
    """Skip is tagged at least high and scores like a yes (domain rule: refusal is never a no)."""
    for item in instrument(name).items:
        skip = next(option for option in item.options if option.key == "skip")

        assert skip.danger in {"high", "immediate"}
        assert skip.points >= 1


def test_the_fifth_question_about_suicide_is_asked_only_after_a_yes() -> None:
    """ASQ item 5 follows a positive answer, and its yes is immediate."""
    now = instrument("asq").items[4]

    assert now.condition is not None
    assert now.condition.text == "points > 0"
    assert {option.key: option.danger for option in now.options} == {
        "yes": "immediate",
        "no": None,
        "skip": "immediate",
    }


def test_an_immediate_child_answer_is_urgent_whatever_came_before() -> None:
    """Our own six items: each T1 answer alone reaches the band urgent, and five T2 answers do not."""
    child = instrument("child_safety")
    urgent = next(band for band in child.bands if band.key == "urgent")

    for item in child.items:
        for option in item.options:
            assert (option.danger == "immediate") == (option.points >= urgent.low)
    assert urgent.low > 6


@pytest.mark.parametrize("name", [*ANSWERS, "child_safety"])
def test_every_instrument_says_that_its_persian_is_not_validated(name: str) -> None:
    """A translation of ours may not pass for a validated one."""
    assert "اعتبارسنجی نشده" in instrument(name).source["persian"]
