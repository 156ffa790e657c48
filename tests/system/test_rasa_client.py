"""A Rasa server that calls the running product as its action server, in rasa-sdk's own protocol."""

import aiohttp
import pytest
import pytest_asyncio
from system.desk import Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "rasa-token"
CRY = "شوهرم داره منو می‌زنه"


class Rasa:
    """One conversation of a Rasa assistant: a tracker that grows with each turn, as Rasa's does."""

    def __init__(self, session, url, sender):
        self._session = session
        self._url = f"{url}/rasa/webhook"
        self._sender = sender
        self.slots = dict.fromkeys(("panah_tier", "panah_kinds", "panah_case", "panah_handed_over", "panah_seen"))
        self._events = [{"event": "action", "timestamp": 1.0, "name": "action_session_start", "confidence": 1.0}]

    async def say(self, text, token=TOKEN):
        """Run `action_panah_turn` on a text; give the HTTP status and the responses."""
        number = f"m{len(self._events)}"
        message = {
            "intent": {"name": "tell", "confidence": 0.9},
            "entities": [],
            "text": text,
            "message_id": number,
            "metadata": {},
        }
        events = [*self._events, {"event": "user", "timestamp": 2.0, "text": text, "message_id": number}]
        call = {
            "next_action": "action_panah_turn",
            "sender_id": self._sender,
            "tracker": {
                "sender_id": self._sender,
                "slots": self.slots,
                "latest_message": message,
                "latest_event_time": 2.0,
                "followup_action": None,
                "paused": False,
                "events": events,
                "latest_input_channel": "rest",
                "active_loop": {},
                "latest_action": {"action_name": "action_listen"},
                "latest_action_name": "action_listen",
            },
            "domain": {"slots": {}, "actions": ["action_panah_turn"], "responses": {}},
            "version": "3.6.20",
        }
        headers = {"Authorization": f"Bearer {token}"}
        async with self._session.post(self._url, json=call, headers=headers) as answer:
            if answer.status != 200:
                return answer.status, await answer.text()
            body = await answer.json()
        self._events = events
        assert {"slot"} == {event["event"] for event in body["events"]}
        self.slots |= {event["name"]: event["value"] for event in body["events"]}
        return 200, body["responses"]


@pytest.fixture(scope="module")
def panah(install):
    return install(PANAH_RASA_TOKEN=TOKEN)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session(panah):
    async with aiohttp.ClientSession() as opened:
        yield opened


async def test_turns_give_texts_buttons_and_slots_and_a_counsellors_words_come_along(panah, session, rows):
    talk = Rasa(session, panah.web, "visitor-1")
    _, greeting = await talk.say("سلام")
    button = next(item for item in greeting if item["buttons"])["buttons"][0]
    assert set(button) == {"title", "payload"}
    _, pressed = await talk.say(button["payload"])
    assert any(item["text"] for item in pressed)
    assert talk.slots["panah_tier"] is None
    _, danger = await talk.say(CRY)

    assert any("110" in item["text"] and "123" in item["text"] for item in danger)
    assert talk.slots["panah_tier"] == "T1"
    assert "spouse_abuse" in talk.slots["panah_kinds"]
    assert [(talk.slots["panah_case"], "T1")] == rows(panah, "SELECT code, tier FROM cases")
    async with Desk(panah) as mina:
        await mina.open_account()
        case_id = await mina.take()
        await mina.write(case_id, "سلام، مینا هستم.", "a" * 32)
        _, answer = await talk.say("هستید؟")
        assert [item["text"] for item in answer] == ["سلام، مینا هستم."]
        assert talk.slots["panah_handed_over"] is True
        assert "هستید؟" in await mina.read(case_id)


async def test_a_wrong_token_runs_nothing(panah, session, rows):
    before = rows(panah, "SELECT count(*) FROM inbox")

    assert await Rasa(session, panah.web, "visitor-2").say(CRY, token="guess") == (401, '{"error":"unauthorized"}')

    assert before == rows(panah, "SELECT count(*) FROM inbox")
