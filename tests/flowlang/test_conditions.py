"""Conditions: what reads and what does not, and that the compiled form agrees with a naive reading of the tree."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.engine.conditions import Domain, Named, Problem, fact_names, parse_condition
from bot.engine.expressions import Condition
from bot.engine.issues import issue

NAMES = {
    **fact_names(),
    "what": Named("answers", Domain(kind="keys", keys=("now", "month", "fear", "none", "skip"))),
    "children": Named("answers", Domain(kind="number", low=0, high=12, has_skip=True)),
    "needs": Named("answers", Domain(kind="set", keys=("money", "job"), has_skip=True)),
    "since": Named("answers", Domain(kind="date")),
    "tell": Named("answers", Domain(kind="keys", keys=("given",), has_skip=True)),
    "rounds": Named("vars", Domain(kind="number", low=0, high=3)),
}


def holds(text, answers=None, marks=None, facts=None):
    found = parse_condition(text, NAMES)
    assert isinstance(found, Condition), found
    return found.holds(answers or {}, marks or {}, {"risk": "none", "today": "2026-11-22", **(facts or {})})


@pytest.mark.parametrize(
    ("text", "answers", "expected"),
    [
        ("what == none", {"what": "none"}, True),
        ("what == now | month", {"what": "month"}, True),
        ("what != now | month", {"what": "fear"}, True),
        ("what != now", {"what": "skip"}, True),
        ("children >= ۳", {"children": 3}, True),
        ("children >= 3", {"children": "skip"}, False),
        ("children < 3", {"children": "skip"}, False),
        ("children == 0", {"children": 0}, True),
        ("children == skip", {"children": "skip"}, True),
        ("money in needs", {"needs": ("money",)}, True),
        ("money in needs", {"needs": "skip"}, False),
        ("money not in needs", {"needs": ["job"]}, True),
        ("count(needs) >= 2", {"needs": ["job", "money"]}, True),
        ("count(needs) < 1", {"needs": "skip"}, True),
        ("skipped(needs)", {"needs": "skip"}, True),
        ("known(what)", {}, False),
        ("not known(what)", {}, True),
        ("known(what) and what != none", {"what": "now"}, True),
        ("(what == now or what == fear) and not children > 2", {"what": "fear", "children": 1}, True),
        ("days_ago(since) <= 30", {"since": "2026-11-01"}, True),
        ("days_ago(since) <= 30", {"since": "2026-01-01"}, False),
        ("days_ago(since) <= 30", {"since": "no date"}, False),
        ("tell == given", {"tell": "given"}, True),
    ],
)
def test_a_condition_has_the_value_the_specification_gives_it(text, answers, expected):
    assert holds(text, answers) is expected


def test_facts_and_vars_are_read_from_their_own_place():
    assert holds("risk == T1 | T2", facts={"risk": "T1"})
    assert holds("rounds == 2", marks={"rounds": 2})
    assert not holds("rounds == 2", answers={"rounds": 2})
    assert holds("suicide in kinds", facts={"kinds": ("suicide",)})


@pytest.mark.parametrize(
    ("text", "rule", "col"),
    [
        ("what = none", "condition_unreadable", 6),
        ("what == nothing", "not_in_domain", 9),
        ("what == now and children > 1 or what == fear", "mixed_and_or", 30),
        ("risk >= T2", "wrong_type", 1),
        ("what > 3", "wrong_type", 1),
        ("needs == money", "wrong_type", 1),
        ("money in what", "wrong_type", 10),
        ("since == 3", "wrong_type", 1),
        ("wat == now", "unknown_name", 1),
        ("children == 13", "not_in_domain", 13),
        ("what ==", "condition_unreadable", 8),
        ("", "condition_unreadable", 1),
        ("(what == now", "condition_unreadable", 13),
        ("what == now what == fear", "condition_unreadable", 13),
        ("what in [now, fear]", "condition_unreadable", 9),
        ('what == "now"', "condition_unreadable", 9),
        ("children < 99999999", "too_large", 12),
        ("((((what == now))))", "too_large", 5),
        (" or ".join(["what == now"] * 13), "too_large", 181),
        ("x" * 201, "too_large", 1),
        ("not not what == now", "condition_unreadable", 5),
    ],
)
def test_a_wrong_condition_names_its_rule_and_column(text, rule, col):
    found = parse_condition(text, NAMES)

    assert isinstance(found, Problem)
    assert (found.rule, found.col) == (rule, col)
    assert issue(found.rule, "f.yaml", (1, found.col), **found.words).render()


def test_messages_speak_persian_and_name_the_repair():
    found = parse_condition("what = none", NAMES)
    assert isinstance(found, Problem)

    shown = issue(found.rule, "f.yaml", (3, 9), **found.words).render()

    expected = "شرط خوانده نشد، ستون ۶: یک = دیدم: برای برابری دو تا بنویسید: what == none"
    assert shown == f"f.yaml:3:9: condition_unreadable: {expected}"


VALUES = {
    "what": [None, "now", "month", "fear", "none", "skip"],
    "children": [None, 0, 1, 2, 3, 12, "skip"],
    "needs": [None, (), ("money",), ("job",), ("money", "job"), "skip"],
}
TESTS = st.sampled_from(
    [
        "what == now", "what != fear | none", "children >= 2", "children < 1", "money in needs", "job not in needs",
        "count(needs) > 0", "known(what)", "skipped(children)", "known(needs)", "children == 2 | 3",
    ]
)  # fmt: skip


@st.composite
def conditions(draw, depth=3):
    if depth == 0 or draw(st.booleans()):
        unit = draw(TESTS)
        return f"not {unit}" if draw(st.booleans()) else unit
    joiner = draw(st.sampled_from([" and ", " or "]))
    parts = [f"({draw(conditions(depth=depth - 1))})" for _ in range(2)]
    return joiner.join(parts)


def naive(text, answers):
    """Judge a condition by Python's own grammar: the reference the closures must agree with."""
    words = text.replace(" not in ", " notin ").replace("not (", "not(")
    for test in sorted(TESTS.elements, key=len, reverse=True):
        words = words.replace(test.replace(" not in ", " notin "), str(single(test, answers)))
    return eval(words, {"__builtins__": {}})


def single(test, answers):
    what, children, needs = answers["what"], answers["children"], answers["needs"]
    held = needs if isinstance(needs, tuple) else ()
    return {
        "what == now": what == "now",
        "what != fear | none": what not in {"fear", "none"},
        "children >= 2": isinstance(children, int) and children >= 2,
        "children < 1": isinstance(children, int) and children < 1,
        "money in needs": "money" in held,
        "job not in needs": "job" not in held,
        "count(needs) > 0": len(held) > 0,
        "known(what)": what is not None,
        "skipped(children)": children == "skip",
        "known(needs)": needs is not None,
        "children == 2 | 3": children in {2, 3},
    }[test]


@given(conditions(), st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()}))
@settings(max_examples=200, deadline=None)
def test_the_compiled_condition_agrees_with_the_naive_reading(text, answers):
    found = parse_condition(text, NAMES)
    if isinstance(found, Problem):
        assert found.rule == "too_large"
        return
    written = {name: value for name, value in answers.items() if value is not None}

    assert found.holds(written, {}, {}) == naive(text, answers)


@given(st.text(max_size=220) | st.text(alphabet="abwhat=!<>|()notindr 019ر۳", max_size=60))
@settings(max_examples=400, deadline=None)
def test_no_text_makes_the_reader_raise(text):
    for names in (NAMES, None):
        found = parse_condition(text, names)
        if isinstance(found, Problem):
            issue(found.rule, "f.yaml", (1, found.col), **found.words).render()
        else:
            assert found.holds({}, {}, {}) in {True, False}
