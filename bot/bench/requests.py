"""How a message of the dialogue looks on the wire, by the way it comes: whole HTTP requests, made before the load."""

import json
from collections.abc import Callable

Shape = Callable[[bytes], bytes]


def _request(path: str, headers: dict[str, str], body: bytes) -> bytes:
    head = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*head, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode() + body


def telegram(path: str, headers: dict[str, str]) -> Shape:
    """Give the webhook call of an update."""
    return lambda raw: _request(path, headers, raw)


def rasa_body(contact: int, text: str, number: int) -> bytes:
    """Give the action call of one message."""
    sender = f"bench-{contact}"
    tracker = {
        "sender_id": sender,
        "latest_message": {"text": text, "message_id": f"m{number}"},
        "slots": {},
        "events": [],
    }
    call = {"next_action": "action_panah_turn", "sender_id": sender, "tracker": tracker}
    return json.dumps(call, ensure_ascii=False).encode()


def rasa(path: str, headers: dict[str, str]) -> Shape:
    """Give the action call of an update's text."""

    def shape(raw: bytes) -> bytes:
        found = json.loads(raw)
        message = found["message"]
        return _request(path, headers, rasa_body(message["chat"]["id"], message["text"], found["update_id"]))

    return shape


SHAPES: dict[str, Callable[[str, dict[str, str]], Shape]] = {"telegram": telegram, "rasa": rasa}
