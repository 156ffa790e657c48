"""The three scripts of the specification, talked through as they are printed there."""

from bot.core.events import (
    AnswerRecorded,
    EscalationRequested,
    FlowEntered,
    InputKept,
    InstrumentScored,
    MessageSent,
    QuestionAsked,
    RiskRaised,
    SafeContactRecorded,
    ScoreComputed,
    SessionEnded,
    TimerSet,
)
from bot.core.messages import Button
from bot.core.screening import Screening


def test_the_first_turn_greets_and_asks(talk):
    she = talk("danger_now")
    she.says("سلام")

    assert she.events == [
        InputKept(),
        FlowEntered(flow="danger_now"),
        MessageSent(
            flow="danger_now",
            step="hello",
            text="سلام. اینجا رایگان و محرمانه است. در خطر فوری 110، 115 یا 123 را بگیرید. برای خروج سریع، 0 را بفرستید.",
        ),
        MessageSent(
            flow="danger_now",
            step="safe_now",
            visit=1,
            text="الان جای امنی هستید؟",
            buttons=(
                Button("بله، امن است", "p|danger_now|safe_now|1|yes"),
                Button("نه، در خطرم", "p|danger_now|safe_now|1|no"),
                Button("ترجیح می‌دهم نگویم", "p|danger_now|safe_now|1|skip"),
            ),
        ),
        QuestionAsked(flow="danger_now", step="safe_now", visit=1, question="safe_now"),
        TimerSet(flow="danger_now", step="safe_now", visit=1, name="silence", after_s=300),
    ]


def test_in_danger_a_number_reaches_a_person_in_the_same_turn(talk):
    she = talk("danger_now")
    she.says("سلام")
    she.says("۲")

    place = {"flow": "danger_now", "step": "safe_now", "visit": 1}
    why = ("پاسخ «نه، در خطرم»",)
    assert she.events[:4] == [
        InputKept(**place),
        AnswerRecorded(**place, keys=("no",), label="نه، در خطرم"),
        RiskRaised(**place, tier="T1", why=why),
        EscalationRequested(
            flow="danger_now", step="connect", visit=1, tier="T1", cause="step", why=why, hand_over=True
        ),
    ]
    assert "110" in she.texts[0]
    assert she.events[4].urgent
    assert TimerSet(flow="danger_now", step="connect", visit=1, name="not_taken", after_s=180) in she.events
    assert she.at == "danger_now.stay"

    assert she.says("نمی‌توانم") == ["هر چه همکارم باید بداند، بنویسید."]
    assert she.is_not_taken() == ["هنوز کسی وصل نشده. همین حالا 123 یا 110 را بگیرید."]


def test_nobody_on_shift_is_said_and_still_recorded(talk):
    she = talk("danger_now", staff="none")
    she.says("سلام")

    assert "الان همکاری آنلاین نیست" in she.says("۲")[1]
    assert she.told == [("T1", "step")]


def test_silence_after_a_refused_safety_question_opens_a_case(talk):
    she = talk("danger_now")
    she.says("سلام")

    assert "نزدیک شماست" in she.says("ترجیح می‌دهم نگویم")[0]
    assert she.is_silent() == []
    assert she.told == [("T2", "step")]
    assert she.session.status == "resting"


def test_a_family_without_food_is_seen_the_same_day(talk):
    she = talk("women_head")
    for text in ("سلام", "۳", "بله"):
        she.says(text)

    assert "خرج خانه" in she.says("امروز غذا نداریم")[0]
    assert she.told == []
    assert "برای مددکار نوشتم" in she.says("نه")[0]
    assert she.told == [("T2", "step")]
    assert she.events[2].kinds == ("hunger",)

    she.says("۱ ۳")
    assert next(event for event in she.events if isinstance(event, AnswerRecorded)).keys == ("money", "job")
    scored = next(event for event in she.events if isinstance(event, ScoreComputed))
    assert (scored.band, scored.points, scored.because) == ("severe", 5, ("نبود غذا", "سه فرزند یا بیشتر"))

    she.says("اصلاً")
    she.says("اصلا")
    scored = next(event for event in she.events if isinstance(event, InstrumentScored))
    assert (scored.band, scored.points) == ("low", 0)
    assert scored.items == (("joy", "never", 0), ("low", "never", 0))
    assert "کدام استان" in she.texts[0]

    she.says("کرمان")
    assert she.session.province == "IR-08"
    assert [event.province for event in she.events if isinstance(event, EscalationRequested)] == ["IR-08"]
    assert "در همین روز" in she.says("نه")[0]
    assert she.told == []

    she.says("خودم می‌آیم")
    assert any(isinstance(event, SafeContactRecorded) and event.state == "none" for event in she.events)
    assert isinstance(she.events[-1], SessionEnded)
    assert she.events[-1].outcome == "bye"
    assert [event.tier for event in she.all_events if isinstance(event, EscalationRequested)] == ["T2", "T2"]


def test_words_of_suicide_amid_questions_act_at_once(talk):
    she = talk("women_head")
    she.says("سلام")
    texts = she.says("می‌خوام خودمو بکشم", Screening(tier="T1", kinds=("suicide",), label="danger"))

    assert she.told == [("T1", "words")]
    assert "123" in texts[0]
    assert she.at == "always.stay"


def test_a_shared_phone_shows_numbers_only(talk):
    she = talk("covert")
    she.says("سلام")

    assert she.says("بله")[-1].startswith("عدد؟")
    assert [button.label for button in she.events[-3].buttons] == ["1", "2", "3", "4", "5"]
    assert she.says("1")[0] == "110 / 123"
    assert she.told == [("T1", "step")]


def test_quick_exit_leaves_nothing_but_the_weather(talk):
    she = talk("covert")
    for text in ("سلام", "نه"):
        she.says(text)

    assert "تقصیر شما نیست" in she.says("۳")[0]
    assert she.told == [("T2", "step")]

    texts = she.says("0")
    assert len(texts) == 1
    assert "هوا" in texts[0]
    assert she.session.status == "locked"
    assert she.events[-1].outcome == "quick_exit"


def test_by_sms_answers_are_numbered_in_the_text(talk):
    she = talk("danger_now", mode="sms", channel="sms")
    texts = she.says("سلام")

    assert texts == [
        "رایگان و محرمانه. خطر فوری: 110 115 123. خروج: 0",
        "الان جای امنی هستید؟\n1 بله، امن است\n2 نه، در خطرم\n3 ترجیح می‌دهم نگویم",
    ]
