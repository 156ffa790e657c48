"""Who must not be written to, and who must hear that something was not said: I15, I17, I29, and late after an outage."""

from datetime import UTC, datetime

import pytest

from bot.core.clock import TEHRAN
from bot.core.safe_contact import allows_channel, hours_of, window_of
from bot.engine.model import Ask
from bot.outbox import EXPIRES_MS
from bot.outbox_gate import ANSWER_MS
from bot.outbox_record import settle_restored
from escalation import repo_relay

HERE_IN_THE_MORNING = {"way": "همین‌جا بنویسید", "hours": "صبح تا ظهر"}
UNTIL_EIGHT_S = 5 * 3600  # these tests begin at three in the morning


def line(post, name):
    return post.core.store.read_now(lambda db: repo_relay.line_to(db, name))


def flags(post, name):
    return post.rows("SELECT state, unreachable_at IS NOT NULL FROM cases WHERE contact_id = ?", name)


@pytest.mark.parametrize("state", ["queued", "claimed"])
def test_a_permanent_failure_marks_case_and_address_and_closes_nothing(post, state):
    post.contact("a")
    post.case("a", state=state)
    post.say("a", "سلام", urgent=True)
    post.say("a", "هستید؟")
    post.provider.planned["a"].extend(["403", "403"])
    post.run(for_s=60)

    assert ["failed", "failed"] == post.states()
    assert [(state, 1)] == flags(post, "a")
    assert [("unreachable", {})] == post.events("a")
    assert line(post, "a") is None


def test_a_case_that_is_opened_after_the_line_died_knows_it_within_a_minute(post):
    post.contact("a")
    post.say("a", "سلام")
    post.provider.planned["a"].append("403")
    post.run(for_s=1)
    post.run(for_s=60, acts=[(5, lambda: post.case("a"))])

    assert [("queued", 1)] == flags(post, "a")
    assert [("unreachable", {})] == post.events("a")


def test_who_writes_again_can_be_answered_and_the_mark_goes_once_it_arrived(post):
    post.contact("a")
    post.case("a")
    post.say("a", "سلام")
    post.provider.planned["a"].append("403")
    post.run(for_s=90)
    post.core.store.write_now(
        lambda tx: tx.raw.execute(
            "INSERT INTO messages (contact_id, session_id, author, at) VALUES ('a', 'a.s', 'contact', ?)",
            (post.now_ms,),
        )
    )
    assert line(post, "a").address_id == "a.a"

    post.say("a", "دوباره", kind="live")
    post.run(for_s=10)

    assert [("queued", 0)] == flags(post, "a")
    assert ["unreachable", "reached_again"] == [kind for kind, _ in post.events("a")]
    assert [(None,)] == post.rows("SELECT unreachable_at FROM addresses")


def test_after_an_outage_nothing_late_is_said_and_the_case_hears_of_it(post, clock):
    for name in "abc":
        post.contact(name)
    post.case("a", "T2")
    post.case("b", "T3")
    for name in "abc":
        post.say(name, "یک")
        post.say(name, "دو")
    clock.advance(EXPIRES_MS["reply"] / 1000 - 60)
    post.say("a", "هنوز هستیم", kind="live")
    clock.advance(120)
    post.run(for_s=10)

    assert [("a", "هنوز هستیم")] == post.provider.said
    assert {"expired": 6, "sent": 1} == {state: post.states().count(state) for state in set(post.states())}
    assert [("unsaid", {"count": 2, "why": "late"})] == post.events("a")
    assert [] == post.events("b")


def test_a_text_that_expired_holds_nothing_behind_it(post, clock):
    post.contact("a")
    post.say("a", "دیر")
    clock.advance(EXPIRES_MS["reply"] / 1000 + 1)
    post.say("a", "تازه")
    post.run(for_s=2)

    assert ["تازه"] == post.provider.texts("a")


def test_what_was_under_way_at_a_restored_backup_is_unknown_and_never_said_by_itself(post):
    post.contact("a")
    post.case("a")
    post.say("a", "یک")
    post.say("a", "دو")
    post.core.store.write_now(lambda tx: tx.raw.execute("UPDATE outbox SET state = 'sending' WHERE key = 'k1'"))
    post.core.store.write_now(lambda tx: settle_restored(tx, post.now_ms))
    post.run(for_s=300)

    assert ["دو"] == post.provider.texts("a")
    assert ["unknown", "sent"] == post.states()
    assert [("unsaid", {"count": 1, "why": "restored"})] == post.events("a")


def test_a_proactive_text_waits_for_her_hours_and_an_answer_does_not_wait_for_it(post, clock):
    post.contact("a", safe=HERE_IN_THE_MORNING)  # it is three in the morning
    post.say("a", "یادآوری یک", kind="proactive")
    post.say("a", "یادآوری دو", kind="proactive")
    post.run(for_s=90, acts=[(60, lambda: post.say("a", "پاسخ"))])
    clock.advance(UNTIL_EIGHT_S - 90 - 30)
    post.run(for_s=60)

    assert ["پاسخ", "یادآوری یک", "یادآوری دو"] == post.provider.texts("a")
    at = [call.at / 3600 + 3 for call in post.provider.calls]
    assert at[0] < 3.1
    assert 8 <= at[1] <= at[2] < 8.01


@pytest.mark.parametrize(
    ("safe", "facts", "why"),
    [
        (None, {}, "not_safe"),
        ({"way": "همین‌جا بنویسید"}, {}, "not_safe"),
        ({"way": "همین‌جا بنویسید", "hours": "هر وقت شوهرم نیست"}, {}, "not_safe"),
        ({"way": "تماس تلفنی", "hours": "هر وقت"}, {}, "not_safe"),
        ({"way": "پیامک", "hours": "هر وقت"}, {}, "not_safe"),
        ({"way": "همین‌جا بنویسید", "hours": "هر وقت"}, {"opted_out_at": 1}, "opted_out"),
        ({"way": "همین‌جا بنویسید", "hours": "هر وقت"}, {"left_at": 1}, "left"),
        ({"way": "همین‌جا بنویسید", "hours": "هر وقت"}, {"erase_due_at": 1}, "erased"),
        ({"way": "همین‌جا بنویسید", "hours": "دوشنبه‌ها صبح"}, {}, "not_safe_now"),  # it is Sunday
    ],
)
def test_without_a_safe_way_and_hour_nothing_proactive_is_said_and_her_case_says_why(post, safe, facts, why):
    post.contact("a", safe=safe, **facts)
    post.case("a", "T3")
    post.say("a", "یادآوری", kind="proactive")
    post.run(for_s=30)

    assert [] == post.provider.calls
    assert [("expired", why)] == post.rows("SELECT state, error FROM outbox")
    assert [("unsaid", {"count": 1, "why": why})] == post.events("a")


@pytest.mark.parametrize(("channel", "state"), [("telegram", "expired"), ("web", "sent")])
def test_what_comes_by_itself_shows_nothing_on_a_lock_screen(post, channel, state):
    post.contact("a", safe={"way": "همین‌جا بنویسید", "hours": "هر وقت"}, channel=channel)
    post.case("a", "T3")
    post.say("a", "سلام. از اورژانس اجتماعی پیام می‌دهیم.", kind="proactive")
    post.core.store.write_now(lambda tx: tx.raw.execute("UPDATE outbox SET channel = ?", (channel,)))
    post.provider.name = channel
    post.run(for_s=5)

    assert [state] == post.states()
    assert ([("unsaid", {"count": 1, "why": "discloses"})] if state == "expired" else []) == post.events("a")


def test_do_not_contact_on_her_case_stops_what_is_proactive(post):
    post.contact("a", safe={"way": "همین‌جا بنویسید", "hours": "هر وقت"})
    post.case("a", do_not_contact=1)
    post.say("a", "یادآوری", kind="proactive")
    post.run(for_s=5)

    assert [] == post.provider.calls


def test_an_opt_out_that_commits_before_the_claim_wins(post, clock):
    post.contact("a", safe=HERE_IN_THE_MORNING)
    post.say("a", "یادآوری", kind="proactive")
    opt_out = "UPDATE contacts SET opted_out_at = 1"
    post.run(for_s=2)
    clock.advance(UNTIL_EIGHT_S - 10)
    post.run(for_s=30, acts=[(7, lambda: post.core.store.write_now(lambda tx: tx.raw.execute(opt_out)))])

    assert [] == post.provider.calls
    assert ["expired"] == post.states()


def test_every_answer_that_the_script_offers_is_understood_by_the_gate(bundle):
    always = bundle.flows["always"]
    hours, way = always.step("safe_hours"), always.step("safe_way")
    assert isinstance(hours, Ask)
    assert isinstance(way, Ask)

    assert all(hours_of(option.label) for option in hours.options if option.key != "skip")
    assert {"here": True, "phone": False, "come": False} == {
        option.key: allows_channel(option.label, "telegram", here="telegram")
        for option in way.options
        if option.key != "skip"
    }


@pytest.mark.parametrize(
    ("hours", "days", "minutes"),
    [
        ("هر وقت", {0, 1, 2, 3, 4, 5, 6}, (0, 1440)),
        ("صبح‌ها", {0, 1, 2, 3, 4, 5, 6}, (480, 720)),
        ("شنبه تا چهارشنبه ۹ تا ۱۲", {5, 6, 0, 1, 2}, (540, 720)),
        ("سه شنبه و پنج‌شنبه ۹:۳۰-۱۱", {1, 3}, (570, 660)),
        ("جمعه‌ها عصر", {4}, (720, 1020)),
        ("از ۲ بعدازظهر تا ۴ بعد از ظهر", {0, 1, 2, 3, 4, 5, 6}, (840, 960)),
    ],
)
def test_hours_in_a_counsellors_own_words_are_read(hours, days, minutes):
    found = hours_of(hours)

    assert (days, minutes) == (found.days, (found.from_minute, found.to_minute))


@pytest.mark.parametrize(
    "hours",
    [
        "",
        "نمی‌دانم",
        "نه صبح",
        "به جز جمعه صبح",
        "۲ تا ۴",
        "۱۲ تا ۹",
        "ساعت ۲۵ تا ۳۰",
        "شنبه",
        "چهارشنبه تا شنبه صبح",
        "t540",
    ],
)
def test_hours_that_are_not_wholly_understood_are_never(hours):
    assert hours_of(hours) is None
    assert window_of({"way": "همین‌جا", "hours": hours}, "telegram") is None


def test_a_window_opens_by_tehrans_weekday_and_hour():
    window = hours_of("شنبه تا چهارشنبه ۹ تا ۱۲")
    wednesday_noon = datetime(2026, 11, 25, 12, 0, tzinfo=TEHRAN)
    inside = datetime(2026, 11, 25, 11, 59, tzinfo=TEHRAN)

    assert window.opens_at(inside.astimezone(UTC)) == inside
    assert window.opens_at(wednesday_noon.astimezone(UTC)) == datetime(2026, 11, 28, 9, 0, tzinfo=TEHRAN)


def test_a_reminder_that_is_not_under_way_holds_no_answer_and_no_words_of_a_counsellor(post):
    for number in range(300):
        post.contact(f"c{number}")
        post.say(f"c{number}", "سلام")
    for name, kind in (("a", "reply"), ("b", "live")):
        post.contact(name, safe={"way": "همین‌جا بنویسید", "hours": "هر وقت"})
        post.say(name, "یادآوری", kind="proactive")
        post.say(name, "۱۱۰ را بگیرید", kind=kind, urgent=True)
    post.run(for_s=20)

    for name in "ab":
        assert ["۱۱۰ را بگیرید", "یادآوری"] == post.provider.texts(name)
        assert min(call.at for call in post.provider.calls if call.chat == name) <= 2


def test_a_reminder_that_cannot_be_sent_holds_no_answer_either(post):
    post.contact("a", safe={"way": "همین‌جا بنویسید", "hours": "هر وقت"})
    post.say("a", "یادآوری", kind="proactive")
    post.provider.planned["a"].extend(["429 20"])
    post.run(for_s=40, acts=[(5, lambda: post.say("a", "پاسخ"))])

    assert ["پاسخ", "یادآوری"] == post.provider.texts("a")


@pytest.mark.parametrize("kind", ["reply", "live"])
@pytest.mark.parametrize("channel", ["telegram", "bale", "sms"])
def test_an_answer_that_a_quarter_of_an_hour_held_up_is_not_said_to_whoever_has_the_phone(post, clock, kind, channel):
    post.contact("a")
    post.case("a", "T3")
    post.provider.name = channel
    post.say("a", "خانهٔ امن پیدا شد", kind=kind, urgent=True)
    post.core.store.write_now(lambda tx: tx.raw.execute("UPDATE outbox SET channel = ?", (channel,)))
    clock.advance(ANSWER_MS / 1000 + 1)
    post.run(for_s=30)

    assert [] == post.provider.calls
    assert [("expired", "not_safe")] == post.rows("SELECT state, error FROM outbox")
    assert [("unsaid", {"count": 1, "why": "not_safe"})] == post.events("a")


@pytest.mark.parametrize("channel", ["web", "rasa"])
def test_where_nothing_pops_up_a_late_answer_is_still_shown(post, clock, channel):
    post.contact("a")
    post.provider.name = channel
    post.say("a", "پاسخ")
    post.core.store.write_now(lambda tx: tx.raw.execute("UPDATE outbox SET channel = ?", (channel,)))
    clock.advance(ANSWER_MS / 1000 + 1)
    post.run(for_s=30)

    assert ["پاسخ"] == post.provider.texts("a")


@pytest.mark.parametrize(("hours", "said"), [("هر وقت", ["پاسخ"]), ("صبح تا ظهر", [])])
def test_a_late_answer_goes_out_in_her_safe_hours_only_and_never_hours_later(post, clock, hours, said):
    post.contact("a", safe={"way": "همین‌جا بنویسید", "hours": hours})
    post.case("a")
    post.say("a", "پاسخ")
    clock.advance(ANSWER_MS / 1000 + 1)
    post.run(for_s=30)
    clock.advance(UNTIL_EIGHT_S - 60)
    post.run(for_s=30)

    assert said == post.provider.texts("a")
    assert ([] if said else [("unsaid", {"count": 1, "why": "late"})]) == post.events("a")


def test_bare_numbers_to_call_are_never_held_back(post, clock):
    post.contact("a")
    post.say("a", "110 / 123", urgent=True)
    post.say("a", "همین حالا 110 را بگیرید", urgent=True)
    clock.advance(ANSWER_MS / 1000 + 1)
    post.run(for_s=30)

    assert ["110 / 123"] == post.provider.texts("a")


def test_a_crowd_of_late_answers_holds_nobody_who_writes_now(post, clock):
    for number in range(700):
        post.contact(f"c{number}")
        post.say(f"c{number}", "دیر")
    clock.advance(ANSWER_MS / 1000 + 1)
    post.contact("a")
    post.say("a", "تازه")
    began = clock.monotonic()
    post.run(for_s=10)

    assert [("a", "تازه")] == post.provider.said
    assert post.provider.calls[0].at <= began + 5
