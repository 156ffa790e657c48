"""The simulation in CI: many fresh seeds on all cores, and for ever those that once found something."""

import os
from pathlib import Path

import pytest

from bot.proof.simulation import run_seeds
from bot.proof.simulation.runner import run_seed
from bot.proof.simulation.steps import POINTS, STEPS

SEEDS = [int(line) for line in Path(__file__).with_name("seeds.txt").read_text().split("\n") if line.isdecimal()]
#: A plain run of the tests looks at a few; the long form asks for thousands.
COUNT = int(os.environ.get("PANAH_SIMULATION_SEEDS", "40"))
#: Most stories are short, for their number; one in ten is as long as those of `panah prove`.
SHORT_STEPS = 60


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_that_once_broke_something_breaks_nothing(seed):
    assert run_seed(seed) is None


@pytest.mark.timeout(900)
def test_fresh_seeds_break_nothing_and_every_step_is_taken():
    long = max(1, COUNT // 10)
    report = run_seeds(10_000, COUNT - long, steps=SHORT_STEPS)
    report.add(run_seeds(20_000, long))

    assert report.is_sound, report.render()
    assert report.seeds == COUNT
    assert set(STEPS) <= set(report.kinds)
    if COUNT >= 500:
        assert set(POINTS) <= set(report.crashed), sorted(set(POINTS) - set(report.crashed))
        assert {"429", "5xx", "lost", "403", "cut"} <= set(report.faults)
