"""The simulation in CI: many fresh seeds on all cores, and for ever those that once found something."""

import os
from pathlib import Path

import pytest

from bot.proof.simulation import run_seeds
from bot.proof.simulation.plan import read_kept
from bot.proof.simulation.provider import FAILURES
from bot.proof.simulation.runner import run_steps
from bot.proof.simulation.steps import POINTS, STEPS

KEPT = [line for line in Path(__file__).with_name("seeds.txt").read_text().split("\n") if line[:1].isdecimal()]
#: CI and the long form ask for more; 2,000 take some three minutes of two cores.
COUNT = int(os.environ.get("PANAH_SIMULATION_SEEDS", "200"))
#: So many seeds meet everything that can be met.
ENOUGH = 500


@pytest.mark.parametrize("line", KEPT, ids=lambda line: line.partition(":")[0])
def test_a_seed_that_once_broke_something_breaks_nothing(line):
    assert run_steps(*read_kept(line)) == []


@pytest.mark.timeout(1200)
def test_fresh_seeds_break_nothing_and_every_step_and_crash_point_and_fault_is_met():
    report = run_seeds(10_000, COUNT)

    assert report.is_sound, report.render()
    assert report.seeds == COUNT
    assert set(STEPS) <= set(report.kinds)
    if COUNT >= ENOUGH:
        assert set(POINTS) <= set(report.crashed), sorted(set(POINTS) - set(report.crashed))
        assert set(FAILURES) <= set(report.faults)
