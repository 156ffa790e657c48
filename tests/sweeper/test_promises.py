"""Follow-ups, erasures and whatever fails: each row of the due-table on a virtual clock."""

import pytest

from bot.due import SPREAD_MS
from escalation import acts

CRY = "شوهرم داره منو می‌زنه"
HUMAN = "مددکار"


def quiet_woman(town, hours="هر وقت"):
    """Give a contact whose conversation rests and who may be written to."""
    known = town.say("سلام")
    town.wait(3600, step=120)
    assert [("resting",)] == town.rows("SELECT status FROM sessions")
    if hours:
        town.make_reachable(known.contact_id, hours)
    return known.contact_id


def begun(town):
    return town.rows("SELECT kind FROM inbox WHERE channel = 'timer' AND kind = 'follow_up'")


def test_a_promised_contact_comes_once_and_is_proactive(town):
    contact = quiet_woman(town)
    before = town.last_outbox()
    town.plan("follow_up", contact, after_s=600, contact_id=contact, flow="check_in")
    town.wait(570)
    assert [] == begun(town)
    town.wait(120)
    town.core.directory.forget_all()
    town.wait(600)

    assert 1 == len(begun(town))
    assert {("proactive",)} == set(town.texts(before))


def test_it_waits_for_her_hours(town):
    contact = quiet_woman(town, "صبح")  # it is three at night in Tehran
    town.plan("follow_up", contact, contact_id=contact, flow="check_in")
    town.wait(3600, step=300)
    assert [] == begun(town)
    town.wait(5 * 3600, step=300)

    assert 1 == len(begun(town))


def test_without_a_safe_way_nothing_is_said_and_its_silence_still_counts(town):
    contact = quiet_woman(town, "")
    before = town.last_outbox()
    town.plan("follow_up", contact, contact_id=contact, flow="check_in", if_silent="T2")
    town.wait(25 * 3600, step=300)

    assert [] == town.texts(before)
    assert [("T2",)] == town.rows("SELECT tier FROM cases")


def test_a_promise_to_a_contact_whose_key_is_damaged_ends_in_a_case(town):
    contact = town.say("سلام").contact_id
    town.make_reachable(contact)
    town.run("UPDATE contacts SET wrapped_key = x'00112233'")
    town.core.directory.forget_all()
    town.plan("follow_up", contact, contact_id=contact, flow="check_in", if_silent="T2")
    town.core.timers.fire_due()
    town.clock.advance(86_401)
    town.core.timers.fire_due()

    assert (["dropped"], ["fired"]) == (town.states("follow_up"), town.states("no_answer"))
    assert ("T2", "step") in town.rows("SELECT tier, cause FROM cases")


def test_no_answer_for_a_day_becomes_a_case_when_the_script_said_so(town):
    contact = quiet_woman(town)
    town.plan("follow_up", contact, contact_id=contact, flow="check_in", if_silent="T2")
    town.wait(23 * 3600, step=300)
    assert [] == town.rows("SELECT 1 FROM cases")
    town.wait(3 * 3600, step=300)

    assert [("T2",)] == town.rows("SELECT tier FROM cases")


def test_her_answer_ends_the_worry(town):
    contact = quiet_woman(town)
    town.plan("follow_up", contact, contact_id=contact, flow="check_in", if_silent="T2")
    town.wait(3600, step=300)
    town.say("1")
    town.run("UPDATE sessions SET silence_at = NULL")
    town.wait(30 * 3600, step=3600)

    assert ["dropped"] == town.states("no_answer")
    assert [] == town.rows("SELECT 1 FROM cases")


@pytest.mark.parametrize("state", ["claimed", "waiting"])
def test_it_never_breaks_into_a_conversation(town, state):
    known = town.say(HUMAN if state == "claimed" else "سلام")
    town.make_reachable(known.contact_id)
    if state == "claimed":
        town.claim(town.case())
    town.plan("follow_up", known.contact_id, contact_id=known.contact_id, flow="check_in")
    town.core.timers.fire_due()

    assert [] == begun(town)
    assert ["planned"] == town.states("follow_up")


def test_stop_and_a_quick_exit_drop_what_was_promised(town):
    for who, word in (("a", "لغو"), ("b", "0")):
        known = town.say("سلام", who)
        town.plan("follow_up", known.contact_id, contact_id=known.contact_id, flow="check_in")
        town.say(word, who)

    assert ["dropped", "dropped"] == town.states("follow_up")


def test_an_erasure_waits_for_an_open_case_and_comes_with_its_close(town):
    town.say("سلام")
    town.say("حذف اطلاعات من")
    town.say("بله")
    town.say(CRY)
    town.wait(3600, step=300)
    assert [(1,)] == town.rows("SELECT wrapped_key IS NOT NULL FROM contacts")
    case_id = town.case()
    token = town.claim(case_id)

    town.act(acts.close_case, case_id=case_id, token=token, outcome="counselled", reason="تمام شد")
    town.wait(60)

    assert [(None,)] == town.rows("SELECT wrapped_key FROM contacts")


def test_a_kind_that_nobody_knows_is_left_and_holds_nobody_up(town):
    contact = quiet_woman(town)
    town.plan("from_a_newer_release", "x")
    town.plan("follow_up", contact, contact_id=contact, flow="check_in")
    town.tick()

    assert 1 == len(begun(town))
    assert ["planned"] == town.states("from_a_newer_release")


def test_a_promise_that_fails_is_tried_again_and_holds_nobody_up(town):
    contact = quiet_woman(town)
    town.plan("no_answer", "broken", contact_id=contact)  # without its tier
    town.plan("follow_up", contact, contact_id=contact, flow="check_in")
    town.tick()

    assert 1 == len(begun(town))
    ((_, state, due_at),) = town.due("no_answer")
    assert ("planned", town.now + 60_000) == (state, due_at)


def test_what_was_missed_by_days_is_spread_over_hours(town):
    for n in range(30):
        town.plan("follow_up", f"c{n}", contact_id=f"c{n}", flow="check_in")
    town.clock.advance(3 * 86_400)
    town.core.timers.fire_due()

    moments = sorted(due_at - town.now for _, _, due_at in town.due("follow_up"))
    assert moments[-1] < SPREAD_MS["follow_up"]
    assert moments[-1] - moments[0] > SPREAD_MS["follow_up"] // 2
