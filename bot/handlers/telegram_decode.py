"""Telegram's update JSON, as one arrival each; Bale's too. Pure: aiogram is not needed to read.

Whatever stands in the bytes, reading them never raises: a person's message that cannot be understood becomes an
UnreadableInput of that person, and what no person of ours sent (groups, channels, receipts) is an arrival for nobody,
so that its update is confirmed and cannot block those behind it.
"""

import hashlib
import json
import math
import re
from datetime import UTC, datetime
from typing import Any, cast

import orjson

from bot.core.messages import (
    ContactInput,
    InboundMsg,
    Input,
    LocationInput,
    MediaInput,
    MediaKind,
    Press,
    PressInput,
    TextInput,
    UnreadableInput,
    text_input,
)
from bot.core.values import value

#: The part of an update that is kept as it came.
RAW_BYTES_KEPT = 256 * 1024
_DEPTH_MAX = 32
_ID_DIGITS_MAX = 15
#: No provider keeps updates so long: a date further away says nothing.
_DATE_WITHIN_S = 7 * 86_400

#: What an update may carry; also what we ask the provider for.
ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")

_MEDIA: dict[str, MediaKind] = {
    "voice": "voice",
    "audio": "voice",
    "photo": "photo",
    "live_photo": "photo",
    "sticker": "sticker",
    "video": "video",
    "video_note": "video",
    "animation": "video",
    "document": "document",
}
#: The app speaks of itself here, nobody wrote anything: an answer would puzzle, or give her away.
_SERVICE = frozenset({
    "message_auto_delete_timer_changed", "pinned_message", "new_chat_members", "left_chat_member", "new_chat_title",
    "new_chat_photo", "delete_chat_photo", "group_chat_created", "write_access_allowed", "chat_background_set",
    "connected_website", "users_shared", "chat_shared", "boost_added", "forum_topic_created", "forum_topic_edited",
})  # fmt: skip

_UPDATE_ID = re.compile(rb'"update_id"[ \t\r\n]{0,8}:[ \t\r\n]{0,8}(\d{1,15})(?!\d)')
_PERSON_ID = re.compile(rb'"(?:chat|from)"\s{0,8}:\s{0,8}\{\s{0,8}"id"\s{0,8}:\s{0,8}([1-9]\d{0,14})(?!\d)')
#: A string (its end may be missing) or a bracket: enough to find where one update of a batch ends.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


@value(kw_only=True)
class Arrival:
    """One update: the message to accept, and the press the provider waits to hear about.

    `for_nobody` says that no person is to be answered; the external id is then empty. `update_id` is the provider's
    number of this update, when it could be read: the poller confirms by it.
    """

    message: InboundMsg
    update_id: int | None = None
    callback_id: str = ""

    @property
    def for_nobody(self) -> bool:
        """True when no person of ours sent this."""
        return not self.message.external_id


@value()
class _Found:
    person: str
    input: Input
    callback_id: str = ""


_NOBODY = _Found("", UnreadableInput("not_for_us"))


def decode_update(raw: bytes, *, channel: str, received_at: datetime, bot_id: str = "") -> Arrival:
    """Read one update. Never raises; one update is always one arrival.

    Each bot counts its updates by itself, so the number is unique only behind `bot_id`, the public part of its token:
    under a new token an old number is somebody else's words. Without a bot («») the number stands alone.
    """
    update = _parse(raw)
    found = _find(update) if update is not None else _salvage(raw)
    number = _integer(update.get("update_id")) if update is not None else _salvaged_number(raw)
    name = str(number) if number is not None else f"junk-{hashlib.sha256(raw).hexdigest()[:32]}"
    message = InboundMsg(
        channel=channel,
        external_id=found.person,
        provider_id=f"{bot_id}:{name}" if bot_id else name,
        input=found.input,
        received_at=received_at,
        raw=raw[:RAW_BYTES_KEPT],
        sent_at=_date(update, received_at) if update is not None and found.person else None,
    )
    return Arrival(message=message, update_id=number, callback_id=found.callback_id)


def written_id(raw: bytes) -> str:
    """Give the number of the message that she wrote, from its update's bytes; empty for a press and what is no update."""
    update = _parse(raw)
    if update is None:
        return ""
    number = _integer((_part(update, "edited_message") or _part(update, "message")).get("message_id"))
    return "" if number is None else str(number)


def _date(update: dict[str, Any], received_at: datetime) -> datetime | None:
    """Give when the words were written; a press has no date of its own, its message's is that of our question."""
    seconds = _integer(_part(update, "edited_message").get("edit_date") or _part(update, "message").get("date"))
    if seconds is None or abs(received_at.timestamp() - seconds) > _DATE_WITHIN_S:
        return None
    return datetime.fromtimestamp(seconds, tz=UTC)


def split_batch(body: bytes) -> list[bytes]:
    """Give the bytes of each update in a getUpdates answer, exactly as they stand there, in order.

    Needs no JSON parser, so that one monstrous update does not lose the others; an update that is cut off at the end
    is given as far as it goes.
    """
    start = re.search(rb'"result"\s{0,8}:\s{0,8}\[', body)
    if start is None:
        return []
    items: list[bytes] = []
    depth = 0
    begun = start.end()
    for token in _TOKEN.finditer(body, start.end()):
        mark = token.group()
        if mark in (b"{", b"["):
            if depth == 0:
                begun = token.start()
            depth += 1
        elif mark in (b"}", b"]"):
            depth -= 1
            if depth < 0:
                return items
            if depth == 0:
                items.append(body[begun : token.end()])
    return [*items, body[begun:]] if depth > 0 else items


def _parse(raw: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        value = _parse_odd(raw)
    if not isinstance(value, dict):
        return None
    can_be_deep = raw.count(b"{") + raw.count(b"[") > _DEPTH_MAX
    return None if can_be_deep and _is_too_deep(value) else value


def _parse_odd(raw: bytes) -> object:
    """Read what is no strict JSON but what a person may have caused: lone surrogates, NaN."""
    try:
        return json.loads(raw, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None


def _is_too_deep(value: object) -> bool:
    level: list[object] = [value]
    for _ in range(_DEPTH_MAX):
        level = [
            part
            for item in level
            if isinstance(item, dict | list)
            for part in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True


def _salvage(raw: bytes) -> _Found:
    """Find who wrote in bytes that are no proper JSON."""
    person = _PERSON_ID.search(raw[:RAW_BYTES_KEPT])
    return _Found(person.group(1).decode("ascii") if person else "", UnreadableInput("broken"))


def _salvaged_number(raw: bytes) -> int | None:
    number = _UPDATE_ID.search(raw[:RAW_BYTES_KEPT])
    return int(number.group(1)) if number else None


def _find(update: dict[str, Any]) -> _Found:
    if "message" in update:
        return _from_message(update["message"], edited=False)
    if "edited_message" in update:
        return _from_message(update["edited_message"], edited=True)
    if "callback_query" in update:
        return _from_press(update["callback_query"])
    return _NOBODY


def _from_message(message: object, *, edited: bool) -> _Found:
    if not isinstance(message, dict):
        return _NOBODY
    person = _private_person(message)
    if not person or not _SERVICE.isdisjoint(message):
        return _NOBODY
    content = _content(message)
    if edited and not isinstance(content, TextInput):
        return _NOBODY  # a live location moves, a caption is taken away: no new words to answer
    return _Found(person, content)


def _private_person(message: dict[str, Any]) -> str:
    chat = message.get("chat")
    if isinstance(chat, dict) and chat.get("type", "private") == "private":
        return _person_id(chat.get("id"))
    return "" if isinstance(chat, dict) else _person_id(_part(message, "from").get("id"))


def _content(message: dict[str, Any]) -> Input:
    """Words first: a caption says more than the picture over it."""
    for name in ("text", "caption"):
        text = message.get(name)
        if isinstance(text, str) and text.strip():
            return _text(text)
    for name, kind in _MEDIA.items():
        if message.get(name):
            return MediaInput(kind)
    if "location" in message:
        return _location(_part(message, "location"))
    if "contact" in message:
        return _contact(_part(message, "contact"), _part(message, "from"))
    return UnreadableInput("unknown_kind")


def _text(raw: str) -> TextInput:
    """Join surrogate halves and replace lone ones, or the text could never be encoded again; NUL says nothing."""
    try:
        raw.encode()
    except UnicodeEncodeError:
        raw = raw.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text_input(raw.replace("\0", ""))


def _location(place: dict[str, Any]) -> Input:
    lat, lon = _degrees(place.get("latitude"), 90.0), _degrees(place.get("longitude"), 180.0)
    return LocationInput(lat, lon) if lat is not None and lon is not None else UnreadableInput("bad_location")


def _degrees(value: object, most: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > most:
        return None
    return float(value) if math.isfinite(value) else None


def _contact(card: dict[str, Any], sender: dict[str, Any]) -> Input:
    """Her own number; somebody else's card is a document like any other."""
    if card.get("user_id", sender.get("id")) != sender.get("id"):
        return MediaInput("document")
    digits = re.sub(r"[\s()+-]", "", str(card.get("phone_number", ""))[:40])
    if not (digits.isascii() and digits.isdecimal() and 8 <= len(digits) <= 15):
        return UnreadableInput("bad_contact")
    return ContactInput(f"+98{digits[1:]}" if digits.startswith("09") else f"+{digits}")


def _from_press(query: object) -> _Found:
    if not isinstance(query, dict):
        return _NOBODY
    callback_id = query.get("id")
    answer = callback_id if isinstance(callback_id, str) and len(callback_id) <= 64 else ""
    chat = _part(_part(query, "message"), "chat")
    if chat.get("type", "private") != "private":
        return _Found("", UnreadableInput("not_for_us"), answer)
    person = _person_id(chat.get("id")) or _person_id(_part(query, "from").get("id"))
    data = query.get("data")
    press = Press.decode(data) if isinstance(data, str) else None
    return _Found(person, PressInput(press) if press else UnreadableInput("stale"), answer)


def _part(value: dict[str, Any], name: str) -> dict[str, Any]:
    part = value.get(name)
    return cast("dict[str, Any]", part) if isinstance(part, dict) else {}


def _person_id(value: object) -> str:
    """A person's chat id is positive; groups and channels are negative."""
    number = _integer(value)
    return str(number) if number else ""


def _integer(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**_ID_DIGITS_MAX:
        return None
    return value
