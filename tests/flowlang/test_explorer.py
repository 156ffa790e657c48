"""The explorer itself: its size on known scripts, its limits, and the scripts that ship."""

import itertools
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.engine import explore as explorer
from bot.engine.checks import CHECKS, CheckOptions, check_bundle, needs_two_signatures
from bot.engine.checks_review import compare
from bot.engine.explore import explore, roots_of
from bot.engine.issues import errors
from bot.engine.loader import load_bundle, load_flow

SHIPPED = Path(explorer.__file__).parents[1] / "flows"


@pytest.mark.parametrize(("flow", "most"), [("danger_now", 20), ("covert", 120), ("women_head", 400), ("welcome", 600)])
def test_the_reductions_keep_a_flow_small(bundle, flow, most):
    assert explore(bundle, [flow]).states <= most


def test_twelve_questions_in_one_score_are_a_sum_and_not_a_product(bundle):
    keys = ("a", "b", "c", "d", "e")
    options = ", ".join(f"{key}: گزینهٔ {key}" for key in keys)
    asks = "\n".join(f"- {{ask: q{n}, text: پرسش؟, choice: {{{options}}}}}" for n in range(12))
    points = "\n".join(
        f"  - {{if: q{n} == {key}, add: {add}}}" for n in range(12) for add, key in enumerate(keys[1:], 1)
    )
    text = (
        f"flow: big\ntitle: t\nowner: o\nsilence: {{after: 5m, then: pause}}\nsteps:\n{asks}\n- score: s\n  points:\n"
        f"{points}\n  bands: {{low: {{points: 0..20}}, high: {{points: 21..}}}}\n- {{end: bye}}\n"
    )
    flow, issues = load_flow(text, "big.yaml", bundle)
    assert issues == []

    found = explore(type(bundle)(flows={"big": flow}, entry="big"))

    assert found.states < 1000
    assert found.issues == []


def test_a_script_too_big_names_its_costly_answers(bundle):
    ticks = itertools.count(0.0, 30.0)

    found = explore(bundle, ["women_head"], now=lambda: next(ticks))

    assert "too_many_states" in [issue.rule for issue in found.issues]


def test_conversations_begin_at_the_entry_at_follow_ups_and_at_what_nobody_calls(bundle):
    assert roots_of(bundle) == ["always", "check_in", "covert", "welcome"]


def test_exploring_twice_gives_the_same(bundle):
    assert explore(bundle).issues == explore(bundle).issues


def test_two_persons_sign_what_touches_danger(bundle):
    assert needs_two_signatures(bundle.flows["danger_now"])
    assert not needs_two_signatures(load_flow("flow: f\ntitle: t\nowner: o\nsteps: [{end: e}]", "f.yaml")[0])


def test_every_check_is_in_the_catalogue():
    assert set(CHECKS) <= set(explorer.issue.__globals__["CATALOGUE"])


def test_a_step_that_vanished_under_people_is_named(bundle, text_of):
    changed, _ = load_flow(text_of("covert").replace("ask: shared", "ask: seen"), "covert.yaml", bundle)
    new = type(bundle)(flows={**bundle.flows, "covert": changed})
    waiting = {("covert", "shared"): 3, ("covert", "what"): 1}

    assert [(issue.rule, issue.severity) for issue in compare(bundle, new, waiting)] == [("renamed_id", "W")]


def test_a_migration_to_a_question_with_other_answers_is_refused(bundle, text_of):
    moved = text_of("covert") + f"migrate:\n  {bundle.version}: {{shared: what}}\n"
    changed, issues = load_flow(moved.replace("ask: shared", "ask: seen"), "covert.yaml", bundle)
    assert issues == []
    new = type(bundle)(flows={**bundle.flows, "covert": changed})

    assert [issue.rule for issue in compare(bundle, new, {("covert", "shared"): 3})] == ["migration_unfit"]


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_no_broken_script_makes_the_checks_raise(bundle, text_of, data):
    name = data.draw(st.sampled_from(["danger_now", "covert", "check_in"]))
    lines = text_of(name).splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        lines[at : at + data.draw(st.integers(0, 2))] = [lines[data.draw(st.integers(0, len(lines) - 1))]]
    flow, issues = load_flow("\n".join(lines), f"{name}.yaml", bundle)
    if flow is not None:
        changed = replace(bundle, flows={**bundle.flows, flow.id: flow})
        issues = issues + check_bundle(changed, CheckOptions(today=date(2026, 11, 22), flows=(flow.id,)))

    assert all(issue.render() and issue.render("en") for issue in issues)


def test_the_scripts_that_ship_have_no_error():
    bundle, issues = load_bundle(SHIPPED)
    assert bundle is not None

    found = issues + check_bundle(bundle, CheckOptions(today=date(2026, 11, 22)))

    assert [issue.render("en") for issue in errors(found)] == []
