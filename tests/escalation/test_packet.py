"""The hand-over in five lines: who, what happened in her words, how urgent and why, what was done, how to reach her."""

import pytest

from bot.core.event_codec import events_to_json
from bot.core.events import AnswerRecorded, GuideShown, QuestionAsked
from bot.store import schema
from bot.store.vault import seal
from escalation import acts
from escalation.console.packet import packet
from escalation.page import read_case

_CRY = "دیشب باز با کمربند زد و گفت دفعهٔ بعد می‌کشدت"


def told(house, mina, contact_id="a", **case):
    """Let her write, then answer, then be taken by mina; give the five lines."""
    house.advance(30)
    house.writes(contact_id, _CRY)
    case_id = house.escalate(contact_id, "T1", kinds=("spouse_abuse",), why=("تهدید به کشتن",), **case)
    house.advance(30)
    house.writes(contact_id, "الان رفته بیرون")
    events = [
        QuestionAsked(flow="f", step="q", question="امن است؟"),
        AnswerRecorded(flow="f", step="q", keys=("no",), label="نه"),
        GuideShown(card="safety_tonight"),
    ]
    key, same = house.key(contact_id), {"contact_id": contact_id, "session_id": f"{contact_id}.s"}
    sealed = seal(key, "turns.events", events_to_json(events))
    house.put(schema.turns, **same, inbox_id=1, version="v", lexicon="", sealed_events=sealed, at=house.now)
    house.do(acts.claim_case, actor=mina, case_id=case_id)
    return dict(packet(house.do(read_case, actor=mina, case_id=case_id)))


def test_five_lines_say_what_she_need_not_tell_again(house, mina):
    house.contact("a")
    lines = told(house, mina, province="IR-23")

    assert list(lines) == ["کیست و کجاست", "چه شد", "سطح و دلیل", "تا این‌جا", "تماس"]
    assert lines["کیست و کجاست"] == "تهران، از تلگرام"
    assert lines["چه شد"] == f"«{_CRY}»"
    assert "تهدید به کشتن" in lines["سطح و دلیل"]
    assert lines["تا این‌جا"] == "۱ پاسخ داده؛ دوباره نپرسید؛ ۱ راهنما گرفته"
    assert "زنگ نزنید" in lines["تماس"]


def test_how_she_may_be_reached_and_what_must_not_be_done_is_one_line(house, mina):
    house.contact("a")
    safe = {"way": "تماس تلفنی", "phone": "+989121112233", "hours": "صبح تا ظهر", "cover": "درمانگاه", "word": "گل یاس"}
    sealed = seal(house.key("a"), "contacts.safe_contact", safe)
    house.change(schema.contacts, "a", sealed_safe_contact=sealed)
    line = told(house, mina, do_not_contact=True, covert=True)["تماس"]

    assert line.startswith("ننویسید و زنگ نزنید")
    for words in ("تماس تلفنی", "صبح تا ظهر", "درمانگاه", "رمز", "بی‌نشانه"):
        assert words in line
    assert "گل یاس" not in line


def test_her_own_words_are_the_telling_ones_and_never_her_secret(house, mina):
    house.contact("a")
    sealed = seal(house.key("a"), "contacts.safe_contact", {"way": "همین‌جا", "duress": "خاله پری می‌آید"})
    house.change(schema.contacts, "a", sealed_safe_contact=sealed)
    told(house, mina)
    house.advance(5)
    house.writes("a", "خاله پری می‌آید")
    case_id = house.escalate("a", "T1", do_not_contact=True)
    lines = dict(packet(house.do(read_case, actor=mina, case_id=case_id)))

    assert lines["چه شد"] == f"«{_CRY}»"


def test_who_only_pressed_buttons_is_not_given_words(house, mina):
    house.contact("a")
    house.store.write_now(lambda tx: tx.raw.execute("DELETE FROM messages"))
    case_id = house.escalate("a", "T2")
    house.do(acts.claim_case, actor=mina, case_id=case_id)

    assert "ننوشته" in dict(packet(house.do(read_case, actor=mina, case_id=case_id)))["چه شد"]


def test_who_may_not_read_the_content_gets_no_lines(house, mina):
    case_id = house.escalate(house.contact("a"), "T2")

    assert packet(house.do(read_case, actor=mina, case_id=case_id)) == ()


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ([("contact", 0), ("referral", 1)], True),
        ([("contact", 1), ("contact", 0), ("record", 1)], True),
        ([("contact", 0), ("contact", 1)], False),
        ([("referral", 0)], False),
    ],
)
def test_a_refusal_of_contact_stands_until_she_takes_it_back(house, mina, said, refused):
    house.contact("a")
    for number, (purpose, given) in enumerate(said):
        at = house.now + number
        house.put(schema.consents, id=f"c{number}", contact_id="a", purpose=purpose, given=given, text_hash="h", at=at)

    assert ("به تماس رضایت نداده" in told(house, mina)["تماس"]) is refused
