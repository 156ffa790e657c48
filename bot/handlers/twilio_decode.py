"""What Twilio says has arrived, as an InboundMsg: the fields of a webhook, or of an item of its list."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot.core.messages import InboundMsg, Input, MediaInput, MediaKind, UnreadableInput, text_input

PERSON = re.compile(r"\+[1-9]\d{6,14}")
_SID = re.compile(r"(?:SM|MM)[0-9a-fA-F]{32}")
_MEDIA: dict[str, MediaKind] = {"image": "photo", "audio": "voice", "video": "video"}


def inbound(fields: Mapping[str, Any], raw: bytes, now: datetime) -> InboundMsg:
    """Give the message; its `external_id` is empty when no person sent it (a company's name, a short code)."""
    sender = str(fields.get("From") or "")
    sid = str(fields.get("MessageSid") or "")
    return InboundMsg(
        channel="sms",
        external_id=sender if PERSON.fullmatch(sender) and _SID.fullmatch(sid) else "",
        provider_id=sid[:64] or "none",
        input=_input(fields),
        received_at=now,
        raw=raw,
    )


def utc(date: object) -> datetime | None:
    """Give a date of the list as an aware one; Twilio speaks UTC."""
    if not isinstance(date, datetime):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _input(fields: Mapping[str, Any]) -> Input:
    text = str(fields.get("Body") or "").replace("\0", "")
    if text.strip():
        return text_input(text)
    if str(fields.get("NumMedia") or "0") not in {"", "0"}:
        return MediaInput(_MEDIA.get(str(fields.get("MediaContentType0") or "").split("/")[0], "document"))
    return UnreadableInput("empty")
