import gc
import json

import pytest

from bot.engine.run import Run
from bot.engine.session import Frame, Session, session_from_json, session_to_json

FULL = Session(
    "v1",
    "resting",
    [Frame("a", "b", 3, {"x": "yes", "n": 4, "m": ("p", "q")}, {"rounds": 2, "mark": "on"}, ("x", "n")), Frame("c")],
    visit=9,
    turns=7,
    language="ckb",
    risk="T2",
    kinds=("hunger",),
    debt="T2",
    case=True,
    told_tier="T2",
    told_kinds=("hunger",),
    told_province="IR-08",
    covert=True,
    consents={"referral": True, "contact": False},
    safe="set",
    code_word="گل",
    tries=1,
    reminded=1,
    soft_asked=("suicide",),
    soft_count=1,
    why=("گرسنگی",),
    province="IR-08",
    media_asked=True,
    silenced=True,
    timers={"silence": (9, 300)},
    not_taken=("a", "b", 4),
    after=("a", "b"),
)


@pytest.mark.parametrize("session", [FULL, Session("v2"), Session("v3", "ended", [Frame("a")])])
def test_a_session_survives_json(session):
    assert session_from_json(json.loads(json.dumps(session_to_json(session)))) == session


def test_a_copy_is_equal_and_changing_it_changes_nothing_else():
    copy = FULL.copy()

    assert copy == FULL

    copy.stack[0].answers["x"] = "no"
    copy.stack[0].vars["rounds"] = 3
    copy.consents["referral"] = False
    copy.timers.clear()
    copy.stack.pop()

    assert session_from_json(session_to_json(FULL)) == FULL
    assert len(FULL.stack) == 2
    assert FULL.stack[0].answers["x"] == "yes"


def test_what_was_read_shares_nothing_with_the_json():
    data = session_to_json(FULL)
    read = session_from_json(data)

    read.consents["health"] = True
    read.stack[0].vars["rounds"] = 5

    assert session_from_json(data) == FULL


def test_a_field_of_a_newer_process_is_ignored_and_one_an_older_did_not_know_is_as_at_the_start():
    assert session_from_json([*session_to_json(FULL), "later"]) == FULL
    assert session_from_json(session_to_json(Session("v"))[:-3]) == Session("v")


def test_the_largest_session_stays_small():
    answers = {f"step_number_{number:02d}": ("one", "two", "three") for number in range(64)}
    session = Session("0123456789abcdef", stack=[Frame(f"flow_{depth}", "step", 9, answers) for depth in range(4)])

    assert len(json.dumps(session_to_json(session))) < 16_000


def test_a_turn_leaves_nothing_that_only_a_collection_finds(talk):
    she = talk()
    gc.collect()
    gc.disable()
    try:
        she.says("سلام")
        she.says("بله")
        she.says("هیچ‌کدام از این‌ها")

        assert [] == [one for one in gc.get_objects() if type(one) is Run]
    finally:
        gc.enable()
