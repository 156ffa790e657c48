import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.messages import (
    ContactInput,
    LocationInput,
    MediaInput,
    Press,
    PressInput,
    TextInput,
    UnreadableInput,
)
from bot.handlers.telegram_decode import RAW_BYTES_KEPT, decode_update, split_batch, written_id

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
PERSON = {"id": 42, "is_bot": False, "first_name": "x"}
CHAT = {"id": 42, "type": "private"}


def decode(raw, channel="telegram", bot_id="111"):
    body = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    return decode_update(body, channel=channel, received_at=NOW, bot_id=bot_id)


def message(**content):
    return {"update_id": 7, "message": {"message_id": 1, "date": 1, "chat": CHAT, "from": PERSON, **content}}


def test_a_text_keeps_who_wrote_it_which_update_it_was_and_its_bytes():
    raw = json.dumps(message(text="سلام"), ensure_ascii=False).encode()

    arrival = decode(raw)

    assert arrival.message.input == TextInput("سلام")
    assert (arrival.message.channel, arrival.message.external_id) == ("telegram", "42")
    assert (arrival.message.provider_id, arrival.update_id) == ("111:7", 7)
    assert arrival.message.raw == raw
    assert arrival.message.received_at == NOW
    assert not arrival.for_nobody


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"caption": "کمک", "photo": [{}]}, TextInput("کمک")),
        ({"voice": {"file_id": "x"}}, MediaInput("voice")),
        ({"audio": {"file_id": "x"}}, MediaInput("voice")),
        ({"photo": [{"file_id": "x"}]}, MediaInput("photo")),
        ({"sticker": {"file_id": "x"}}, MediaInput("sticker")),
        ({"video": {"file_id": "x"}}, MediaInput("video")),
        ({"video_note": {"file_id": "x"}}, MediaInput("video")),
        ({"document": {"file_id": "x"}}, MediaInput("document")),
        ({"location": {"latitude": 35.7, "longitude": 51}}, LocationInput(35.7, 51.0)),
        ({"location": {"latitude": 91, "longitude": 51}}, UnreadableInput("bad_location")),
        ({"location": {"latitude": "35", "longitude": 51}}, UnreadableInput("bad_location")),
        ({"contact": {"phone_number": "09123456789", "user_id": 42}}, ContactInput("+989123456789")),
        ({"contact": {"phone_number": "+98 912 345 6789", "user_id": 42}}, ContactInput("+989123456789")),
        ({"contact": {"phone_number": "989123456789", "user_id": 43}}, MediaInput("document")),
        ({"contact": {"phone_number": "abc", "user_id": 42}}, UnreadableInput("bad_contact")),
        ({"text": "   "}, UnreadableInput("unknown_kind")),
        ({"text": 5}, UnreadableInput("unknown_kind")),
        ({"poll": {"id": "1"}}, UnreadableInput("unknown_kind")),
        ({"hologram": {"file_id": "x"}}, UnreadableInput("unknown_kind")),
    ],
)
def test_each_kind_of_content_becomes_its_input(content, expected):
    assert decode(message(**content)).message.input == expected


def test_a_long_text_is_cut_with_a_flag_and_never_dropped():
    kept = decode(message(text="ن" * 5000)).message.input

    assert kept == TextInput("ن" * 4096, "ن" * 904)


def test_a_lone_surrogate_and_a_nul_leave_the_words_readable():
    raw = (
        b'{"update_id":7,"message":{"chat":{"id":42,"type":"private"},"text":"\\ud800\\u0000 \\ud83d\\ude00 \\u06a9"}}'
    )

    text = decode(raw).message.input.text

    assert text == "\ufffd 😀 ک"
    assert text.encode("utf-8")


def test_what_she_wrote_has_a_number_and_a_press_or_nonsense_has_none():
    number = {"message_id": 77}
    edited = json.dumps({"update_id": 1, "edited_message": {**number, "chat": CHAT, "text": "ن"}}).encode()
    press = json.dumps({"update_id": 1, "callback_query": {"id": "5", "message": {**number, "chat": CHAT}}}).encode()
    words = json.dumps({"update_id": 1, "message": {**number, "chat": CHAT, "text": "ن"}}).encode()

    assert [written_id(raw) for raw in (words, edited, press, b"{", b"[]", b'{"message": 5}')] == [
        "77",
        "77",
        "",
        "",
        "",
        "",
    ]


def test_a_press_names_its_question_and_waits_for_an_answer():
    press = Press(flow="welcome", step="need", visit=3, key="talk")
    update = {
        "update_id": 9,
        "callback_query": {"id": "55", "from": PERSON, "data": press.encode(), "message": {"chat": CHAT}},
    }

    arrival = decode(update)

    assert arrival.message.input == PressInput(press)
    assert (arrival.message.external_id, arrival.callback_id) == ("42", "55")


def test_a_press_of_an_unknown_form_is_stale_but_still_answered():
    update = {"update_id": 9, "callback_query": {"id": "55", "from": PERSON, "data": "v1:old"}}

    arrival = decode(update)

    assert arrival.message.input == UnreadableInput("stale")
    assert (arrival.message.external_id, arrival.callback_id) == ("42", "55")


def test_an_edited_text_is_read_as_words_of_its_own():
    edited = decode({"update_id": 8, "edited_message": message(text="منظورم این بود")["message"]})

    assert edited.message.input == TextInput("منظورم این بود")
    assert edited.message.provider_id == "111:8"


@pytest.mark.parametrize(
    "update",
    [
        {"update_id": 1, "edited_message": message(location={"latitude": 1, "longitude": 1})["message"]},
        {"update_id": 1, "channel_post": message(text="x")["message"]},
        {"update_id": 1, "message": {"chat": {"id": -100, "type": "supergroup"}, "from": PERSON, "text": "x"}},
        {"update_id": 1, "message": {"chat": {"id": 42, "type": "channel"}, "from": PERSON, "text": "x"}},
        {"update_id": 1, "my_chat_member": {"chat": CHAT, "from": PERSON, "new_chat_member": {"status": "kicked"}}},
        {"update_id": 1, "message": {"chat": CHAT, "from": PERSON, "pinned_message": {}}},
        {"update_id": 1, "message": {"chat": CHAT, "message_auto_delete_timer_changed": {}}},
        {"update_id": 1, "message": None},
        {"update_id": 1, "callback_query": []},
        {"update_id": 1, "brand_new_kind": {}},
        {"update_id": 1},
    ],
)
def test_what_no_person_wrote_to_us_is_for_nobody_but_has_a_number(update):
    arrival = decode(update)

    assert arrival.for_nobody
    assert arrival.update_id == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 100_000,
        b'{"update_id":5,"message":{"chat":{"id":42,"type":"private"},"x":' + b"[" * 100_000,
        b'{"update_id":5,"message":{"chat":{"id":42,"type":"private"},"x":' + b"[" * 40 + b"]" * 40 + b"}}",
        b'{"update_id":5,"message":{"from":{"id":42},"text":"cut off in the mid',
        b'{"update_id":5,"message":{"from":{"id":42},"n":' + b"9" * 5000 + b"}}",
        b'{"update_id":5,"message":{"chat":{"id":42},"text":"\xff\xfe"}}',
    ],
)
def test_a_broken_update_is_an_unreadable_message_of_whoever_can_be_made_out(raw):
    arrival = decode(raw)

    assert arrival.message.input == UnreadableInput("broken")
    assert arrival.message.external_id in {"", "42"}
    assert (arrival.update_id, arrival.message.external_id) == ((5, "42") if b"42" in raw else (None, ""))


def test_the_same_junk_is_recognised_when_it_comes_again():
    assert decode(b"junk").message.provider_id == decode(b"junk").message.provider_id
    assert decode(b"junk").message.provider_id != decode(b"other junk").message.provider_id


@pytest.mark.parametrize(
    "raw", [b"junk", b'{"update_id":7', b'{"update_id":7,"message":{"chat":{"id":42},"text":"x"}}']
)
def test_what_a_replaced_bot_counts_anew_is_no_repetition(raw):
    old, new = decode(raw), decode(raw, bot_id="222")

    assert old.message.provider_id != new.message.provider_id
    assert old.update_id == new.update_id


def test_without_a_bot_the_number_stands_alone():
    arrival = decode({"update_id": 7}, bot_id="")

    assert (arrival.message.provider_id, arrival.update_id) == ("7", 7)


def test_only_the_first_part_of_a_monstrous_update_is_kept():
    raw = json.dumps(message(text="x", filler="y" * 500_000)).encode()

    assert len(decode(raw).message.raw) == RAW_BYTES_KEPT
    assert decode(raw).message.input == TextInput("x")


def test_not_a_number_is_no_place():
    raw = b'{"update_id":5,"message":{"chat":{"id":42},"location":{"latitude":NaN,"longitude":1e999}}}'

    assert decode(raw).message.input == UnreadableInput("bad_location")


@settings(max_examples=80)
@given(st.binary(max_size=300))
def test_no_bytes_make_the_decoder_raise(raw):
    arrival = decode(raw)

    assert arrival.message.provider_id


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["message", "chat", "from", "id", "type", "text", "location", "latitude", "contact", "data", "phone_number"]
    ), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=80)
@given(_JSON, st.sampled_from(["message", "edited_message", "callback_query"]))
def test_no_shape_of_update_makes_the_decoder_raise(value, kind):
    arrival = decode({"update_id": 3, kind: value})

    assert arrival.update_id == 3


@settings(max_examples=60)
@given(st.lists(st.dictionaries(st.text(max_size=5), st.text() | st.lists(st.integers(), max_size=3), max_size=3)))
def test_a_batch_is_split_into_the_bytes_of_each_update(updates):
    body = json.dumps({"ok": True, "result": updates}, ensure_ascii=False).encode("utf-8", "surrogatepass")

    assert [json.loads(item) for item in split_batch(body)] == updates


def test_one_monstrous_update_does_not_lose_its_neighbours():
    good = json.dumps(message(text="سلام"))
    body = f'{{"ok":true,"result":[{good},{{"x":{"[" * 5000}{"]" * 5000}}},{good}]}}'.encode()

    texts = [decode(item).message.input for item in split_batch(body)]

    assert texts == [TextInput("سلام"), UnreadableInput("broken"), TextInput("سلام")]


def test_an_update_that_was_cut_off_is_given_as_far_as_it_goes():
    body = b'{"ok":true,"result":[{"update_id":1},{"update_id":2,"message":{"chat":{"id":42},"text":"ab'

    arrivals = [decode(item) for item in split_batch(body)]

    assert [item.update_id for item in arrivals] == [1, 2]
    assert arrivals[1].message.external_id == "42"
