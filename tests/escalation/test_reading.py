"""What staff see: the queue within their desk, a feed without gaps, a page only with its audit row."""

import pytest

from bot.core.event_codec import events_to_json
from bot.core.events import AnswerRecorded, FlowLeft, MessageSent, QuestionAsked
from bot.store import schema
from bot.store.vault import seal
from bot.store.walls import LISTS
from escalation import acts, reading, relay
from escalation.case import NoSuchCaseError
from escalation.page import read_case
from escalation.policy import NotAllowedError
from escalation.repo_read import messages_after


def queue(house, actor):
    return house.see(reading.queue, actor=actor)


def feed(house, actor, last_id=0, **more):
    return house.see(reading.feed_since, LISTS, actor=actor, last_id=last_id, **more)


def test_the_queue_is_in_the_order_in_which_cases_are_taken(house, mina):
    old = house.escalate(house.contact("a"), "T2")
    house.advance(10)
    urgent = house.escalate(house.contact("b"), "T1")
    house.advance(10)
    child = house.escalate(house.contact("c"), "T1", child=True)

    assert [row.id for row in queue(house, mina)] == [child, urgent, old]


def test_a_raised_case_keeps_its_waiting_time(house, mina):
    first = house.escalate(house.contact("a"), "T3")
    house.advance(60)
    second = house.escalate(house.contact("b"), "T1")
    house.advance(60)
    house.escalate("a", "T1")

    assert [row.id for row in queue(house, mina)] == [first, second]


def test_a_province_sees_its_own_desk_and_the_national_desk_sees_all(house, mina):
    tehran = house.escalate(house.contact("a"), "T2", province="IR-23")
    fars = house.escalate(house.contact("b"), "T2", province="IR-07")
    unknown = house.escalate(house.contact("c"), "T2")

    assert {row.id for row in queue(house, mina)} == {tehran, fars, unknown}
    assert [row.id for row in queue(house, house.staff("t", province="IR-23"))] == [tehran]
    assert [row.id for row in queue(house, house.staff("f", province="IR-07"))] == [fars]


def test_an_untaken_t1_is_shown_to_the_neighbour_who_can_then_take_it(house):
    case_id = house.escalate(house.contact("a"), "T1", province="IR-30")
    neighbour, far = house.staff("n", province="IR-23"), house.staff("f", province="IR-07")
    assert queue(house, neighbour) == []
    house.advance(300)

    assert [(row.id, row.overflow) for row in queue(house, neighbour)] == [(case_id, True)]
    assert queue(house, far) == []
    house.do(acts.claim_case, actor=neighbour, case_id=case_id)
    assert [(row.mine, row.overflow) for row in queue(house, neighbour)] == [(True, False)]
    assert house.do(read_case, actor=neighbour, case_id=case_id).content


def test_a_row_says_who_holds_it_and_what_was_written_since(house, mina):
    case_id = house.escalate(house.contact("a"), "T1", kinds=("suicide",))
    token = house.do(acts.claim_case, actor=mina, case_id=case_id).token
    assert queue(house, mina)[0].unread == 1
    house.do(relay.write_message, actor=mina, case_id=case_id, token=token, text="سلام", command_id="command-1")
    house.writes("a", "هستم")
    house.writes("a", "هنوز")

    row = queue(house, mina)[0]
    assert (row.holder_name, row.mine, row.unread, row.kinds, row.state) == ("mina", True, 2, ("suicide",), "claimed")
    other = queue(house, house.staff("sara"))[0]
    assert (other.holder_name, other.mine) == ("mina", False)


def test_the_feed_misses_nothing_across_a_reconnect(house, mina):
    case_id = house.escalate(house.contact("a"), "T1")
    first = feed(house, mina)
    house.do(acts.claim_case, actor=mina, case_id=case_id)
    second = feed(house, mina, first.last_id)

    assert [event.kind for event in first.events] == ["opened"]
    assert [event.kind for event in second.events] == ["claimed"]
    assert feed(house, mina, second.last_id).events == ()
    assert second.last_id == house.store.read_now(reading.newest_event)
    pieces = feed(house, mina, most=1)
    assert (pieces.more, [event.kind for event in pieces.events]) == (True, ["opened"])
    assert [event.kind for event in feed(house, mina, pieces.last_id, most=1).events] == ["claimed"]


def test_the_feed_tells_a_desk_that_a_case_has_left_it_and_no_more(house):
    tehran = house.staff("t", province="IR-23")
    case_id = house.escalate(house.contact("a"), "T2", province="IR-23")
    start = feed(house, tehran).last_id
    token = house.do(acts.claim_case, actor=tehran, case_id=case_id).token
    house.do(acts.transfer_case, actor=tehran, case_id=case_id, token=token, desk="IR-07")
    house.do(acts.claim_case, actor=house.staff("f", province="IR-07"), case_id=case_id)

    later = feed(house, tehran, start)
    assert [event.kind for event in later.events] == ["transferred"]
    assert later.last_id == house.store.read_now(reading.newest_event)
    with pytest.raises(NoSuchCaseError):
        house.do(read_case, actor=tehran, case_id=case_id)


def test_old_feed_and_what_happened_since_equal_a_fresh_queue(house, mina):
    """A page that applies each change by fetching the row again ends with what a new page shows."""
    shown = {}
    last = 0
    ids = [house.escalate(house.contact(name), "T2") for name in "abc"]
    for step in range(4):
        if step == 1:
            house.do(acts.claim_case, actor=mina, case_id=ids[0])
        if step == 2:
            house.escalate("b", "T1")
        if step == 3:
            house.do(acts.close_case, actor=mina, case_id=ids[0], token=1, outcome="guided", reason="تمام")
        news = feed(house, mina, last)
        last = news.last_id
        fresh = {row.id: row for row in queue(house, mina)}
        for event in news.events:
            shown.pop(event.case_id, None)
            if event.case_id in fresh:
                shown[event.case_id] = fresh[event.case_id]
        assert shown == fresh


def test_alerts_carry_code_and_tier_only_for_what_still_waits(house, mina):
    waiting = house.escalate(house.contact("a"), "T1")
    taken = house.escalate(house.contact("b"), "T1")
    house.do(acts.claim_case, actor=mina, case_id=taken)

    found = house.store.read_now(lambda connection: reading.alerts(connection, 0))
    assert [(alert.case_id, alert.code, alert.tier) for alert in found] == [
        (waiting, house.case(waiting)["code"], "T1")
    ]
    assert house.store.read_now(lambda connection: reading.alerts(connection, found[-1].event_id)) == []


def fill(house, contact_id):
    """Put in what a conversation leaves behind."""
    key = house.key(contact_id)
    events = [
        MessageSent(flow="f", step="q", text="الان جای امنی هستید؟"),
        QuestionAsked(flow="f", step="q", question="q"),
        AnswerRecorded(flow="f", step="q", keys=("yes",), label="بله"),
        QuestionAsked(flow="f", step="name", question="نامتان؟"),
        AnswerRecorded(flow="f", step="name", keys=("given",), sensitive=True),
        AnswerRecorded(flow="f", step="q", keys=("no",), label="نه"),
        FlowLeft(flow="f", outcome="done"),
    ]
    sealed = seal(key, "turns.events", events_to_json(events))
    same = {"contact_id": contact_id, "session_id": f"{contact_id}.s"}
    house.put(schema.turns, **same, inbox_id=1, version="v", lexicon="", sealed_events=sealed, at=house.now)
    result = {"band": "high", "points": 4, "items": [["choked", "yes", 1]]}
    sealed = seal(key, "assessments.result", result)
    house.put(schema.assessments, id="as", **same, name="da5", version="1", sealed_result=sealed, at=house.now)
    house.put(schema.consents, id="co", contact_id=contact_id, purpose="care", given=1, text_hash="", at=house.now)
    bodies = (
        {"text": "بله", "press": True},
        {"media": "voice"},
        {"location": [35.7, 51.4]},
        {"text": "چه شد؟", "buttons": [{"label": "بله", "data": "p"}]},
    )
    for author, body in zip(("contact", "contact", "contact", "bot"), bodies, strict=True):
        sealed = seal(key, "messages.body", body)
        house.put(schema.messages, **same, author=author, sealed_body=sealed, at=house.now)
    house.change(schema.contacts, contact_id, sealed_safe_contact=seal(key, "contacts.safe_contact", {"way": "تلفن"}))


def test_the_page_of_a_claimed_case_holds_everything(house, mina):
    case_id = house.escalate(house.contact("a"), "T1", kinds=("suicide",), why=("چون نوشت",), note="یادداشت")
    fill(house, "a")
    token = house.do(acts.claim_case, actor=mina, case_id=case_id).token
    house.do(relay.write_message, actor=mina, case_id=case_id, token=token, text="سلام", command_id="command-1")
    house.do(relay.add_note, actor=mina, case_id=case_id, text="خواهرش کمک می‌کند")
    house.do(relay.refer_case, actor=mina, case_id=case_id, token=token, to_type="mobile_team", near="")
    shown = house.do(read_case, actor=mina, case_id=case_id)

    assert (shown.content, shown.erased, shown.mine, shown.live, shown.holder_name) == (True, False, True, True, "mina")
    assert (shown.why, shown.note, shown.kinds) == (("چون نوشت",), "یادداشت", ("suicide",))
    assert [(one.author, one.text, one.input) for one in shown.messages] == [
        ("contact", "سلام", ""), ("contact", "بله", "press"), ("contact", "", "media"), ("contact", "", "location"),
        ("bot", "چه شد؟", ""), ("staff", "سلام", ""),
    ]  # fmt: skip
    assert (shown.messages[2].media, shown.messages[3].location, shown.messages[4].buttons) == (
        "voice",
        (35.7, 51.4),
        ("بله",),
    )
    assert (shown.messages[5].staff_name, shown.messages[5].delivery) == ("mina", "queued")
    assert [(one.question, one.answer, one.sensitive) for one in shown.answers] == [
        ("نامتان؟", "given", True), ("الان جای امنی هستید؟", "نه", False),
    ]  # fmt: skip
    assert [(one.name, one.points, one.items) for one in shown.assessments] == [("da5", 4, (("choked", "yes", 1),))]
    assert [one.text for one in shown.notes] == ["خواهرش کمک می‌کند"]
    assert (shown.consents[0].purpose, shown.referrals[0].to_type, shown.safe_contact) == (
        "care",
        "mobile_team",
        {"way": "تلفن"},
    )
    assert [one.kind for one in shown.history] == ["opened", "claimed", "wrote", "noted", "referred"]
    assert (shown.undo_claim_until, shown.undo_close_until) == (house.now + 120_000, None)


def test_no_audit_no_read(house, mina):
    case_id = house.escalate(house.contact("a"), "T1")
    house.do(read_case, actor=mina, case_id=case_id)
    house.do(acts.claim_case, actor=mina, case_id=case_id)
    first = house.do(read_case, actor=mina, case_id=case_id)
    house.writes("a", "هنوز هستم")
    more = house.do(read_case, actor=mina, case_id=case_id, since=first.last_message)
    assert [one.text for one in more.messages] == ["هنوز هستم"]

    assert [row["action"] for row in house.rows(schema.audit)] == ["glanced", "claimed", "read", "read"]


def test_an_unclaimed_case_shows_its_reasons_and_not_a_word_of_hers(house, mina):
    case_id = house.escalate(house.contact("a"), "T1", why=("چون: خفگی",), note="نوشته")
    fill(house, "a")
    shown = house.do(read_case, actor=mina, case_id=case_id)

    assert (shown.content, shown.why, shown.note) == (False, ("چون: خفگی",), "")
    assert (shown.messages, shown.answers, shown.assessments, shown.notes, shown.safe_contact) == ((), (), (), (), {})
    with pytest.raises(NotAllowedError):
        house.do(relay.add_note, actor=mina, case_id=case_id, text="x")


def test_a_colleague_cannot_read_a_held_case_and_a_supervisor_of_the_desk_can(house, mina):
    case_id = house.escalate(house.contact("a"), "T1", province="IR-23")
    house.do(acts.claim_case, actor=mina, case_id=case_id)

    assert not house.do(read_case, actor=house.staff("sara"), case_id=case_id).content
    assert house.do(read_case, actor=house.staff("boss", "supervisor", province="IR-23"), case_id=case_id).content
    with pytest.raises(NoSuchCaseError):
        house.do(read_case, actor=house.staff("far", "supervisor", province="IR-07"), case_id=case_id)
    with pytest.raises(NotAllowedError):
        house.do(read_case, actor=house.staff("root", "admin"), case_id=case_id)


def test_who_closed_a_case_may_look_at_it_again_and_sees_earlier_cases(house, mina):
    first = house.escalate(house.contact("a"), "T3")
    token = house.do(acts.claim_case, actor=mina, case_id=first).token
    house.do(acts.close_case, actor=mina, case_id=first, token=token, outcome="guided", reason="راهنمایی شد")
    shown = house.do(read_case, actor=mina, case_id=first)
    assert (shown.content, shown.undo_close_until, shown.undo_claim_until) == (True, house.now + 120_000, None)
    house.advance(121)
    assert house.do(read_case, actor=mina, case_id=first).undo_close_until is None
    second = house.escalate("a", "T2")
    house.do(acts.claim_case, actor=mina, case_id=second)
    shown = house.do(read_case, actor=mina, case_id=second)

    assert [(one.id, one.outcome) for one in shown.earlier] == [(first, "guided")]
    assert [one.text for one in shown.notes] == ["راهنمایی شد"]


def test_an_erased_contact_leaves_a_line_and_nothing_else(house, mina):
    case_id = house.escalate(house.contact("a"), "T1", why=("چون",))
    fill(house, "a")
    house.do(acts.claim_case, actor=mina, case_id=case_id)
    house.change(schema.contacts, "a", wrapped_key=None)
    shown = house.do(read_case, actor=mina, case_id=case_id)

    assert (shown.erased, shown.why, shown.messages, shown.answers) == (True, (), (), ())
    assert shown.assessments[0].items == ()


def test_one_damaged_piece_leaves_the_rest_of_the_page_to_be_read(house, mina):
    case_id = house.escalate(house.contact("a"), "T1", why=("چون",))
    fill(house, "a")
    token = house.do(acts.claim_case, actor=mina, case_id=case_id).token
    house.change(schema.cases, case_id, sealed_summary=b"damaged")
    shown = house.do(read_case, actor=mina, case_id=case_id)
    assert (shown.erased, shown.why) == (False, ())
    assert "سلام" in [one.text for one in shown.messages]

    house.change(schema.contacts, "a", wrapped_key=b"damaged")
    shown = house.do(read_case, actor=mina, case_id=case_id)
    assert (shown.erased, shown.case.tier, shown.messages) == (False, "T1", ())
    house.do(acts.close_case, actor=mina, case_id=case_id, token=token, outcome="duplicate", reason="خراب است")
    assert house.case(case_id)["state"] == "closed"


def test_a_long_transcript_is_given_in_order_from_its_newest(house, mina):
    case_id = house.escalate(house.contact("a"), "T1")
    for number in range(5):
        house.writes("a", str(number))
    house.do(acts.claim_case, actor=mina, case_id=case_id)

    newest = house.store.read_now(lambda connection: messages_after(connection, "a", since=0, most=3))
    shown = house.do(read_case, actor=mina, case_id=case_id).messages
    assert [one.text for one in shown] == ["سلام", "0", "1", "2", "3", "4"]
    assert [row["id"] for row in newest] == [one.id for one in shown[-3:]]
