"""The model of a rush: it agrees with what can be reckoned by hand and with the theory of queues."""

import json
import math
from dataclasses import replace

import pytest

from bot.cli import main
from bot.commands.load import Rush, machines_of, wait_for_counsellors

TV = Rush(
    people=1_700_000,
    minutes=15.0,
    turns=12,
    urgent=0.002,
    important=0.008,
    counsellors=100,
    at_once=3,
    talk_minutes=20.0,
    door_turns=2991.0,
    bot_turns=1000.0,
)


def test_the_television_appeal_asks_for_the_turns_that_the_plan_names():
    assert machines_of(TV) == {"turns_s": 22_666.7, "doors": 13, "bots": 23}


def test_the_queue_of_the_appeal_empties_when_the_hands_that_are_there_have_done_it():
    waits, empty = wait_for_counsellors(TV)
    cases = sum(row.cases for row in waits)

    assert abs(cases - 17_000) < 4 * math.sqrt(17_000)
    assert empty == pytest.approx(cases * 20 / 300, rel=0.05)
    assert waits[0].longest < waits[1].median


def test_a_quiet_queue_waits_as_long_as_theory_says():
    """M/M/1 at half load: the mean wait is one talk, half of the people do not wait."""
    quiet = replace(TV, people=50_000, minutes=1_000_000.0, urgent=0.0, important=1.0, counsellors=1, at_once=1)
    quiet = replace(quiet, talk_minutes=10.0)
    waits, _ = wait_for_counsellors(quiet)

    assert waits[0].cases == 0
    assert waits[1].median < 1.0
    assert waits[1].p95 == pytest.approx(20 * math.log(10), rel=0.1)


def test_the_same_seed_gives_the_same_table_and_json_has_its_numbers(capsys):
    for _ in range(2):
        assert main(["simulate-load", "--people", "10000", "--json"]) == 0
    first, second = capsys.readouterr().out.splitlines()

    assert first == second
    assert [row["tier"] for row in json.loads(first)["waits"]] == ["T1", "T2"]
    assert main(["simulate-load", "--people", "10000"]) == 0
    assert capsys.readouterr().out.startswith("A model, no measurement.")


@pytest.mark.parametrize("wrong", [["--people", "0"], ["--urgent", "-1"], ["--urgent", "0.9", "--important", "0.9"]])
def test_numbers_that_describe_no_rush_are_refused(wrong, capsys):
    assert main(["simulate-load", *wrong]) == 2
    assert "panah: " in capsys.readouterr().err


def test_a_rush_without_a_case_is_a_table_of_nothing():
    waits, empty = wait_for_counsellors(replace(TV, urgent=0.0, important=0.0))

    assert [row.cases for row in waits] == [0, 0]
    assert empty == 0.0
