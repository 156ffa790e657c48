"""The vigil over alerts can fail: each of these bugs of the alert process is caught by the seeds that CI runs, soon.

Patching our own modules is forbidden elsewhere; here a broken module is what is tested.
"""

from dataclasses import replace

import pytest

from bot.proof.simulation.plan import Step, plan
from bot.proof.simulation.runner import run_steps
from escalation import watch, watch_ages, watch_rules
from escalation.watch_file import WatchFile

SEEDS_MOST = 200


def forget_whom_it_called(patch):
    """Nothing of what was tried is remembered: everybody is called at every look."""
    patch.setattr(WatchFile, "history", property(lambda _self: []))


def call_once_and_never_again(patch):
    patch.setattr(watch_rules._Book, "told", lambda self, person, due: (person, due.case.id) in self._told)


def believe_that_a_failed_page_arrived(patch):
    real = WatchFile.finish
    patch.setattr(WatchFile, "finish", lambda self, number, _state, error="": real(self, number, "sent", error))


def call_only_the_first_level(patch):
    real = watch.due_attempts

    def due(lines, attempts, policy, people, now):
        tiers = {
            name: replace(tier, levels=tier.levels[:1], all_ways_after_s=9e9) for name, tier in policy.tiers.items()
        }
        return real(lines, attempts, replace(policy, tiers=tiers), people, now)

    patch.setattr(watch, "due_attempts", due)


def begin_to_count_at_each_look(patch):
    """A case is always new: nobody's wait ever grows long."""

    def remember(self, kept, key, _at, now_ms):
        return kept.setdefault(key, now_ms)

    patch.setattr(watch_ages.Ages, "_remember", remember)


def believe_the_clock(patch):
    """A jump of the wall clock is taken for time that passed."""
    patch.setattr(watch_ages.Jumps, "since_last", lambda *_args: 0)


MUTATIONS = [
    forget_whom_it_called,
    call_once_and_never_again,
    believe_that_a_failed_page_arrived,
    call_only_the_first_level,
    begin_to_count_at_each_look,
    believe_the_clock,
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_a_deliberate_bug_of_the_alerts_is_caught(mutation, monkeypatch):
    mutation(monkeypatch)

    found = (run_steps(seed, plan(seed)) for seed in range(10_000, 10_000 + SEEDS_MOST))
    assert any(said.startswith(("I7", "I18")) for breaches in found for said in breaches)


def test_an_urgent_case_is_told_although_the_watch_dies_each_time_it_wants_to():
    cry, pump = Step("cry", 0, 0, 0), Step("pump", 0, 0, 0)
    dies = [Step("watch_crash", point, 0, 0) for point in (0, 1, 2)]

    assert run_steps(1, [cry, pump, *(step for die in dies for step in (die, Step("tick", 25, 0, 0)))]) == []
