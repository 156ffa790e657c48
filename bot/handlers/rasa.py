"""Panah as a custom action of a Rasa assistant: `action_panah_turn` runs a turn and returns texts, buttons and slots.

rasa-sdk's executor runs inside our server, behind our token: its own server listens on all addresses, checks nobody
and answers an error with the tracker, so with what was written. Rasa asks, we cannot push: the slot `panah_seen`
remembers how far a conversation has been shown, so that a counsellor's words come along with the next turn, and
`panah_owed` that the last turn was put off, so that its answer does.
Slots to declare in the domain: panah_tier, panah_kinds, panah_case, panah_handed_over, panah_seen, panah_owed.
"""

import hashlib
import json
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import orjson
from rasa_sdk import Action, Tracker  # type: ignore[import-untyped]
from rasa_sdk.events import SlotSet  # type: ignore[import-untyped]
from rasa_sdk.executor import ActionExecutor, CollectingDispatcher  # type: ignore[import-untyped]
from rasa_sdk.interfaces import ActionNotFoundException  # type: ignore[import-untyped]
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.core.channels import Sent
from bot.core.messages import (
    Button,
    InboundMsg,
    Input,
    Mode,
    OutboundMsg,
    Press,
    PressInput,
    UnreadableInput,
    text_input,
)
from bot.handlers.hooks import Door, come_back, read_body, same_secret
from bot.inbox import Accepted, NotStoredError, Reply
from bot.store.crypto import Keyring, UnreadableError
from bot.store.tx import Tx
from bot.store.vault import contact_key, unseal

PATH = "/rasa/webhook"

#: A tracker carries the whole conversation.
_BODY_BYTES_MAX = 8 * 1024 * 1024
_SENDER_CHARS_MAX = 255
_SHOWN_MAX = 20

#: In one question, for it is asked in every turn: first the newest number, then what is to be shown.
_UNSEEN = text(
    "SELECT 0 AS id, coalesce(max(id), 0) AS newest, NULL AS sealed_body FROM messages WHERE contact_id = :contact"
    " UNION ALL SELECT * FROM (SELECT id, 0, sealed_body FROM messages WHERE contact_id = :contact AND id > :after"
    " AND (author = 'staff' OR (author = 'bot' AND 1 = :bot_too)) AND hidden_at IS NULL ORDER BY id LIMIT :most) AS m"
)


class RasaChannel:
    """The channel «rasa»: nothing can be pushed; what is due is shown with the next turn."""

    name = "rasa"
    mode: Mode = "rich"

    async def send(self, message: OutboundMsg) -> Sent:
        """Leave it to the next turn, which reads the transcript."""
        return Sent(provider_message_id=message.key)

    async def delete(self, external_id: str, provider_message_ids: tuple[str, ...]) -> int:  # noqa: ARG002 - the contract
        """Nothing shown by another program can be taken back."""
        return 0

    async def close(self) -> None:
        """Hold nothing, let go of nothing."""


class PanahTurn(Action):  # type: ignore[misc]
    """The action that a Rasa domain names `action_panah_turn`."""

    def __init__(self, door: Door, keyring: Keyring) -> None:
        self._door = door
        self._keyring = keyring

    def name(self) -> str:
        """Give the name the domain uses."""
        return "action_panah_turn"

    async def run(
        self,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        domain: dict[str, Any],  # noqa: ARG002 - rasa-sdk's contract
    ) -> list[dict[str, Any]]:
        """Take the newest message in, show what there is to show, give the slots."""
        accepted = await self._door.inbox.accept(self._inbound(tracker))
        after = _row_id(tracker.slots.get("panah_seen"))
        fresh = not accepted.duplicate and not accepted.deferred
        owed = tracker.slots.get("panah_owed") is True
        # asked of the writer, who has the pages at hand: a reader would fetch them anew after each commit
        newest, missed = await self._door.store.write(
            lambda tx: self._unseen(tx, accepted.contact_id, after, bot_too=owed or not fresh)
        )
        said_now = {reply.text for reply in accepted.replies}  # in the transcript already
        for reply in (*(one for one in missed if one.text not in said_now), *accepted.replies):
            buttons = [{"title": button.label, "payload": button.data} for button in reply.buttons]
            dispatcher.utter_message(text=reply.text, buttons=buttons)
        slots = {"panah_seen": newest, "panah_owed": accepted.deferred, **(_slots(accepted) if fresh else {})}
        return [SlotSet(name, value) for name, value in slots.items()]

    def _inbound(self, tracker: Tracker) -> InboundMsg:
        message = tracker.latest_message
        known = message.get("message_id")
        parts = (tracker.sender_id, known if isinstance(known, str) and known else _place(tracker, message))
        return InboundMsg(
            channel="rasa",
            external_id=tracker.sender_id,
            provider_id=hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest(),
            input=_input(message.get("text")),
            received_at=self._door.clock.now(),
        )

    def _unseen(self, tx: Tx, contact_id: str, after: int | None, *, bot_too: bool) -> tuple[int, Sequence[Reply]]:
        """Give the newest message's number, and what Rasa has not been given: all, or only a counsellor's words."""
        asked = {"contact": contact_id, "after": after, "bot_too": int(bot_too), "most": _SHOWN_MAX}
        first, *rows = sorted(tx.execute(_UNSEEN, asked), key=itemgetter(0))
        newest: int = first.newest
        if not rows:
            return newest, ()
        if len(rows) == _SHOWN_MAX:
            newest = rows[-1].id  # the others come with her next turn
        try:
            key = contact_key(tx.connection, self._keyring, contact_id)
            bodies = [unseal(key, "messages.body", row.sealed_body) for row in rows] if key else []
        except UnreadableError:
            return newest, ()
        return newest, [
            Reply(body["text"], tuple(Button(item["label"], item["data"]) for item in body.get("buttons", ())))
            for body in bodies
        ]


def _row_id(slot: object) -> int | None:
    """Read the number of a message from a slot; None for what no database could have given."""
    return slot if isinstance(slot, int) and not isinstance(slot, bool) and abs(slot) < 2**63 else None


def _place(tracker: Tracker, message: dict[str, Any]) -> str:
    """Name a message that has no id by where it stands in the conversation."""
    said = sum(isinstance(event, dict) and event.get("event") == "user" for event in tracker.events)
    return f"{said}|{message.get('text')}"


def _input(text: object) -> Input:
    """A pressed button comes back as its payload."""
    if not isinstance(text, str) or not text.strip():
        return UnreadableInput("empty")
    press = Press.decode(text)
    if press is not None:
        return PressInput(press)
    clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")
    return text_input(clean)


def _slots(accepted: Accepted) -> dict[str, Any]:
    return {
        "panah_tier": accepted.tier,
        "panah_kinds": list(accepted.kinds),
        "panah_case": accepted.case_code or None,
        "panah_handed_over": accepted.handed_over,
    }


def rasa_routes(door: Door, keyring: Keyring, *, token: str) -> list[Route]:
    """Give POST /rasa/webhook: rasa-sdk's protocol behind `Authorization: Bearer <token>`.

    In Rasa's endpoints.yml: `action_endpoint: {url: …/rasa/webhook, headers: {Authorization: Bearer …}}`.
    """
    executor = ActionExecutor()
    executor.register_action(PanahTurn(door, keyring))

    async def run(request: Request) -> Response:
        if not same_secret(request.headers.get("authorization"), f"Bearer {token}" if token else ""):
            return JSONResponse({"error": "unauthorized"}, status_code=401)
        body = await read_body(request, most=_BODY_BYTES_MAX)
        if body is None:
            return JSONResponse({"error": "too large"}, status_code=413)
        call = _read_call(body)
        return await _answer(executor, call, door) if call else JSONResponse({"error": "not a call"}, status_code=400)

    return [Route(PATH, run, methods=["POST"])]


async def _answer(executor: ActionExecutor, call: dict[str, Any], door: Door) -> Response:
    try:
        result = await executor.run(call)
    except ActionNotFoundException:
        return JSONResponse({"error": "no such action", "action_name": ""}, status_code=404)
    except NotStoredError:
        return come_back()
    except Exception as error:  # noqa: BLE001 - whatever it was, the answer must not carry the tracker
        door.log.error("rasa_failed", channel="rasa", error=type(error).__name__)
        return JSONResponse({"error": "failed"}, status_code=500)
    return Response(orjson.dumps(result.model_dump() if result else {}), media_type="application/json")


def _read_json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:  # NaN and half a letter, which Rasa may send
        return json.loads(body, parse_constant=lambda _: None)


def _read_call(body: bytes) -> dict[str, Any] | None:
    """Read an action call; None for anything that is not one. The domain is not used, so it may be missing."""
    try:
        call = _read_json(body)
    except (ValueError, RecursionError):
        return None
    tracker = call.get("tracker") if isinstance(call, dict) else None
    if not isinstance(tracker, dict) or not isinstance(call.get("next_action"), str):
        return None
    sender = tracker.get("sender_id")
    if not isinstance(sender, str) or not 0 < len(sender) <= _SENDER_CHARS_MAX or not sender.isprintable():
        return None
    shapes: dict[str, type] = {"latest_message": dict, "slots": dict, "events": list}
    for name, shape in shapes.items():
        if not isinstance(tracker.get(name), shape):
            tracker[name] = shape()
    return {"next_action": call["next_action"], "sender_id": sender, "tracker": tracker, "domain": {"actions": []}}
