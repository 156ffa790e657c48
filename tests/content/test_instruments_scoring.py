"""Instruments score as published: points of each answer, items in order, and the band of every possible sum.

Sources: docs/content.md. HARK Sohal 2007; DA-5 Messing and Campbell; ASQ NIMH; PHQ and GAD Kroenke, Spitzer; HHS FANTA.
Packs: HITS Sherin 1998, WHO-5 Topp 2015. For staff: C-SSRS screener, Danger Assessment without weights.
"""

import shutil
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
PHQ9 = ("joy", "low", "sleep", "tired", "appetite", "failure", "focus", "slow", "dead")
GAD7 = ("nervous", "worry", "many", "relax", "restless", "irritable", "afraid")

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
    "phq9": dict.fromkeys(PHQ9, TWO_WEEKS),
    "gad7": dict.fromkeys(GAD7, TWO_WEEKS),
    "hardship": {
        "roof": {"ok": 0, "rent": 2, "soon": 3, "tonight": 20, "skip": 3},
        "income": {"steady": 0, "some": 1, "none": 2, "skip": 2},
        "insurance": {"have": 0, "ended": 1, "none": 1, "skip": 1},
        "dependants": {"none": 0, "few": 0, "many": 1, "skip": 0},
        "medicine": {"yes": 1, "no": 0, "skip": 1},
    },
}
#: instrument → the band of sum 0, 1, 2 … with its danger
BANDS: dict[str, list[Banded]] = {
    "hark": [("none", None), *_same("positive", "low", 4)],
    "da5": [*_same("low", "low", 2), ("some", "low"), ("raised", "high"), *_same("high", "immediate", 2)],
    "asq": [("none", None), *_same("positive", "high", 4), *_same("acute", "immediate", 5)],
    "phq2": [*_same("low", None, 2), ("some", "low"), *_same("likely", "low", 4)],
    "gad2": [*_same("low", None, 3), *_same("likely", "low", 4)],
    "hhs3": [*_same("little", None, 2), *_same("moderate", "low", 2), *_same("severe", "high", 3)],
    "phq9": [
        *_same("minimal", None, 5), *_same("mild", None, 5), *_same("moderate", "low", 5), *_same("raised", "low", 5),
        *_same("severe", "low", 8),
    ],
    "gad7": [*_same("minimal", None, 5), *_same("mild", None, 5), *_same("moderate", "low", 5), *_same("severe", "low", 7)],
    "hardship": [
        *_same("light", None, 2), *_same("hard", "low", 4), *_same("severe", "high", 14), *_same("urgent", "immediate", 6),
    ],
}  # fmt: skip


@cache
def instruments() -> dict[str, Instrument]:
    """Load what the repository publishes, once."""
    loaded, _ = load_bundle(FLOWS)
    assert loaded is not None
    return loaded.instruments


@pytest.fixture(scope="module")
def switched_on(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Instrument]:
    """Copy the packs, and what is for staff, where instruments live: as an operator would, or as nobody should."""
    flows = tmp_path_factory.mktemp("flows") / "flows"
    shutil.copytree(FLOWS, flows)
    for folder in ("packs", "staff"):
        for path in (FLOWS / folder).glob("*.yaml"):
            shutil.copy(path, flows / "instruments")
    loaded, issues = load_bundle(flows)
    assert [found.render("en") for found in issues if found.file.startswith("instruments/")] == []
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


#: instrument that is not switched on → what some whole answers come to
WHOLE: dict[str, list[tuple[dict[str, str], int, str]]] = {
    "hits": [
        (dict.fromkeys(("hurt", "insult", "threaten", "scream"), "never"), 4, "low"),
        ({"hurt": "rarely", "insult": "rarely", "threaten": "rarely", "scream": "rarely"}, 8, "low"),
        ({"hurt": "rarely", "insult": "some", "threaten": "rarely", "scream": "rarely"}, 9, "positive"),
        (dict.fromkeys(("hurt", "insult", "threaten", "scream"), "always"), 20, "positive"),
    ],
    "who5": [
        (dict.fromkeys(("cheerful", "calm", "active", "rested", "interest"), "none"), 0, "poor"),
        ({"cheerful": "less", "calm": "less", "active": "some", "rested": "some", "interest": "some"}, 7, "poor"),
        ({"cheerful": "less", "calm": "less", "active": "less", "rested": "some", "interest": "some"}, 8, "low"),
        ({"cheerful": "half", "calm": "half", "active": "less", "rested": "less", "interest": "less"}, 12, "low"),
        (dict.fromkeys(("cheerful", "calm", "active", "rested", "interest"), "all"), 25, "well"),
    ],
    "cssrs": [
        ({"wish": "no", "thoughts": "no", "behaviour": "no"}, 0, "none"),
        ({"wish": "yes", "thoughts": "no", "behaviour": "no"}, 1, "low"),
        ({"wish": "yes", "thoughts": "yes", "method": "no", "intent": "no", "plan": "no", "behaviour": "no"}, 3, "low"),
        ({"wish": "no", "thoughts": "yes", "method": "yes", "intent": "no", "plan": "no", "behaviour": "no"}, 12, "moderate"),
        ({"wish": "no", "thoughts": "no", "behaviour": "ever"}, 10, "moderate"),
        ({"wish": "no", "thoughts": "yes", "method": "no", "intent": "yes", "plan": "no", "behaviour": "no"}, 42, "high"),
        ({"wish": "no", "thoughts": "no", "behaviour": "recent"}, 40, "high"),
        ({"wish": "no", "thoughts": "no", "behaviour": "skip"}, 40, "high"),
    ],
    "danger_assessment": [({"gun": "yes", "choked": "yes", "kill": "skip"}, 3, "some")],
}  # fmt: skip


@pytest.mark.parametrize("name", list(WHOLE))
def test_what_is_not_switched_on_scores_as_published(name: str, switched_on: dict[str, Instrument]) -> None:
    """Sum and band of whole answers, from the published tables."""
    found = switched_on[name]
    for answers, points, band in WHOLE[name]:
        items = {item.id: {option.key: option.points for option in item.options} for item in found.items}
        total = sum(items[item][answer] for item, answer in answers.items())

        assert points == total
        assert [band] == [each.key for each in found.bands if each.low <= total <= each.high]


def test_screening_of_suicide_by_staff_asks_on_only_after_thoughts(switched_on: dict[str, Instrument]) -> None:
    """C-SSRS: method, intent and plan follow a yes (or a refusal) to item 2; behaviour is always asked."""
    asked = {item.id: item.condition.text if item.condition else "" for item in switched_on["cssrs"].items}

    assert {"method", "intent", "plan"} == {item for item, condition in asked.items() if condition}
    assert {"points >= 2"} == {condition for condition in asked.values() if condition}


def test_nothing_for_staff_and_no_pack_is_in_what_is_published() -> None:
    """No script can ask them before somebody put them there."""
    apart = {path.stem for folder in ("packs", "staff") for path in (FLOWS / folder).glob("*.yaml")}

    assert {"hits", "who5", "cssrs", "danger_assessment"} == apart
    assert apart.isdisjoint(instruments())


def test_what_is_for_staff_says_so_and_every_instrument_names_its_source(switched_on: dict[str, Instrument]) -> None:
    """Source, author, licence and the state of its Persian stand in every file."""
    staff = {path.stem for path in (FLOWS / "staff").glob("*.yaml")}

    assert staff == {name for name, found in switched_on.items() if found.source.get("use") == "فقط کارمند"}
    for found in switched_on.values():
        assert all(found.source.get(key) for key in ("name", "by", "licence", "persian"))
