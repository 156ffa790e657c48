"""Questions that are asked once in a talk: the checker walks past them too, and refuses what hangs on their answer."""

from dataclasses import replace
from datetime import date

import pytest

from bot.engine.checks import CheckOptions, check_bundle
from bot.engine.loader import load_flow

OPTIONS = CheckOptions(today=date(2026, 11, 22))
_FLOW = """
flow: {name}
title: ی
owner: ما
silence: {{after: 5m, then: settle}}
steps:
- {{ask: hello, text: شروع کنیم؟, yes_no: {{yes: بله, no: نه}}}}
- {{ask: home, text: خانه دارید؟, {answers}, once: home}}
- {{if: {condition}, go: bye}}
- {{say: more, text: باشد.}}
- {{end: bye, text: بدرود. 123}}
"""


def rules(bundle, *flows):
    loaded = {}
    for name, answers, condition in flows:
        text = _FLOW.format(name=name, answers=answers, condition=condition)
        flow, issues = load_flow(text, f"{name}.yaml", bundle)
        assert [] == [issue for issue in issues if issue.severity == "E"], issues
        loaded[name] = flow
    whole = replace(bundle, flows={**bundle.flows, **loaded})
    found = check_bundle(whole, replace(OPTIONS, flows=tuple(loaded)))
    return {issue.rule for issue in found if issue.severity == "E"}


_YES_NO = "yes_no: {yes: بله, no: نه}"


def test_two_scripts_may_share_an_answer(bundle):
    assert set() == rules(bundle, ("one", _YES_NO, "home == yes"), ("two", _YES_NO, "home == no"))


@pytest.mark.parametrize(
    "other",
    [
        "choice: {yes: بله, some: کمی, no: نه}",
        "yes_no: {yes: {label: بله, danger: low}, no: نه}",
        "yes_no: {yes: {label: بله, go: bye}, no: نه}",
    ],
)
def test_questions_of_one_name_take_the_same_answers_and_nothing_hangs_on_one(bundle, other):
    found = rules(bundle, ("one", _YES_NO, "home == yes"), ("two", other, "home == yes"))

    assert "once_acts" in found


def test_what_follows_a_question_that_is_passed_is_walked_in_the_same_turn(bundle):
    text = _FLOW.format(name="one", answers=_YES_NO, condition="home == yes").replace(
        "- {say: more, text: باشد.}", "- {say: more, text: باشد.}\n- {go: hello_again}"
    )
    loop = text.replace("- {ask: hello,", "- {say: hello_again, text: خب.}\n- {go: home}\n- {ask: hello,")
    flow, _ = load_flow(loop, "one.yaml", bundle)
    found = check_bundle(replace(bundle, flows={**bundle.flows, "one": flow}), replace(OPTIONS, flows=("one",)))

    assert "turn_too_long" not in {issue.rule for issue in found}  # a second time in one script it is asked
