"""Words that reach us hours after they were written: kept, read for danger, given to a person, answered once."""

import pytest

from bot.core.messages import MediaInput
from escalation.console.present_case import case_view
from escalation.office import Office
from escalation.page import read_case
from escalation.policy import Actor

HOURS = 5 * 3600
NOTE = "با تأخیر به ما رسید"


def texts(said):
    return [reply.text for reply in said]


def test_a_cry_of_five_hours_ago_is_a_t1_case_that_says_when_it_was_written(late):
    said = late.says("شوهرم داره منو می‌زنه", ago_s=HOURS)

    assert [("T1", "words")] == late.rows("SELECT tier, cause FROM cases")
    (text,) = texts(said)
    assert NOTE in text
    assert "123" in text
    assert any("ساعت ۲۲:۰۰" in why and "۵ ساعت پیش" in why for why in late.why())


def test_harmless_words_of_hours_ago_go_to_a_person_and_start_no_script(late):
    said = late.says("سلام", ago_s=HOURS)

    assert [("T3", "late")] == late.rows("SELECT tier, cause FROM cases")
    assert 1 == len(said)
    assert NOTE in said[0].text
    assert () == said[0].buttons


def test_fourteen_minutes_are_not_late(late):
    said = late.says("سلام", ago_s=14 * 60)

    assert [] == late.rows("SELECT tier FROM cases")
    assert said[-1].buttons


def test_a_burst_of_late_messages_gets_one_note_after_the_last_and_all_are_kept(late):
    burst = [late.message(text, ago_s=HOURS - at) for at, text in enumerate(("سلام", "کسی هست؟", "داره منو می‌زنه"))]

    first, second, third = late.together(*burst)

    assert ((), ()) == (first, second)
    (text,) = texts(third)
    assert "110" in text
    assert [(3,)] == late.rows("SELECT count(*) FROM messages WHERE author = 'contact'")
    assert [("T1", "late")] == late.rows("SELECT tier, cause FROM cases")


def test_late_messages_that_come_one_by_one_get_one_note_too(late):
    said = [late.says(text, ago_s=HOURS) for text in ("سلام", "خوبید؟", "جواب بدهید")]

    assert [1, 0, 0] == [len(one) for one in said]


def test_danger_after_a_harmless_note_is_told_its_numbers_once(late):
    late.says("سلام", ago_s=HOURS)

    first, second = late.says("داره منو می‌زنه", ago_s=HOURS), late.says("کمکم کنید داره منو می‌کشه", ago_s=HOURS)

    assert "115" in texts(first)[0]
    assert () == second


def test_the_script_stays_where_it_stood_for_her_next_timely_message(late):
    question = late.says("سلام")[-1]
    late.says("این را صبح نوشتم", ago_s=HOURS)

    answer = late.press([question], question.buttons[1].label)

    assert question.text not in texts(answer)
    assert answer[-1].buttons
    assert not any("دکمه" in text for text in texts(answer))


@pytest.mark.parametrize(
    ("burst", "lane"),
    [
        (["شوهرم داره منو می‌زنه"], 1),
        (["مددکار"], 1),
        (["داره منو می‌زنه", "سلام", "کسی هست؟"], 1),
        (["سلام"], 0),
        (["سلام", "کسی هست؟"], 0),
    ],
)
def test_the_note_of_late_danger_rides_the_urgent_lane_and_the_other_one_does_not(late, burst, lane):
    late.together(*(late.message(text, ago_s=HOURS) for text in burst))

    assert [(lane,)] == late.rows("SELECT urgent FROM outbox")


def test_the_note_that_waited_for_the_last_late_message_rides_its_lane_before_a_timely_answer(late):
    late.together(late.message("داره منو می‌زنه", ago_s=HOURS), late.message("سلام"))

    assert 1 == late.rows("SELECT urgent FROM outbox ORDER BY id LIMIT 1")[0][0]


def test_a_timely_cry_after_a_late_one_is_told_in_full(late):
    late.says("داره منو می‌زنه", ago_s=HOURS)

    said = late.says("باز داره منو می‌زنه")

    assert said[-1].buttons, "the question about a safer place"
    assert [("T1",)] == late.rows("SELECT tier FROM cases")


def test_a_timely_message_behind_late_ones_is_answered_after_the_note(late):
    silent, answered = late.together(late.message("داره منو می‌زنه", ago_s=HOURS), late.message("سلام"))

    assert () == silent
    assert NOTE in answered[0].text
    assert answered[-1].buttons
    assert [(1,)] == late.rows("SELECT count(*) FROM cases")


def test_whoever_left_in_a_hurry_behind_her_late_words_is_told_nothing_but_the_weather(late):
    silent, decoy = late.together(late.message("داره منو می‌زنه", ago_s=HOURS), late.message("0", ago_s=HOURS - 60))

    assert () == silent
    assert 1 == len(decoy)
    assert NOTE not in decoy[0].text
    assert [("T1",)] == late.rows("SELECT tier FROM cases")
    assert () == late.says("باز هم", ago_s=HOURS - 90)


def test_a_late_answer_that_means_danger_counts_though_it_is_not_taken(late):
    late.says("خسته شدم از زندگی")  # a gentle question stands: 1 means now
    before = late.rows("SELECT tier FROM cases")
    said = late.says("1", ago_s=HOURS)

    assert [] == before
    assert [("T1",)] == late.rows("SELECT tier FROM cases")
    assert NOTE in said[0].text


def test_a_late_press_on_an_old_button_is_not_scolded_and_its_danger_counts(late):
    menu = late.press(late.says("سلام"), "نه، فقط خودم")
    late.press(menu, "حالم خوب نیست")

    said = late.press(menu, "الان در خطرم", ago_s=HOURS)

    assert [NOTE in text for text in texts(said)] == [True]
    assert [("T1",)] == late.rows("SELECT tier FROM cases")


def test_a_late_voice_message_is_given_to_a_person_within_a_day(late):
    said = late.says(received=MediaInput("voice"), ago_s=HOURS)

    assert [("T2", "media")] == late.rows("SELECT tier, cause FROM cases")
    assert 1 == len(said)


def test_what_would_be_asked_gently_goes_to_a_person_instead(late):
    late.says("خسته شدم از زندگی", ago_s=HOURS)

    assert [("T2",)] == late.rows("SELECT tier FROM cases")


def test_a_late_wish_for_a_person_is_one(late):
    late.says("مددکار", ago_s=HOURS)

    assert [("T2", "human")] == late.rows("SELECT tier, cause FROM cases")


def test_a_late_wish_to_hear_no_more_is_kept(late):
    late.says("لغو", ago_s=HOURS)

    assert [] == late.rows("SELECT id FROM contacts WHERE opted_out_at IS NULL")


@pytest.mark.parametrize("text", ["داره منو می‌زنه یواشکی می‌نویسم نفهمه", "سلام"])
def test_in_covert_mode_the_note_says_nothing(late, text):
    late.press(late.says("سلام"), "بله، شاید")

    said = late.says(text, ago_s=HOURS)

    assert [True] == [len(one) <= 20 for one in texts(said)]


def test_by_sms_the_note_fits_in_two_parts(late):
    for text in ("سلام", "داره منو می‌زنه"):
        said = late.says(text, ago_s=HOURS, channel="sms", who="+989120000001")
        assert [True] == [len(one) <= 134 for one in texts(said)]


def test_while_a_counsellor_holds_it_the_bot_says_nothing_of_lateness(late):
    late.says("داره منو می‌زنه")
    late.core.store.write_now(lambda tx: tx.raw.execute("UPDATE cases SET state = 'claimed', holder = 'x', token = 1"))

    assert () == late.says("زنده‌ام", ago_s=HOURS)


def test_the_desk_reads_when_each_message_was_written(late, clock):
    late.says("سلام", ago_s=HOURS)
    office = Office(keyring=late.core.keyring, bus=late.core.bus, new_id=late.core.ids)
    actor = Actor(staff_id="s", name="s", roles=frozenset({"supervisor"}))
    ((case_id,),) = late.rows("SELECT id FROM cases")

    page = late.core.store.write_now(lambda tx: read_case(tx, office, actor=actor, case_id=case_id, now_ms=_ms(clock)))

    shown = case_view(page, actor=actor, now_ms=_ms(clock)).messages
    (written,) = (one.written for one in shown if one.author == "contact")
    assert "نوشته‌شده شنبه ۳۰ آبان ۱۴۰۵، ساعت ۲۲:۰۰" == written


def _ms(clock):
    return int(clock.now().timestamp() * 1000)


def test_a_message_that_waited_here_while_we_were_down_is_late_too(late, clock):
    late.core.worker.be_careful()
    late.core.inbox.put(late.message("سلام", channel="web")).done.result()
    clock.advance(HOURS)

    late.core.waiting.run_due()

    assert [("T3", "late")] == late.rows("SELECT tier, cause FROM cases")
    assert [(1,)] == late.rows("SELECT count(*) FROM outbox")


def test_rows_that_waited_here_are_answered_once_after_the_last(late, clock):
    late.core.worker.be_careful()
    for text in ("سلام", "داره منو می‌زنه", "کجایید"):
        late.core.inbox.put(late.message(text)).done.result()
    clock.advance(HOURS)

    late.core.waiting.run_due()

    assert [(1, 1)] == late.rows("SELECT count(*), max(urgent) FROM outbox")
    assert [("T1",)] == late.rows("SELECT tier FROM cases")


def test_a_silence_that_fell_due_while_we_were_down_says_nothing_unasked(late, clock):
    late.says("سلام")
    clock.advance(HOURS)

    late.core.timers.fire_due()

    assert {"reply", "proactive"} >= {kind for (kind,) in late.rows("SELECT kind FROM outbox")}
    since = int(clock.now().timestamp() * 1000)
    assert [] == late.rows("SELECT id FROM outbox WHERE kind = 'reply' AND created_at >= ?", since)
