"""What is fuzzed, part one: the ways in. Each decoder with sound examples, and what a good outcome of it is.

Twilio's and Rasa's go through their real routes, with a signature or token that fits; they are left out where their
extra is not installed.
"""

import asyncio
import contextlib
import json
import logging
import weakref
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote_from_bytes, urlencode

from starlette.routing import Route

from bot.beats import Beats
from bot.bus import InProcessBus
from bot.core.clock import VirtualClock
from bot.core.messages import TEXT_CHARS_MAX, InboundMsg, TextInput
from bot.handlers.hooks import Door
from bot.handlers.receipts import WORDS, apply_receipt
from bot.handlers.sms import PARTS_MAX, fit, pages, parts
from bot.handlers.telegram_decode import RAW_BYTES_KEPT, decode_update, split_batch
from bot.inbox import Accepted
from bot.inbox_codec import input_from_json, input_kind, input_to_json
from bot.proof.fuzz import Target
from bot.proof.fuzz_seeds import Mutator
from bot.store.crypto import ephemeral_keyring
from bot.store.database import Store
from bot.telemetry import configure
from bot.web import forms

_NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_ID_CHARS_MAX = 300
_HER: dict[str, Any] = {"id": 77, "is_bot": False, "first_name": "س", "language_code": "fa"}
_CHAT: dict[str, Any] = {"id": 77, "type": "private", "first_name": "س"}
_MESSAGE: dict[str, Any] = {"message_id": 5, "from": _HER, "chat": _CHAT, "date": 1763800000}

#: Updates as Telegram and Bale send them.
UPDATES: tuple[dict[str, Any], ...] = (
    {"update_id": 1, "message": {**_MESSAGE, "text": "میخوام خودمو بکشم"}},
    {"update_id": 2, "message": {**_MESSAGE, "text": "/start", "entities": [{"type": "bot_command", "offset": 0}]}},
    {"update_id": 3, "edited_message": {**_MESSAGE, "text": "کمک", "edit_date": 1763800009}},
    {"update_id": 4, "message": {**_MESSAGE, "voice": {"file_id": "x", "duration": 3}, "caption": "گوش کن"}},
    {"update_id": 5, "message": {**_MESSAGE, "location": {"latitude": 35.7, "longitude": 51.4}}},
    {"update_id": 6, "message": {**_MESSAGE, "contact": {"phone_number": "+989121112233", "user_id": 77}}},
    {
        "update_id": 7,
        "callback_query": {
            "id": "9", "from": _HER, "data": "v1:welcome:1:yes", "message": {**_MESSAGE, "text": "؟"}, "chat_instance": "1",
        },
    },
    {"update_id": 8, "my_chat_member": {"chat": _CHAT, "from": _HER, "date": 1763800000}},
    {"update_id": 9, "message": {**_MESSAGE, "chat": {"id": -100, "type": "group"}, "text": "سلام"}},
    {"update_id": 10, "message": {**_MESSAGE, "photo": [{"file_id": "a"}, {"file_id": "b"}], "media_group_id": "g"}},
)  # fmt: skip
_SMS: tuple[dict[str, str], ...] = (
    {"From": "+989121112233", "To": "+100", "Body": "کمک میخوام", "MessageSid": "SM" + "a" * 32, "NumMedia": "0"},
    {
        "From": "+14155550100",
        "Body": "",
        "MessageSid": "MM" + "0" * 32,
        "NumMedia": "1",
        "MediaContentType0": "image/png",
    },
    {"From": "SHOP", "Body": "STOP", "MessageSid": "SM" + "b" * 32, "SmsStatus": "received"},
)
_FORM: tuple[dict[str, str], ...] = (
    {"t": "سلام", "n": "abcdefgh12", "a": "4"},
    {"p": "v1:welcome:1:yes", "n": "abcdefgh13", "a": "9"},
    {"w": "گل یاس", "n": "x"},
    {"p": "start"},
)
_CALL: dict[str, Any] = {
    "next_action": "action_panah_turn",
    "sender_id": "u1",
    "tracker": {
        "sender_id": "u1",
        "latest_message": {"text": "کمک", "message_id": "m1", "intent": {"name": "nlu_fallback", "confidence": 0.3}},
        "slots": {"panah_seen": 3, "panah_tier": None},
        "events": [{"event": "user", "text": "سلام", "timestamp": 1.5}, {"event": "action", "name": "action_listen"}],
        "paused": False,
    },
    "domain": {"intents": []},
}


def channel_targets() -> list[Target]:
    """Give the decoders of every way in that can be installed here."""
    found = [
        Target(name="telegram", make=lambda by: by.json(UPDATES), read=_read_update("telegram")),
        Target(name="bale", make=lambda by: by.json(UPDATES), read=_read_update("bale"), short=500),
        Target(name="updates", make=_make_batch, read=_read_batch, short=500),
        Target(name="webchat", make=lambda by: _make_form(by, _FORM), read=_read_form),
        Target(name="sms-text", make=lambda by: by.text()[: 2 * TEXT_CHARS_MAX], read=_read_sms, short=300),
        Target(name="stored", make=_make_stored, read=_read_stored, short=500),
        _receipts(),
    ]
    for build in (_twilio_target, _rasa_target):
        with contextlib.suppress(ImportError):  # its extra is not installed
            found.append(build())
    return found


def judge(message: InboundMsg) -> None:
    """Say whether a decoded message can be stored, named and read back as it is."""
    assert len(message.provider_id) <= _ID_CHARS_MAX, "a long provider id"
    assert len(message.external_id) <= _ID_CHARS_MAX, "a long address"
    f"{message.provider_id}{message.external_id}".encode()
    content = input_to_json(message.input)
    stored = json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
    assert input_from_json(input_kind(message.input), json.loads(stored)) == message.input, "not read back"
    if isinstance(message.input, TextInput):
        assert len(message.input.text) <= TEXT_CHARS_MAX, "a long text"
        assert "\0" not in message.input.text, "NUL in a text"


def _read_update(channel: str) -> Callable[[bytes], None]:
    def read(raw: bytes) -> None:
        arrival = decode_update(raw, channel=channel, received_at=_NOW, bot_id="1")
        assert len(arrival.message.raw) <= RAW_BYTES_KEPT, "too much raw"
        assert arrival.for_nobody or arrival.message.external_id.isdecimal(), "no person's id"
        assert len(arrival.callback_id) <= 64, "a long callback id"
        judge(arrival.message)

    return read


def _make_batch(by: Mutator) -> bytes:
    updates = b",".join(by.json(UPDATES) for _ in range(by.rng.randrange(5)))
    whole = b'{"ok":true,"result":[' + updates + b"]}"
    return by.bytes(whole) if by.rng.random() < 0.5 else whole


def _read_batch(body: bytes) -> None:
    for item in split_batch(body):
        assert item in body, "bytes that were not there"


def _make_form(by: Mutator, examples: Sequence[dict[str, str]]) -> bytes:
    fields = dict(by.rng.choice(examples))
    for name in list(fields):
        if by.rng.random() < 0.4:
            fields[name] = by.text()
    raw = "&".join(f"{key}={quote_from_bytes(fields[key].encode('utf-8', 'surrogatepass'))}" for key in fields).encode()
    return by.bytes(raw) if by.rng.random() < 0.5 else raw


def _read_form(body: bytes) -> None:
    form = forms.read_form(body)
    assert len(form.message_id) <= 64, "a long id"
    received = forms.form_input(form)
    if received is not None:
        name = forms.provider_id("a", form, form.message_id)
        judge(InboundMsg(channel="web", external_id="a", provider_id=name, input=received, received_at=_NOW))


def _read_sms(text: str) -> None:
    assert parts(fit(text)) <= PARTS_MAX, "too long for an SMS"
    assert all(parts(page) <= PARTS_MAX for page in pages(text, 4)), "a page too long"


def _make_stored(by: Mutator) -> tuple[str, Any]:
    kind = by.rng.choice(
        ("text", "press", "media", "location", "contact", "silence", "not_taken", "follow_up", "held", "")
    )
    raw = by.json(
        ({"text": "a", "rest": "b"}, {"press": "v1:a:1:b"}, {"location": [1.0, 2.0]}, {"visit": 3}, {"flow": "a"})
    )
    try:
        return kind or "text", json.loads(raw)
    except (ValueError, RecursionError):
        return kind or "text", {}


def _read_stored(given: tuple[str, Any]) -> None:
    kind, content = given
    input_from_json(kind, content if isinstance(content, dict) else {})


def _receipts() -> Target:
    """Receipts may be late, doubled, out of order or forged: whatever comes, a row's receipt never goes back."""
    store = _store()
    address = "INSERT INTO outbox (key, contact_id, address_id, channel, kind, state, created_at, due_at, expires_at,"
    store.connection.exec_driver_sql(
        f"{address} provider_message_id) VALUES ('1.1', 'c', 'a', 'sms', 'reply', 'sent', 0, 0, 0, 'SM1,SM2')"
    )
    order = (None, "sent", "failed", "delivered", "read")

    def make(by: Mutator) -> tuple[str, str, str]:
        key, sid = by.rng.choice(("1.1", by.text()[:200])), by.rng.choice(("SM1", "SM2", by.text()[:200]))
        return key, sid, by.rng.choice((*WORDS, by.text()[:200]))

    def read(given: tuple[str, str, str]) -> None:
        key, sid, status = (part.encode("utf-8", "replace").decode() for part in given)  # as the form's reader does
        before = store.connection.exec_driver_sql("SELECT receipt FROM outbox").scalar()
        store.write_now(lambda tx: apply_receipt(tx, key=key, provider_message_id=sid, status=status, now_ms=1))
        after = store.connection.exec_driver_sql("SELECT receipt FROM outbox").scalar()
        assert order.index(after) >= order.index(before), "a receipt went back"

    return Target(name="receipts", make=make, read=read, short=500)


class _Collector:
    """Stands where the inbox stands and judges what comes."""

    async def accept(self, message: InboundMsg) -> Accepted:
        judge(message)
        return Accepted(contact_id="c")

    async def accept_batch(self, messages: Sequence[InboundMsg]) -> list[Accepted]:
        return [await self.accept(message) for message in messages]


def _door(store: Store) -> Door:
    logging.disable(logging.CRITICAL)  # a decoder's complaint about each of a million inputs
    clock = VirtualClock(_NOW)
    return Door(inbox=_Collector(), store=store, clock=clock, log=configure(), bus=InProcessBus(), beats=Beats(clock))


def _twilio_target() -> Target:
    from bot.handlers.twilio import SMS_PATH, Twilio, twilio_routes  # noqa: PLC0415 - an extra

    base = "https://sms.example"
    channel = Twilio(account="AC1", token="t", number="+100", base_url=base, api=base, clock=VirtualClock(_NOW))  # noqa: S106
    send = _sender(twilio_routes(channel, _door(_store())), SMS_PATH)

    def make(by: Mutator) -> tuple[bytes, dict[str, str]]:
        body = _make_sms(by)
        try:
            fields = dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=100))
            signature = channel.validator.compute_signature(f"{base}{SMS_PATH}", fields)
        except ValueError:  # Twilio would never sign it
            signature = "none"
        return body, {"x-twilio-signature": signature}

    return Target(name="twilio", make=make, read=lambda given: send(*given), short=400)


def _make_sms(by: Mutator) -> bytes:
    fields = dict(by.rng.choice(_SMS))
    for name in list(fields):
        if by.rng.random() < 0.3:
            fields[name] = by.text().encode("utf-8", "replace").decode()
    raw = urlencode(fields).encode()
    return by.bytes(raw) if by.rng.random() < 0.3 else raw


def _rasa_target() -> Target:
    from bot.handlers.rasa import PATH, rasa_routes  # noqa: PLC0415 - an extra

    send = _sender(rasa_routes(_door(_store()), ephemeral_keyring(), token="t"), PATH)  # noqa: S106
    return Target(
        name="rasa",
        make=lambda by: by.json([_CALL]),
        read=lambda body: send(body, {"authorization": "Bearer t"}),
        short=400,
    )


def _store() -> Store:
    from bot.store import migrate  # noqa: PLC0415 - only where a route wants a database

    store = Store(None, threaded=False)
    migrate.upgrade(store.connection)
    return store


def _sender(routes: Sequence[Route], path: str) -> Callable[[bytes, dict[str, str]], None]:
    """Give a function that posts to a route and raises AssertionError when the answer blames us."""
    route = next(route for route in routes if route.path == path)
    loop = asyncio.new_event_loop()

    def send(body: bytes, headers: dict[str, str]) -> None:
        scope = {
            "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "root_path": "", "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()], "http_version": "1.1",
        }  # fmt: skip
        statuses: list[int] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def answer(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        loop.run_until_complete(route.app(scope, receive, answer))
        assert statuses, "no answer"
        assert statuses[0] < 500, "an answer that blames us"

    weakref.finalize(send, loop.close)
    return send
