"""What the simulation found, each as the few steps that showed it."""

from bot.proof.simulation.plan import Step, plan
from bot.proof.simulation.runner import run_steps, shrink
from bot.proof.simulation.world import World

_CRY, _PUMP, _CLAIM = Step("cry", 0, 0, 0), Step("pump", 0, 0, 0), Step("claim", 0, 0, 1)


def test_a_new_cry_raises_a_case_again_that_a_person_lowered():
    lower = Step("lower", 2, 0, 1)

    assert run_steps(1, [_CRY, _PUMP, _CLAIM, _PUMP, lower, Step("cry", 0, 1, 0)]) == []


def test_a_new_cry_in_the_moment_of_closing_opens_a_new_case():
    close = Step("close", 0, 0, 1)

    assert run_steps(1, [_CRY, _PUMP, _CLAIM, _PUMP, close, Step("cry", 0, 1, 0)]) == []


def test_several_words_that_are_late_together_are_said_once():
    assert run_steps(3, [_CRY, Step("hours", 26, 0, 0), Step("kill", 0, 0, 0), Step("hours", 1, 0, 0), _PUMP]) == []


def test_the_steps_of_a_seed_are_always_the_same():
    assert plan(5, 50) == plan(5, 50) != plan(6, 50)


def test_a_failing_seed_is_made_small(monkeypatch):
    monkeypatch.setattr(World, "pump", lambda _self: None)  # no loop ever passes: whoever wrote waits for ever

    small = shrink(1, [*plan(1, 4), _CRY, *plan(2, 4)], most=12)

    assert 0 < len(small) < 9
