"""A session on one version, a bundle of another."""

from dataclasses import replace

import pytest

from bot.core.events import ContentFailed, SessionMigrated
from bot.core.screening import Screening


@pytest.fixture
def moved(talk):
    """Stand at the second question of women_head, then meet a version with the given map."""

    def begin(mapping):
        she = talk("women_head")
        she.says("سلام")
        she.says("۳")
        flow = she.bundle.flows["women_head"]
        steps = tuple(replace(step, id="house") if step.id == "home" else step for step in flow.steps)
        changed = replace(flow, steps=steps, migrate={she.session.version: mapping})
        she.bundle = replace(she.bundle, version="next", flows={**she.bundle.flows, "women_head": changed})
        return she

    return begin


def test_a_renamed_step_takes_the_answer_that_was_on_its_way(moved):
    she = moved({"home": "house"})
    she.says("بله")

    assert [event.version for event in she.events if isinstance(event, SessionMigrated)] == ["next"]
    assert she.session.version == "next"
    assert she.session.stack[0].answers == {"children": 3, "house": "ok"}
    assert she.at == "women_head.food"


@pytest.mark.parametrize("mapping", [{"home": "human"}, {}])
def test_a_step_that_is_gone_leads_to_a_person(moved, mapping):
    she = moved(mapping)
    she.says("بله")

    assert she.told == [("T2", "failure")]
    assert she.session.status == "resting"
    assert not any(isinstance(event, ContentFailed) for event in she.events)
    she.says("هنوز هستم")
    assert she.at == "always.tell"


def test_a_restart_begins_the_entry_script(moved):
    she = moved({"home": "restart"})
    she.says("بله")

    assert she.at == "women_head.children"
    assert she.session.stack[0].answers == {}


@pytest.mark.parametrize("mapping", [{"home": "human"}, {"home": "restart"}, {"home": "house"}])
def test_danger_acts_on_the_way(moved, mapping):
    she = moved(mapping)
    she.says("منو می‌زنه", Screening(tier="T1", kinds=("spouse_abuse",)))

    assert she.told == [("T1", "words")]


def test_leaving_needs_no_version(moved):
    she = moved({})
    she.says("0")

    assert she.session.status == "locked"
