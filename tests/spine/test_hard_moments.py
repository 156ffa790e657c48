"""Moments that a review found: a lock, a claim on its way, an erasure in the gap, two messages in one breath."""

import itertools
import sqlite3
import time

import pytest
from stores import refuse_inserts, take_inserts

from bot.core.messages import (
    ClosedInput,
    HandedBackInput,
    HeldInput,
    InboundMsg,
    SilenceInput,
    TextInput,
    text_input,
)
from bot.core.screening import NOTHING_FOUND
from bot.statements import STATEMENTS
from bot.store.database import Store
from bot.worker import SEEN

_numbers = itertools.count(1)


def message(core, text, who="a", received=None, channel="web"):
    return InboundMsg(
        channel=channel,
        external_id=who,
        provider_id=f"m{next(_numbers)}",
        input=received or TextInput(text),
        received_at=core.clock.now(),
    )


def say(core, text, who="a"):
    return core.inbox.put(message(core, text, who)).done.result(20)


def rows(core, sql, *values):
    return [tuple(row) for row in core.store.read_now(lambda db: db.exec_driver_sql(sql, values).all())]


def together(core, *messages):
    """Let several arrivals wait for one batch."""
    core.worker._kicked = True
    arrivals = [core.inbox.put(one) for one in messages]
    core.worker._kicked = False
    core.worker.kick()
    return [arrival.done.result(20) for arrival in arrivals]


class Breaks:
    version = "broken"

    def screen(self, text, earlier=()):
        if "زهر" in text:
            raise RuntimeError
        return NOTHING_FOUND


@pytest.mark.sqlite
def test_a_database_that_was_locked_for_long_leaves_nobody_deaf(make_core, tmp_path):
    core = make_core(tmp_path / "panah.db", threaded=True)
    core.store.write_now(lambda tx: tx.raw.execute("PRAGMA busy_timeout=50"))
    other = sqlite3.connect(tmp_path / "panah.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    arrival = core.inbox.put(message(core, "شوهرم داره منو می‌زنه"))
    time.sleep(0.3)
    assert not arrival.done.done()

    other.execute("ROLLBACK")
    other.close()
    assert "T1" == arrival.done.result(20).tier


def test_two_cries_in_one_batch_are_one_case_with_its_own_code(core):
    first, second = together(core, message(core, "شوهرم کتکم زد"), message(core, "داره منو خفه می‌کنه کمک"))

    ((code, case_id),) = rows(core, "SELECT code, id FROM cases")
    assert code == first.case_code == second.case_code
    assert {case_id} == {row[0] for row in rows(core, "SELECT case_id FROM case_events")}
    kinds = [row[0] for row in rows(core, "SELECT kind FROM case_events ORDER BY id")]
    assert "opened" == kinds[0]
    assert "opened" not in kinds[1:]
    assert {"raised", "message"} <= set(kinds)


def test_a_timer_and_a_text_in_one_batch_share_one_session_after_a_restart(core):
    known = say(core, "سلام")
    core.directory.forget({known.contact_id})
    ((visit,),) = rows(core, "SELECT silence_visit FROM sessions")
    timer = message(core, "", received=SilenceInput(visit), channel="timer")
    core.worker._kicked = True
    core.inbox.put(timer, contact_id=known.contact_id)
    text = core.inbox.put(message(core, "شوهرم داره منو می‌زنه"))
    core.worker._kicked = False
    core.worker.kick()

    assert "T1" == text.done.result().tier
    assert [("T1",)] == rows(core, "SELECT tier FROM sessions")


def test_the_bot_is_silent_from_the_moment_of_the_claim_even_before_its_row_is_run(core):
    say(core, "شوهرم داره منو می‌زنه")
    core.store.write_now(lambda tx: tx.raw.execute("UPDATE cases SET state = 'claimed', holder = 'x', token = 1"))
    before = len(rows(core, "SELECT 1 FROM outbox"))

    accepted = say(core, "در آشپزخانه‌ام")

    assert () == accepted.replies
    assert before == len(rows(core, "SELECT 1 FROM outbox"))
    assert [("held",)] == rows(core, "SELECT status FROM sessions")


def test_what_is_kept_of_her_being_damaged_opens_a_case_and_answers_her(core):
    known = say(core, "سلام")
    core.store.write_now(lambda tx: tx.raw.execute("UPDATE sessions SET sealed_state = x'00'"))
    core.directory.forget({known.contact_id})

    accepted = say(core, "هستید؟")

    assert accepted.replies
    assert [("T2", "failure")] == rows(core, "SELECT tier, cause FROM cases")


def test_a_damaged_key_makes_way_for_a_new_contact_and_a_person_is_told(core):
    known = say(core, "سلام")
    core.store.write_now(lambda tx: tx.raw.execute("UPDATE contacts SET wrapped_key = x'00'"))
    core.directory.forget({known.contact_id})

    accepted = say(core, "شوهرم داره منو می‌زنه")

    assert accepted.contact_id != known.contact_id
    assert [("T1",)] == rows(core, "SELECT tier FROM cases")


def damage_key(core):
    core.store.write_now(lambda tx: tx.raw.execute("UPDATE contacts SET wrapped_key = x'00112233'"))
    core.directory.forget_all()


def run_for(core, clock, seconds, step=1):
    for _ in range(0, seconds, step):
        clock.advance(step)
        core.timers.fire_due()
        core.waiting.run_due()


def test_what_waits_under_a_damaged_key_is_no_erased_contacts_and_a_person_is_told_once(core, clock):
    say(core, "سلام")
    core.worker.be_careful(600)
    assert say(core, "شوهرم داره منو می‌زنه").deferred
    assert say(core, "کمک").deferred
    damage_key(core)
    run_for(core, clock, 60)

    assert [("done",), ("quarantined",), ("quarantined",)] == rows(core, "SELECT state FROM inbox ORDER BY id")
    assert [("T2", "failure", "queued")] == rows(core, "SELECT tier, cause, state FROM cases")
    assert [(1,)] == rows(core, "SELECT count(*) FROM contacts WHERE wrapped_key = x'00112233'")
    assert say(core, "هستید؟").deferred  # still careful; she is another contact from now on
    core.waiting.run_due()
    assert [(3,)] == rows(core, "SELECT count(*) FROM contacts")


def test_a_silence_under_a_damaged_key_is_parked_and_brings_a_person(core, clock):
    say(core, "دیگه نمی‌خوام زنده باشم شاید")
    core.store.write_now(lambda tx: tx.raw.execute("DELETE FROM cases"))
    damage_key(core)
    run_for(core, clock, 900, step=15)

    assert [("silence", "quarantined")] == rows(core, "SELECT kind, state FROM inbox WHERE channel = 'timer'")
    assert [("T2", "failure")] == rows(core, "SELECT tier, cause FROM cases")
    assert [] == rows(core, "SELECT 1 FROM sessions WHERE silence_at IS NOT NULL")


def test_a_damaged_summary_of_her_case_does_not_cut_her_off_from_her_counsellor(core):
    say(core, "شوهرم داره منو می‌زنه")
    core.store.write_now(lambda tx: tx.raw.execute("UPDATE cases SET sealed_summary = x'00112233'"))

    assert not say(core, "تو رو خدا کمک کنید").deferred
    assert ("message",) in rows(core, "SELECT kind FROM case_events")
    assert [(2,)] == rows(core, "SELECT count(*) FROM messages WHERE author = 'contact'")


def test_a_deadline_stands_in_line_once_while_the_writer_stands_still(core, clock):
    say(core, "سلام")
    clock.advance(4 * 86_400)
    core.worker._kicked = True  # nobody takes what comes
    for _ in range(30):
        clock.advance(1)
        core.timers.fire_due()
    assert 1 == len(core.inbox)

    core.worker._kicked = False
    core.worker.kick()
    assert [("silence", "done")] == rows(core, "SELECT kind, state FROM inbox WHERE channel = 'timer'")


def test_a_deadline_that_could_not_be_stored_stands_in_line_again(core, clock):
    say(core, "سلام")
    clock.advance(4 * 86_400)
    core.store.write_now(lambda tx: refuse_inserts(tx, "inbox"))
    core.timers.fire_due()
    core.store.write_now(lambda tx: take_inserts(tx, "inbox"))
    core.timers.fire_due()

    assert [("silence", "done")] == rows(core, "SELECT kind, state FROM inbox WHERE channel = 'timer'")


def test_who_is_forgotten_is_forgotten_with_her_addresses(core):
    first, second = say(core, "سلام"), say(core, "سلام", "b")
    core.directory.forget({first.contact_id})
    assert {second.contact_id} == {*core.directory._by_address.values()}

    assert say(core, "سلام").contact_id == first.contact_id


def test_a_case_that_opens_just_before_an_erasure_stops_it(core, clock):
    say(core, "سلام")
    say(core, "حذف اطلاعات من")
    say(core, "بله")
    clock.advance(301)
    say(core, "شوهرم داره منو می‌زنه")  # due for erasure, but now a case needs her
    core.timers.fire_due()

    assert [("T1", "queued")] == rows(core, "SELECT tier, state FROM cases")
    assert [(1,)] == rows(core, "SELECT wrapped_key IS NOT NULL FROM contacts")


def test_after_an_erasure_nothing_is_sealed_with_the_old_key(core, clock):
    first = say(core, "سلام")
    say(core, "حذف اطلاعات من")
    say(core, "بله")
    clock.advance(301)
    core.timers.fire_due()

    assert say(core, "شوهرم داره منو می‌زنه").contact_id != first.contact_id


def test_a_timer_that_was_given_up_does_not_fall_due_for_ever(make_core, clock):
    core = make_core(screener=Breaks())
    say(core, "سلام")
    clock.advance(3600 * 24)
    core.worker.be_careful()
    core.timers.fire_due()
    core.store.write_now(lambda tx: tx.raw.execute("UPDATE inbox SET attempts = 3 WHERE state = 'waiting'"))
    core.waiting.run_due()

    assert [("quarantined",)] == rows(core, "SELECT state FROM inbox WHERE channel = 'timer'")
    assert [(None,)] == rows(core, "SELECT silence_at FROM sessions WHERE ended_at IS NULL")
    assert 1 == len(rows(core, "SELECT 1 FROM cases"))


def test_giving_a_message_up_says_nothing_while_a_person_holds_or_after_a_quick_exit(make_core, clock):
    core = make_core(screener=Breaks())
    for who, first in (("held", "مددکار"), ("left", "0")):
        say(core, "سلام", who)
        say(core, first, who)
    core.store.write_now(lambda tx: tx.raw.execute("UPDATE cases SET state = 'claimed', holder = 'x', token = 1"))
    say(core, "هستم", "held")
    before = len(rows(core, "SELECT 1 FROM outbox"))
    for who in ("held", "left"):
        say(core, "زهر", who)
    for _ in range(3):
        clock.advance(11)
        core.waiting.run_due()

    assert 2 == len(rows(core, "SELECT 1 FROM inbox WHERE state = 'quarantined'"))
    assert before == len(rows(core, "SELECT 1 FROM outbox"))


@pytest.mark.sqlite
def test_the_hot_queries_use_their_indexes(core):
    def plan(sql):
        return " ".join(str(row) for row in rows(core, "EXPLAIN QUERY PLAN " + sql))

    assert "inbox_waiting" in plan(
        "SELECT id FROM inbox WHERE state = 'waiting' AND due_at <= 5 ORDER BY due_at, id LIMIT 100"
    )
    assert "turn_contact" in plan("SELECT sealed_events FROM turns WHERE contact_id = 'x' ORDER BY id")
    assert "due_next" in plan("SELECT id FROM due WHERE state = 'planned' AND due_at <= 5 ORDER BY due_at, id LIMIT 50")
    assert "SCAN outbox" not in plan(
        "SELECT 1 FROM outbox WHERE channel = 'web' AND state IN ('queued', 'sending') AND state = 'queued'"
    )
    assert "SCAN i" not in plan(SEEN.replace("?", "''"))


def test_a_wake_up_on_a_closed_loop_does_not_end_the_writer(tmp_path):
    store = Store(tmp_path / "x.db")

    def broken():
        raise RuntimeError

    store.write_now(lambda tx: tx.after_commit(broken))
    assert 1 == store.write_now(lambda tx: tx.raw.execute("SELECT 1").fetchone()[0])
    store.close()


def act(core, known, received):
    arrival = core.inbox.put(message(core, "", received=received, channel="desk"), contact_id=known.contact_id)
    return arrival.done.result()


def test_a_woman_whose_first_words_were_danger_is_not_left_alone_by_a_hand_back(core):
    known = say(core, "شوهرم داره منو می‌زنه")
    act(core, known, HeldInput())
    say(core, "نه هنوز اینجاست")

    back = act(core, known, HandedBackInput())

    assert "پاسخ خودکار" in back.replies[0].text
    assert [("waiting",)] == rows(core, "SELECT status FROM sessions")
    assert "رایگان بنویسید" not in " ".join(reply.text for reply in say(core, "هستید؟").replies)


def test_what_she_writes_to_a_resting_case_brings_it_back_to_the_queue_at_once(core, clock):
    say(core, "شوهرم داره منو می‌زنه")
    later = int(clock.now().timestamp() * 1000) + 3600_000
    core.store.write_now(lambda tx: tx.raw.execute("UPDATE cases SET state = 'waiting', next_action_at = ?", (later,)))
    say(core, "هستید؟ هنوز اینجاست")

    assert [("queued", None)] == rows(core, "SELECT state, next_action_at FROM cases")
    assert ("woken",) in rows(core, "SELECT kind FROM case_events")


def test_a_close_says_that_the_conversation_is_over(core):
    known = say(core, "شوهرم داره منو می‌زنه")
    act(core, known, HeldInput())

    assert "تمام شد" in act(core, known, ClosedInput()).replies[0].text


def test_a_late_close_tells_whoever_has_the_phone_nothing(core, clock):
    known = say(core, "شوهرم داره منو می‌زنه")
    act(core, known, HeldInput())
    clock.advance(3600)
    act(core, known, ClosedInput())

    assert [("proactive",)] == rows(core, "SELECT kind FROM outbox ORDER BY id DESC LIMIT 1")


def test_a_case_that_is_opened_over_an_open_one_never_lowers_it(core):
    say(core, "شوهرم داره منو می‌زنه")
    columns = STATEMENTS["case_open"].names
    (known,) = rows(core, f"SELECT {', '.join(columns)} FROM cases")
    weaker = {**dict(zip(columns, known, strict=True)), "id": "another", "tier": "T3", "province": "IR-07"}
    core.store.write_now(lambda tx: STATEMENTS["case_open"].write(tx, [weaker]))

    assert [("T1", "IR-07")] == rows(core, "SELECT tier, province FROM cases")


def test_a_sign_that_somebody_watches_counts_for_the_whole_of_a_very_long_text(core):
    story = "امروز هوا خوب بود و رفتیم بازار. " * 130
    cry = text_input(f"الان نمی‌تونم حرف بزنم شوهرم کنارمه. {story} شوهرم داره منو با چاقو می‌زنه کمک")
    answered = core.inbox.put(message(core, "", received=cry)).done.result(20)
    known = core.store.write_now(lambda tx: core.directory.find_contact(tx, answered.contact_id, 0))

    assert cry.rest
    assert answered.tier == "T1"
    assert known.session.covert
