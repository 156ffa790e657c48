"""A case that nobody takes: others are called to it, and she hears that it still waits."""

import pytest

from escalation import acts, routing
from escalation.deadlines import NATIONAL_MS, NEAR_MS, WORDS_MS, plan_of
from escalation.policy import Actor

CRY = "شوهرم داره منو می‌زنه"
HUMAN = "مددکار"


def put_in_tehran(town):
    """Move the case to a province's desk, as a person would."""
    case_id = town.case()
    token = town.claim(case_id)
    town.act(acts.transfer_case, case_id=case_id, token=token, desk="IR-23")
    return case_id


@pytest.mark.parametrize("tier", ["T1", "T2", "T3"])
def test_each_tier_goes_to_the_neighbours_and_then_to_the_national_desk(tier):
    rows = plan_of(case_id="k", contact_id="c", tier=tier, desk="IR-23", token=0, now_ms=1000)
    steps = {row["step"]: row["due_at"] - 1000 for row in rows if row["kind"] == "overflow"}

    assert {"0:near:IR-23": NEAR_MS[tier], "0:national:IR-23": NATIONAL_MS[tier]} == steps
    assert NEAR_MS[tier] < NATIONAL_MS[tier]


def test_the_words_come_few_and_further_and_further_apart():
    for words in WORDS_MS.values():
        gaps = [later - sooner for sooner, later in zip((0, *words), words, strict=False)]

        assert len(words) <= 3
        assert gaps == sorted(gaps)


def test_a_case_of_the_national_desk_has_nowhere_further_to_go():
    rows = plan_of(case_id="k", contact_id="c", tier="T1", desk="EOC", token=0, now_ms=0)

    assert {"word"} == {row["kind"] for row in rows}


def test_an_untaken_urgent_case_calls_the_neighbours_at_five_minutes_and_the_country_at_ten(town):
    town.say(CRY)
    put_in_tehran(town)
    town.wait(270)
    assert [] == town.events("overflowed")
    town.wait(60)
    (near,) = town.events("overflowed")
    town.wait(300)

    assert ("near", list(routing.near_desks("IR-23")[1:])) == (near["to"], near["called"])
    assert "national" == town.events("overflowed")[1]["to"]
    town.wait(3600)
    assert 2 == len(town.events("overflowed"))


def test_a_case_that_is_moved_untaken_has_its_whole_way_before_it_again(town):
    town.say(CRY)
    case_id = put_in_tehran(town)
    town.wait(660)
    sara = Actor(staff_id="sara", name="سارا", roles=frozenset({"supervisor"}))
    town.core.store.write_now(
        lambda tx: acts.transfer_case(
            tx, town.office, actor=sara, case_id=case_id, token=None, desk="IR-10", now_ms=town.now
        )
    )
    before = len(town.events("overflowed"))
    town.wait(3600)

    assert ["near", "national"] == [event["to"] for event in town.events("overflowed")[before:]]
    assert {"IR-10"} == {event["desk"] for event in town.events("overflowed")[before:]}


def test_a_taken_case_calls_nobody_and_its_next_stay_in_the_queue_has_a_plan_of_its_own(town):
    town.say(CRY)
    case_id = put_in_tehran(town)
    token = town.claim(case_id)
    for _ in range(40):  # her page renews the claim
        town.clock.advance(20)
        town.act(acts.renew_lease, case_id=case_id, token=token)
        town.tick()
    assert [] == town.events("overflowed")
    town.act(acts.release_case, case_id=case_id, token=token)
    town.wait(330)

    assert ["near"] == [event["to"] for event in town.events("overflowed")]


def test_a_case_that_becomes_urgent_in_the_queue_gets_the_urgent_deadlines(town):
    town.say(HUMAN)
    put_in_tehran(town)
    town.wait(60)
    town.say(CRY)
    town.wait(330)

    assert ["near"] == [event["to"] for event in town.events("overflowed")]


def test_she_hears_that_she_still_waits_and_that_the_telephone_answers_now(town):
    town.say(HUMAN)
    before = town.last_outbox()
    town.wait(11 * 60)

    assert [("reply",)] == town.texts(before)
    assert "fired" == town.states("word")[0]


def test_later_words_are_said_only_to_whom_it_was_safe_to_write_unasked(town):
    known = town.say(HUMAN)
    town.wait(11 * 60)
    before = town.last_outbox()
    town.wait(4 * 3600, step=300)
    assert [] == town.texts(before)
    assert ["fired", "dropped", "planned"] == town.states("word")
    town.make_reachable(known.contact_id)
    town.wait(21 * 3600, step=900)

    assert [("proactive",)] == town.texts(before)


def test_nothing_is_said_while_a_person_holds_the_case(town):
    town.say(HUMAN)
    case_id = town.case()
    token = town.claim(case_id)
    town.tick()
    before = town.last_outbox()
    for _ in range(45):
        town.clock.advance(20)
        town.act(acts.renew_lease, case_id=case_id, token=token)
        town.tick()

    assert [] == town.texts(before)


def test_nothing_is_said_to_whom_said_stop_or_left_in_a_hurry(town):
    for who, word in (("a", "لغو"), ("b", "0")):
        town.say(HUMAN, who)
        town.say(word, who)
    before = town.last_outbox()
    town.wait(11 * 60)

    assert [] == town.texts(before)


def test_a_script_that_says_it_itself_is_not_doubled(town):
    town.say(CRY)  # its step says «nobody yet» every three minutes
    town.wait(6 * 60)

    assert "dropped" == town.states("word")[0]


def test_nothing_lowers_or_closes_a_case_by_itself(town):
    town.say(CRY)
    town.wait(40 * 86400, step=86400)

    assert [("T1", "queued")] == town.rows("SELECT tier, state FROM cases")


def close(town, outcome="counselled"):
    case_id = town.case()
    token = town.claim(case_id)
    town.tick()
    town.act(acts.close_case, case_id=case_id, token=token, outcome=outcome, reason="تمام شد")
    town.tick()


def open_cases(town):
    return town.rows("SELECT tier, desk FROM cases WHERE state <> 'closed'")


def test_whoever_writes_again_soon_after_an_urgent_close_is_told_and_gets_a_case_at_the_same_desk(town):
    town.say(CRY)
    put_in_tehran(town)
    close(town)
    town.clock.advance(3600)
    accepted = town.say("سلام، هستید؟")

    assert "دوباره نوبت گرفتم" in accepted.replies[0].text
    assert [("T2", "IR-23")] == open_cases(town)
    town.say("ممنون که هستید")
    assert 1 == len(open_cases(town))


def test_a_bare_thank_you_after_a_close_opens_nothing(town):
    town.say(CRY)
    close(town)
    accepted = town.say("خیلی ممنون")

    assert "تمام شده" in accepted.replies[0].text
    assert [] == open_cases(town)


def test_danger_after_a_close_is_urgent_at_once(town):
    town.say(CRY)
    close(town)
    accepted = town.say(CRY)

    assert "110" in accepted.replies[0].text
    assert [("T1", "EOC")] == open_cases(town)


@pytest.mark.parametrize(("outcome", "hours"), [("counselled", 25), ("not_a_need", 1)])
def test_a_day_later_or_after_a_mistake_a_conversation_begins_as_any_other(town, outcome, hours):
    town.say(CRY)
    close(town, outcome)
    town.clock.advance(hours * 3600)
    town.say("سلام")

    assert [] == open_cases(town)


def test_after_a_covert_case_nothing_on_the_screen_tells_of_it(town):
    town.say(CRY)
    town.run("UPDATE cases SET covert = 1")
    close(town)
    accepted = town.say("سلام، هستید؟")

    assert [("T2", "EOC")] == open_cases(town)
    assert not any("قبلی" in reply.text for reply in accepted.replies)
