import json
from dataclasses import replace

import aiohttp
import pytest

from bot.core.messages import Button, Press, PressInput, TextInput, UnreadableInput
from bot.handlers.rasa import PATH, rasa_routes
from bot.inbox import Accepted, Reply
from bot.store.crypto import ephemeral_keyring
from bot.store.vault import seal

TOKEN = "canary-rasa-token"


@pytest.fixture
def keyring():
    return ephemeral_keyring()


@pytest.fixture
async def ask(door, keyring, serve):
    """Run the action as a Rasa server would: `status, body = await ask(text=…)`."""
    url = await serve(rasa_routes(door, keyring, token=TOKEN))
    async with aiohttp.ClientSession() as session:

        async def call(body=None, *, token=TOKEN, **message):
            slots = message.pop("slots", {})
            wanted = body or {
                "next_action": "action_panah_turn",
                "sender_id": "u1",
                "tracker": {"sender_id": "u1", "slots": slots, "latest_message": message, "events": []},
                "domain": {"actions": ["action_panah_turn"]},
                "version": "3.6",
            }
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            content = wanted if isinstance(wanted, bytes) else json.dumps(wanted).encode()
            async with session.post(url + PATH, data=content, headers=headers) as answer:
                text = await answer.text()
                return answer.status, json.loads(text) if text else None

        yield call


@pytest.fixture
async def add_message(store, keyring):
    """Put a contact in the database and give a function that adds messages to her transcript."""
    wrapped, key = keyring.new_data_key()

    def person(tx):
        tx.raw.execute(
            "INSERT INTO contacts (id, wrapped_key, key_id, created_at, seen_at) VALUES ('c1', ?, 'k', 0, 0)",
            (wrapped,),
        )

    await store.write(person)

    async def add(author, text):
        body = seal(key, "messages.body", {"text": text, "buttons": []})
        await store.write(
            lambda tx: tx.raw.execute(
                "INSERT INTO messages (contact_id, author, sealed_body, at) VALUES ('c1', ?, ?, 0)", (author, body)
            )
        )

    return add


def slots_of(body):
    return {event["name"]: event["value"] for event in body["events"] if event["event"] == "slot"}


async def test_a_turn_gives_its_texts_buttons_and_slots(ask, inbox):
    press = Press(flow="welcome", step="need", visit=1, key="talk")
    inbox.answer = Accepted(
        contact_id="c1",
        replies=(Reply("سلام"), Reply("چه کمکی؟", (Button("گفت‌وگو", press.encode()),))),
        tier="T1",
        kinds=("suicide",),
        case_code="12345",
        handed_over=True,
    )

    status, body = await ask(text="کمک", message_id="m1")

    assert status == 200
    assert [(item["text"], item["buttons"]) for item in body["responses"]] == [
        ("سلام", []),
        ("چه کمکی؟", [{"title": "گفت‌وگو", "payload": press.encode()}]),
    ]
    assert slots_of(body) == {
        "panah_seen": 0,
        "panah_tier": "T1",
        "panah_kinds": ["suicide"],
        "panah_case": "12345",
        "panah_handed_over": True,
        "panah_owed": False,
    }
    assert (inbox.accepted[0].channel, inbox.accepted[0].external_id) == ("rasa", "u1")


async def test_a_payload_that_comes_back_is_a_press_and_an_empty_message_is_unreadable(ask, inbox):
    press = Press(flow="welcome", step="need", visit=1, key="talk")

    await ask(text=press.encode(), message_id="m1")
    await ask(text="سلام", message_id="m2")
    await ask(message_id="m3")

    assert inbox.inputs == [PressInput(press), TextInput("سلام"), UnreadableInput("empty")]


async def test_the_same_message_is_taken_in_once_by_its_id_or_by_its_place(ask, inbox):
    await ask(text="سلام", message_id="m1")
    await ask(text="سلام", message_id="m1")
    await ask(text="سلام")
    await ask(text="سلام")

    assert len(inbox.accepted) == 2
    assert len({message.provider_id for message in inbox.accepted}) == 2


async def test_a_counsellors_words_come_with_the_next_turn_and_only_once(ask, inbox, add_message):
    inbox.answer = Accepted(contact_id="c1")
    await add_message("bot", "قدیمی")
    _, first = await ask(text="سلام", message_id="m1")
    await add_message("staff", "من مشاور هستم")
    await add_message("bot", "جواب همین نوبت")
    inbox.answer = replace(inbox.answer, replies=(Reply("جواب همین نوبت"),))

    _, second = await ask(text="هستید؟", message_id="m2", slots=slots_of(first))
    inbox.answer = replace(inbox.answer, replies=())
    _, third = await ask(text="؟", message_id="m3", slots=slots_of(second))

    assert [item["text"] for item in second["responses"]] == ["من مشاور هستم", "جواب همین نوبت"]
    assert third["responses"] == []


async def test_of_very_many_words_of_a_counsellor_none_is_passed_over(ask, inbox, add_message):
    inbox.answer = Accepted(contact_id="c1")
    _, body = await ask(text="سلام", message_id="m0")
    for number in range(45):
        await add_message("staff", f"پیام {number}")
    shown = []
    for turn in range(1, 4):
        _, body = await ask(text="بله", message_id=f"m{turn}", slots=slots_of(body) or {"panah_seen": 0})
        shown += [item["text"] for item in body["responses"]]

    assert shown == [f"پیام {number}" for number in range(45)]


@pytest.mark.parametrize("seen", [2**63, -(2**70), True, "9", 1.5, [1]])
async def test_a_slot_that_no_answer_of_ours_ever_set_is_a_conversation_that_saw_nothing(ask, inbox, add_message, seen):
    inbox.answer = Accepted(contact_id="c1")
    await add_message("staff", "من مشاور هستم")

    status, body = await ask(text="سلام", message_id="m1", slots={"panah_seen": seen})
    _, fresh = await ask(text="سلام", message_id="m2")

    assert (status, body["responses"]) == (200, fresh["responses"])


async def test_a_repeated_call_shows_what_its_first_answer_would_have_shown(ask, inbox, add_message):
    inbox.answer = Accepted(contact_id="c1", duplicate=True)
    await add_message("bot", "پاسخی که گم شد")

    _, body = await ask(text="سلام", message_id="m1", slots={"panah_seen": 0})

    assert [item["text"] for item in body["responses"]] == ["پاسخی که گم شد"]
    assert set(slots_of(body)) == {"panah_seen", "panah_owed"}


async def test_the_answer_of_a_turn_that_was_put_off_comes_with_the_next_one(ask, inbox, add_message):
    inbox.answer = Accepted(contact_id="c1", deferred=True)
    _, first = await ask(text="شوهرم داره منو می‌زنه", message_id="m1")
    await add_message("bot", "همین حالا 110")
    await add_message("bot", "هستم")
    inbox.answer = Accepted(contact_id="c1", replies=(Reply("هستم"),))

    _, second = await ask(text="هستید؟", message_id="m2", slots=slots_of(first))
    _, third = await ask(text="؟", message_id="m3", slots=slots_of(second))

    assert first["responses"] == []
    assert [item["text"] for item in second["responses"]] == ["همین حالا 110", "هستم"]
    assert [item["text"] for item in third["responses"]] == ["هستم"]  # said anew, nothing of before


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN + "x"])
async def test_without_the_token_nothing_is_run(ask, inbox, token):
    status, body = await ask(text="سلام", token=token)

    assert (status, body) == (401, {"error": "unauthorized"})
    assert inbox.accepted == []


@pytest.mark.parametrize(
    "body",
    [
        b"canary words",
        b"[" * 100_000,
        b'{"next_action": "action_panah_turn"}',
        b'{"next_action": 5, "tracker": {"sender_id": "canary words"}}',
        b'{"next_action": "action_panah_turn", "tracker": {"sender_id": ["canary words"]}}',
        b'{"next_action": "action_panah_turn", "tracker": {"sender_id": "\\ud800"}}',
        b'{"next_action": "action_other", "tracker": {"sender_id": "canary words"}}',
    ],
)
async def test_what_is_no_call_of_ours_is_refused_without_an_echo(ask, inbox, body):
    status, answer = await ask(body)

    assert status in {400, 404}
    assert "canary" not in str(answer)
    assert inbox.accepted == []


async def test_strange_shapes_inside_a_tracker_are_only_an_unreadable_message(ask, inbox):
    tracker = {"sender_id": "u1", "latest_message": ["x"], "slots": None, "events": {"a": 1}}

    status, _ = await ask({"next_action": "action_panah_turn", "tracker": tracker})

    assert status == 200
    assert inbox.inputs == [UnreadableInput("empty")]


async def test_a_failure_inside_does_not_answer_with_the_tracker(ask, inbox, log_lines):
    inbox.answer = "canary: no Accepted at all"

    status, body = await ask(text="canary words")

    assert (status, body) == (500, {"error": "failed"})
    assert "canary" not in str(log_lines)


async def test_a_full_inbox_is_told_as_busy(ask, inbox):
    inbox.full = True

    status, _ = await ask(text="سلام")

    assert status == 503
