"""A message whose turn failed for now: what she writes after it waits its turn, but danger and leaving do not (I4)."""

import pytest

from bot.core.messages import Press, PressInput, text_input
from bot.core.screening import NOTHING_FOUND, Screening
from bot.inbox import enqueue_act

CRY = "شوهرم داره منو می‌زنه"


class FailsAtFirst:
    """Cannot read one message for its first tries; hears danger in another."""

    version = "fails"

    def __init__(self, times):
        self.times = times

    def screen(self, text, earlier=()):
        if "زهر" in text and self.times > 0:
            self.times -= 1
            raise RuntimeError
        return Screening(tier="T1", kinds=("spouse_abuse",)) if CRY in text else NOTHING_FOUND


@pytest.fixture
def town(make_town):
    return make_town(screener=FailsAtFirst(2))


def turns(town):
    return [inbox_id for (inbox_id,) in town.rows("SELECT inbox_id FROM turns ORDER BY id")]


def test_what_comes_after_waits_behind_what_failed_and_all_have_their_turn_in_order(town):
    town.say("سلام")
    assert town.say("زهر").deferred
    assert town.say("دوم").deferred
    assert town.say("سوم").deferred
    town.core.directory.forget_all()  # also after a restart
    assert town.say("چهارم").deferred
    assert [1] == turns(town)
    for _ in range(4):
        town.clock.advance(11)
        town.core.waiting.run_due()

    assert [1, 2, 3, 4, 5] == turns(town)
    assert not town.say("پنجم").deferred


def test_danger_and_leaving_do_not_wait(town):
    town.say("زهر")
    accepted = town.say(CRY)

    assert ("T1", False) == (accepted.tier, accepted.deferred)
    assert not town.say("خروج").deferred
    assert [("locked",)] == town.rows("SELECT status FROM sessions WHERE status = 'locked'")


def test_others_do_not_wait(town):
    town.say("زهر")

    assert not town.say("سلام", "b").deferred


def test_what_is_given_up_holds_nobody_up(make_town):
    town = make_town(screener=FailsAtFirst(99))
    town.say("زهر")
    town.say("دوم")
    assert town.say("باز هم زهر").deferred
    for _ in range(9):
        town.clock.advance(11)
        town.core.waiting.run_due()

    assert [("quarantined",), ("done",), ("quarantined",)] == town.rows("SELECT state FROM inbox ORDER BY id")
    assert not town.say("سوم").deferred


def test_one_contacts_long_line_behind_a_failure_does_not_stand_before_the_others(town):
    town.say(CRY)
    assert town.say("زهر").deferred
    for number in range(120):
        assert town.say(f"خب {number}").deferred
    other = town.say("سلام", "b").contact_id
    act = {"contact_id": other, "kind": "held", "provider_id": "held:1", "now_ms": town.now}
    town.core.store.write_now(lambda tx: enqueue_act(tx, **act))
    town.core.waiting.run_due()

    assert [("done",)] == town.rows("SELECT state FROM inbox WHERE channel = 'desk'")


def test_a_long_line_is_run_in_one_pass_when_nothing_fails(town):
    town.core.worker.be_careful(600)
    for number in range(50):
        assert town.say(f"خب {number}").deferred
    town.core.waiting.run_due()

    assert turns(town) == list(range(1, 51))


def meet_one_with_words(town):
    """Let her have chosen both words; her second turn writes them down."""
    contact_id = town.say("سلام").contact_id
    known = town.core.store.write_now(lambda tx: town.core.directory.find_contact(tx, contact_id, town.now))
    known.session.code_word, known.session.duress_word = "گلسرخ", "خالهپری"
    town.say("خب")


def test_the_duress_word_does_not_wait(town):
    meet_one_with_words(town)
    assert town.say("زهر").deferred
    accepted = town.say("خاله‌پری")

    assert ("T1", False) == (accepted.tier, accepted.deferred)
    assert [("locked",)] == town.rows("SELECT status FROM sessions")
    assert [("T1", 1)] == town.rows("SELECT tier, do_not_contact FROM cases")


def test_a_button_that_says_danger_now_does_not_wait(town):
    town.say("سلام")
    assert town.say("زهر").deferred
    accepted = town.send(PressInput(Press(flow="always", step="soft_check", visit=1, key="yes")))

    assert ("T1", False) == (accepted.tier, accepted.deferred)


def test_the_number_of_an_answer_that_says_danger_now_does_not_wait(town):
    town.say("سلام")
    town.say("2")
    assert town.say("زهر").deferred
    assert town.say("4").deferred
    accepted = town.say("۱")  # «الان در خطرم»

    assert ("T1", False) == (accepted.tier, accepted.deferred)


def test_a_cry_at_the_end_of_a_very_long_text_does_not_wait(town):
    town.say("زهر")

    assert not town.send(text_input("خب " * 2_000 + CRY)).deferred


@pytest.mark.parametrize("word", ["0", "خروج", "خاله پری"])
def test_after_an_unclean_stop_they_pass_what_failed_but_not_what_was_not_tried_yet(town, word):
    meet_one_with_words(town)
    town.core.worker.be_careful(600)
    assert town.say("زهر").deferred
    assert town.say("دوم").deferred
    assert town.say(word).deferred
    assert town.say("چهارم").deferred
    town.core.waiting.run_due()  # «زهر» fails and is to be tried again in a second
    assert [1, 2, 5] == turns(town)

    for _ in range(4):
        town.clock.advance(11)
        town.core.waiting.run_due()
    assert [1, 2, 5, 3, 4, 6] == turns(town)


def test_after_an_unclean_stop_nothing_is_read_before_it_is_stored(town):
    meet_one_with_words(town)
    town.core.worker.be_careful(600)
    assert town.say("زهر").deferred
    assert town.say(CRY).deferred

    assert [(0,), (0,)] == town.rows("SELECT overtakes FROM inbox WHERE state = 'waiting'")

    for _ in range(4):
        town.clock.advance(11)
        town.core.waiting.run_due()
    assert [("T1",)] == town.rows("SELECT tier FROM cases")


def test_after_an_unclean_stop_one_flood_that_cannot_wait_stands_before_nobody(town):
    town.core.worker.be_careful(600)
    for _ in range(150):
        assert town.say("خب", "flood").deferred
    town.run("UPDATE inbox SET overtakes = 1")
    town.clock.advance(1)
    assert town.say(CRY, "b").deferred
    town.core.waiting.run_due()

    assert turns(town).index(151) <= 3


def test_after_an_unclean_stop_a_page_that_was_opened_anew_shows_nothing_of_before(town):
    town.say("سلام")
    town.say("خب")
    town.core.worker.be_careful(600)
    assert town.send(text_input("سلام"), opened_anew=True).deferred
    town.core.waiting.run_due()

    assert [(1,), (2,)] == town.rows("SELECT turns FROM sessions ORDER BY turns")  # a stranger's first opening


def test_after_an_unclean_stop_danger_keeps_its_place_where_nothing_failed(town):
    town.core.worker.be_careful(600)
    for text in ("سلام", "دوم", CRY, "0"):
        assert town.say(text).deferred
    town.core.waiting.run_due()

    assert [1, 2, 3, 4] == turns(town)


def test_what_she_wrote_before_she_left_shows_nothing_afterwards(town):
    town.say("سلام")
    town.say("زهر")
    town.say("0")
    shown = town.last_outbox()
    for _ in range(3):
        town.clock.advance(11)
        town.core.waiting.run_due()

    assert [("done",)] == town.rows("SELECT DISTINCT state FROM inbox")
    assert [] == town.texts(shown)
