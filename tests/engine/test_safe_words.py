"""The safe word opens, the duress word calls for help without a sign, and neither is a word that people write anyway."""

from dataclasses import replace

import pytest
from engine.screenings import BEATEN, THREAT

from bot.core.events import EscalationRequested, HandlerUsed
from bot.core.messages import ClosedInput, FollowUpInput, HandedBackInput, HeldInput, MediaInput, StillQueuedInput
from bot.engine.model import OwnHandler

WORD, FORCED = "گل سرخ", "خاله پری"
OPENING = "سلام. برای شروع 1 را بفرستید."


@pytest.fixture
def she(talk):
    """Give somebody who chose both words and stands at a question of her own."""
    found = talk("women_head")
    found.says("سلام")
    found.session.code_word, found.session.duress_word = WORD, "خالهپری"
    return found


def told(she):
    return [event for event in she.events if isinstance(event, EscalationRequested)]


def test_both_words_are_chosen_one_after_the_other(talk):
    she = talk("covert")
    for text in ("سلام", "نه", "۳"):
        she.says(text)
    she.presses("همین‌جا بنویسید")
    while not she.at.endswith(".word"):
        she.says("۱")
    she.says(WORD)
    assert she.at == "covert.reach.duress"
    she.says(FORCED)

    assert she.session.status == "ended"
    assert (she.session.code_word, she.session.duress_word) == (WORD, "خالهپری")
    assert (she.session.safe_contact["word"], she.session.safe_contact["duress"]) == (WORD, FORCED)


def test_without_a_safe_word_no_duress_word_is_asked_for(talk):
    she = talk("covert")
    for text in ("سلام", "نه", "۳"):
        she.says(text)
    she.presses("همین‌جا بنویسید")
    while not she.at.endswith(".word"):
        she.says("۱")
    she.says("رمز لازم نیست")

    assert she.session.status == "ended"


@pytest.mark.parametrize("word", ["سلام", "بله", "۱۲۳۴", "خروج", "گ", "گل‌سرخ"])
def test_a_word_that_people_write_anyway_is_not_taken(talk, word):
    she = talk("covert")
    for text in ("سلام", "نه", "۳"):
        she.says(text)
    she.presses("همین‌جا بنویسید")
    while not she.at.endswith(".word"):
        she.says("۱")
    she.says(WORD)
    she.says(word)

    assert she.session.duress_word == ""
    assert she.session.status == "locked" or she.at == "covert.reach.duress"


def test_after_three_words_that_cannot_be_taken_she_goes_on_without(talk):
    she = talk("covert")
    for text in ("سلام", "نه", "۳"):
        she.says(text)
    she.presses("همین‌جا بنویسید")
    while not she.at.endswith(".word"):
        she.says("۱")
    she.says(WORD)
    for _ in range(3):
        she.says("سلام")

    assert she.session.duress_word == ""
    assert she.session.status == "ended"
    assert she.session.code_word == WORD


def test_the_duress_word_shows_a_first_opening_and_calls_a_person_who_must_not_write(she):
    assert she.says("خاله‌پری") == [OPENING]

    (event,) = told(she)
    assert (event.tier, event.do_not_contact, event.why) == ("T1", True, ("واژهٔ اجبار",))
    assert "ننویسید" in event.note
    assert "DuressUsed" in she.kinds
    assert she.session.timers == {}


def test_after_the_duress_word_nothing_opens_but_by_the_safe_word(she):
    she.says(FORCED)
    for text in ("1", "سلام", "مددکار", "کمک", "گل زرد"):
        assert "هوا" in she.says(text)[0]
    assert she.says(WORD) != []

    assert she.at == "women_head.children"
    assert "رمز امن" in told(she)[0].note


def test_nothing_that_a_clock_or_the_desk_does_shows_after_the_duress_word(she):
    she.says(FORCED)
    for entered in (StillQueuedInput(), HeldInput(), HandedBackInput(), ClosedInput()):
        she.gives(entered)
        assert she.texts == []


def test_with_a_counsellor_there_the_duress_word_is_silent_and_locks(she):
    she.gives(HeldInput())
    assert she.says(FORCED) == []
    assert told(she)[0].tier == "T1"

    assert "هوا" in she.says("سلام")[0]


def test_the_duress_word_is_heard_while_locked_and_after_an_end(she):
    she.says("0")
    assert she.says(FORCED) == [OPENING]
    assert told(she)[0].tier == "T1"

    she.says(WORD)
    she.session.status = "ended"
    she.session.stack.clear()
    assert she.says(FORCED) == [OPENING]
    assert told(she)[0].do_not_contact


def test_a_duress_word_that_arrives_hours_late_is_told_and_locks(she):
    she.facts = replace(she.facts, written_at=she.facts.now)
    assert she.says(FORCED) == []

    assert told(she)[0].tier == "T1"
    assert she.session.status == "locked"


def test_a_deployments_own_duress_word_acts_like_hers(talk):
    she = talk("women_head")
    always = she.bundle.flows["always"]
    handler = OwnHandler(name="duress", words=("گل یخ",), go="decoy")
    changed = replace(always, always=(*always.always, handler))
    she.bundle = replace(she.bundle, flows={**she.bundle.flows, "always": changed})
    she.says("سلام")

    assert she.says("گل یخ") == [OPENING]
    assert told(she)[0].do_not_contact


def test_three_wrong_words_are_told_to_the_open_case_and_change_nothing_on_the_screen(she):
    she.says("شوهرم منو می‌زنه", BEATEN)
    she.says("0")
    told_of = []
    for text in ("گل زرد", "گل", "نمی‌دانم", "رمز"):
        assert "هوا" in she.says(text)[0]
        told_of += [event.note for event in told(she) if "سه بار" in event.note]
    she.gives(MediaInput("sticker"))

    assert len(told_of) == 1
    assert she.session.wrong_words == 4


def test_the_right_word_forgets_the_wrong_ones(she):
    she.says("0")
    she.says("گل زرد")
    she.says("گل‌سرخ")

    assert she.session.wrong_words == 0
    assert she.at == "women_head.children"


def test_the_word_itself_is_in_no_event(she):
    she.says(FORCED)

    assert not any(FORCED in repr(event) or "خالهپری" in repr(event) for event in she.events)
    assert [event.handler for event in she.events if isinstance(event, HandlerUsed)] == ["duress"]


HOURS = 3600
ASKED = "کلمهٔ خودتان"


def away(she, hours, channel="telegram"):
    she.facts = replace(she.facts, silent_s=hours * HOURS, channel=channel)
    return she


def test_who_was_away_for_long_says_the_word_before_anything_of_before_is_shown(she):
    assert ASKED in away(she, 13).says("سلام")[0]
    assert "هوا" in away(she, 0).says("گل زرد")[0]
    assert "چند فرزند" in she.says("گل‌سرخ")[0]

    assert she.session.covert is False
    assert she.at == "women_head.children"


def test_the_word_itself_is_enough_after_a_long_time(she):
    assert "چند فرزند" in away(she, 13).says(WORD)[0]


@pytest.mark.parametrize(("hours", "channel"), [(11, "telegram"), (11, "sms"), (0, "web")])
def test_a_short_absence_asks_for_nothing(she, hours, channel):
    away(she, hours, channel).says("۱")

    assert she.at == "women_head.home"


def test_at_a_page_an_hour_is_long(she):
    assert ASKED in away(she, 2, "web").says("سلام")[0]


@pytest.fixture
def wordless(talk):
    """Give somebody who chose no word, has told a few things and stands at a question of her own."""
    found = talk("women_head")
    found.says("سلام")
    found.session.given, found.session.province = {"province": "IR-23"}, "IR-23"
    found.session.case, found.session.told_tier, found.session.told_kinds = True, "T1", ("spouse_abuse",)
    return found


@pytest.mark.parametrize("text", ["سلام", "۱", "بله", "تکرار", "برگشت", "چی گفتم قبلا؟"])
def test_who_chose_no_word_is_met_after_a_long_time_like_a_stranger(wordless, text):
    assert away(wordless, 13).says(text) == [OPENING]
    assert (wordless.session.given, wordless.session.province, wordless.session.told_tier) == ({}, "", None)
    assert wordless.session.case is True

    away(wordless, 0).says("1")
    assert [frame.flow for frame in wordless.session.stack] == [wordless.bundle.entry]


def test_whoever_looks_for_what_was_said_finds_the_way_of_every_stranger(wordless, talk):
    away(wordless, 13).says("سلام")
    met = away(wordless, 0).says("1")
    stranger = talk("women_head")
    stranger.says("سلام")

    assert met == stranger.texts


@pytest.mark.parametrize(("hours", "channel"), [(11, "telegram"), (11, "sms"), (0, "web")])
def test_who_chose_no_word_goes_on_after_a_short_time(wordless, hours, channel):
    away(wordless, hours, channel).says("۱")

    assert wordless.at == "women_head.home"


def test_a_page_opened_anew_goes_on_with_nothing_of_before(wordless):
    wordless.facts = replace(wordless.facts, channel="web", opened_anew=True)

    assert wordless.says("سلام") == [OPENING]


def test_a_page_opened_anew_asks_for_the_word_of_who_has_one(she):
    she.facts = replace(she.facts, channel="web", opened_anew=True)

    assert ASKED in she.says("سلام")[0]


def test_a_cry_of_who_chose_no_word_is_answered_as_the_first_it_could_be(wordless):
    texts = away(wordless, 13).says("شوهرم منو می‌زنه", BEATEN)

    assert told(wordless)[0].tier == "T1"
    assert "110" in texts[0]
    assert not any("این را هم" in text for text in texts)


@pytest.mark.parametrize("text", ["2", "نه، در خطرم"])
@pytest.mark.parametrize("word", ["", WORD])
def test_an_answer_that_says_danger_is_heard_however_long_it_took(talk, text, word):
    she = talk("danger_now")
    she.says("سلام")
    option = she.bundle.flows["danger_now"].step(she.at.partition(".")[2]).options[1]
    assert (option.label, option.danger) == ("نه، در خطرم", "immediate")
    she.session.code_word = word

    away(she, 13).says(text)

    assert told(she)[0].tier == "T1"


def test_after_leaving_in_a_hurry_an_order_of_before_shows_nothing(she):
    she.says("0")
    she.facts = replace(she.facts, written_at=she.facts.now)

    assert she.says("لغو") == []
    assert she.session.silenced is True


def test_urgent_words_of_who_chose_no_word_reach_a_person_and_are_answered(wordless):
    texts = away(wordless, 13).says("شوهرم تهدیدم کرده", THREAT)

    assert told(wordless)[0].tier == "T2"
    assert OPENING not in texts


def test_what_was_owed_to_who_chose_no_word_is_paid_before_it_is_forgotten(wordless):
    wordless.session.debt = "T2"
    away(wordless, 13).says("سلام")

    assert [event.cause for event in told(wordless)] == ["net"]
    assert wordless.session.debt is None


def test_no_more_messages_holds_also_from_who_chose_no_word(wordless):
    away(wordless, 13).says("لغو")

    assert wordless.session.silenced


def test_with_a_counsellor_nobody_is_met_like_a_stranger(wordless):
    wordless.gives(HeldInput())

    assert away(wordless, 13).says("سلام") == []
    assert wordless.session.status == "held"


def test_a_cry_after_a_long_time_is_answered_not_challenged(she):
    away(she, 13).says("شوهرم منو می‌زنه", BEATEN)

    assert told(she)[0].tier == "T1"
    assert "110" in she.texts[0]


def test_urgent_words_under_a_challenge_reach_the_case_without_a_sign(she):
    texts = away(she, 13).says("شوهرم تهدیدم کرده", THREAT)

    assert ASKED in texts[0]
    assert len(texts) == 1
    assert told(she)[0].tier == "T2"


def test_who_forgot_the_word_begins_anew_and_sees_nothing_of_before(she):
    away(she, 13).says("سلام")
    away(she, 0).says("1")

    assert she.session.status == "waiting"
    assert len(she.session.stack) == 1
    assert she.session.stack[0].answers == {}


def test_after_a_quick_exit_one_does_not_open_it(she):
    away(she, 13).says("سلام")
    away(she, 0).says("0")

    assert "هوا" in she.says("1")[0]


def test_an_opening_of_ours_is_not_challenged_at_its_first_answer(she):
    she.session.status = "ended"
    she.session.stack.clear()
    she.gives(FollowUpInput("check_in"))
    texts = away(she, 30).says("1")

    assert she.session.status != "locked"
    assert not any(ASKED in text for text in texts)


def test_silence_at_the_last_question_does_not_lose_her_safe_way(talk):
    she = talk("covert")
    for text in ("سلام", "نه", "۳"):
        she.says(text)
    she.presses("همین‌جا بنویسید")
    while not she.at.endswith(".word"):
        she.says("۱")
    she.says(WORD)
    she.is_silent()

    assert "SafeContactRecorded" in she.kinds
    assert she.session.safe_contact["word"] == WORD
