"""What each kind of step does."""

from bot.core.events import (
    FlowEntered,
    FlowLeft,
    FollowUpPlanned,
    GuideShown,
    InstrumentScored,
    ReferralRequested,
    RiskRaised,
    SafeContactRecorded,
)

HUB = """
flow: hub
title: ه
owner: ما
silence: {after: 5m, then: settle}
vars: {rounds: 0..2, mark: [fresh, used]}
steps:
- {ask: child, text: کودک؟, yes_no: {yes: بله, no: نه}}
- {call: asked, flow: sub, with: {child: child}}
- set: {rounds: +1, mark: used}
- if: rounds == 2 and mark == used
  go: bye
- {if: asked.feeling == bad, go: low, else: child}
- {ask: low, text: کم؟, yes_no: {yes: بله, no: نه}}
- go: child
- {end: bye, text: "بدرود، {child}. 123"}
"""
SUB = """
flow: sub
title: ز
owner: ما
silence: {after: 5m, then: settle}
takes: {child: [yes, no]}
gives: [feeling]
steps:
- {say: hi, when: child == yes, text: با کودک.}
- {ask: feeling, text: حال؟, choice: {good: خوب, bad: بد}}
- {end: done}
"""
SCREENED = """
flow: screened
title: س
owner: ما
silence: {after: 5m, then: settle}
steps:
- {screen: mini, before: چند پرسش., go: {acute: now, unknown: person}}
- {end: fine, text: 123}
- {escalate: now, tier: T1, text: 110 یا 123, while_waiting: tell, if_no_staff: tell, if_not_taken: {after: 3m, repeat: 1, text: 123}}
- {ask: tell, text: بنویسید., free_text: {}, silence: {after: 5m, then: pause}}
- go: tell
- {escalate: person, tier: T2, text: 123}
- {end: told, text: 123}
"""
MINI = """
instrument: mini
title: کوچک
source: {name: M, by: ما, licence: آزاد, persian: ترجمهٔ ما}
kinds: [suicide]
enough: 2
answers: {yes: {label: بله, points: 1}, no: {label: نه, points: 0}, skip: {label: نگویم, points: 1, danger: high}}
items:
  wish: {text: یک؟}
  plan: {text: دو؟}
  now:
    if: points > 1
    text: همین حالا؟
    answers: {yes: {label: بله, points: 5, danger: immediate}, no: {label: نه, points: 0}, skip: {label: نگویم, points: 5, danger: immediate}}
bands: {none: {points: 0}, some: {points: 1..4, danger: low}, acute: {points: 5..8, danger: immediate}, unknown: {danger: high}}
"""


def test_a_called_flow_takes_and_gives_and_comes_back(script):
    she = script(HUB, SUB)
    she.says("سلام")
    she.says("بله")
    assert she.texts == ["با کودک.", "حال؟"]
    assert FlowEntered(flow="sub", visit=1) in she.events

    she.says("بد")
    assert [event.outcome for event in she.events if isinstance(event, FlowLeft)] == ["done"]
    assert she.session.stack[0].answers["asked.feeling"] == "bad"
    assert she.session.stack[0].vars == {"rounds": 1, "mark": "used"}
    assert she.at == "hub.low"

    for text in ("نه", "نه"):
        she.says(text)
    assert she.texts == ["حال؟"]
    assert she.says("خوب") == ["بدرود، نه. 123"]


def test_a_screen_asks_one_by_one_and_scores(script):
    she = script(SCREENED, instruments={"mini": MINI})
    assert she.says("سلام") == ["چند پرسش.", "یک؟"]
    she.says("بله")
    she.says("نه")
    scored = next(event for event in she.events if isinstance(event, InstrumentScored))

    assert (scored.band, scored.points, scored.items) == ("some", 1, (("wish", "yes", 1), ("plan", "no", 0)))
    assert len(scored.version) > 0
    raised = next(event for event in she.events if isinstance(event, RiskRaised))
    assert (raised.tier, raised.kinds) == ("T3", ("suicide",))
    assert she.session.status == "ended"


def test_an_immediate_answer_ends_the_screen_and_reaches_a_person(script):
    she = script(SCREENED, instruments={"mini": MINI})
    she.says("سلام")
    for _ in range(3):
        she.says("بله")

    assert she.told == [("T1", "step")]
    assert she.at == "screened.tell"


def test_too_few_answers_are_unknown(script):
    she = script(SCREENED, instruments={"mini": MINI})
    she.says("سلام")
    she.says("نگویم")
    she.says("نه")

    assert next(event for event in she.events if isinstance(event, InstrumentScored)).band == "unknown"
    assert she.told == [("T2", "step")]


def test_a_card_is_sent_and_a_referral_needs_consent(talk):
    for answer, asked in (("نه", 0), ("بله", 1)):
        she = talk("women_head")
        for text in ("سلام", "۱", "بله", "کافی بود", "نه", "۱", "اصلا", "اصلا"):
            she.says(text)
        she.says("قم")
        assert [event.card for event in she.events if isinstance(event, GuideShown)] == ["women_head_rights"]
        she.says(answer)
        referred = [event for event in she.events if isinstance(event, ReferralRequested)]
        assert [(event.to, event.near) for event in referred] == [("social_base", "IR-25")] * asked
        assert she.session.consents == {"referral": bool(asked)}


def test_a_safe_way_is_asked_in_parts_and_allows_a_follow_up(talk):
    she = talk("covert")
    for text in ("سلام", "نه", "۳"):
        she.says(text)
    assert she.at == "covert.reach.way"
    she.presses("تماس تلفنی")
    assert she.at == "covert.reach.phone"
    she.says("09123456789")
    while she.session.status == "waiting" and not she.at.endswith(".word"):
        she.says("۱")
    she.says("گل سرخ")
    she.says("لازم نیست")

    assert [event.state for event in she.all_events if isinstance(event, SafeContactRecorded)] == ["set"]
    planned = next(event for event in she.all_events if isinstance(event, FollowUpPlanned))
    assert (planned.start_flow, planned.in_s) == ("check_in", 3 * 86_400)
    assert she.session.code_word == "گل سرخ"


def test_placeholders_are_filled_from_the_world_and_from_labels(script):
    she = script(
        """
flow: filled
title: پ
owner: ما
silence: {after: 5m, then: settle}
steps:
- {ask: home, text: خانه؟, choice: {a: امن, b: ناامن}}
- {ask: told, text: "{home} · {case_code} · {wait_minutes} · {line.123}", yes_no: {yes: بله, no: نه}}
- {end: bye, text: 123}
""",
        case_code="41207",
        wait_minutes=9,
        lines={"123": "۱۲۳"},
    )
    she.says("سلام")

    assert she.says("۱") == ["امن · 41207 · 9 · ۱۲۳"]
