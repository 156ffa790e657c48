"""SMS by Twilio: signed webhooks in, texts of at most two parts out, receipts that only move forward.

Twilio never repeats a webhook that failed; twilio_catchup asks for what is missing. twilio's logger would write URLs with numbers in them; it is held at WARNING.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote

import aiohttp
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from twilio.base.exceptions import TwilioException, TwilioRestException  # type: ignore[import-untyped]
from twilio.http.async_http_client import AsyncTwilioHttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response as TwilioResponse  # type: ignore[import-untyped]
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from bot.core.channels import SendError, SendErrorCode, Sent
from bot.core.clock import Clock
from bot.core.fault import fault
from bot.core.messages import (
    InboundMsg,
    Input,
    MediaInput,
    MediaKind,
    Mode,
    OutboundMsg,
    UnreadableInput,
    text_input,
)
from bot.handlers.hooks import Door, come_back, keep_for_nobody, read_body, stored
from bot.handlers.pace import Pace
from bot.handlers.receipts import apply_receipt
from bot.handlers.sms import fit, pages
from bot.inbox import NotStoredError

SMS_PATH = "/hooks/twilio/sms"
STATUS_PATH = "/hooks/twilio/status"

_API = "https://api.twilio.com"
_TIMEOUT_S = 15.0
#: A counsellor's words are not cut as a script's would be: they go on in a next SMS.
_LIVE_PAGES_MAX = 4
_CATCH_UP_MOST = 1000
_FIELDS_MAX = 100
#: Ten times what Twilio sends. Fields are decoded before the signature can be checked: a stranger's must not be many.
_BODY_BYTES_MAX = 256 * 1024

_PERSON = re.compile(r"\+[1-9]\d{6,14}")
_SID = re.compile(r"(?:SM|MM)[0-9a-fA-F]{32}")
_EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'

#: Source: twilio.com/docs/api/errors, read 2026-11. (code, retryable, ours)
_ERRORS: dict[int, tuple[SendErrorCode, bool, bool]] = {
    20003: ("not_configured", True, True),  # authentication
    20429: ("throttled", True, False),
    21211: ("no_such_address", False, False),
    21214: ("no_such_address", False, False),
    21217: ("no_such_address", False, False),
    21612: ("no_such_address", False, False),
    21614: ("no_such_address", False, False),  # not a mobile number
    21610: ("blocked_by_contact", False, False),  # she wrote STOP
    21606: ("not_configured", True, True),  # our number cannot send
    21603: ("not_configured", True, True),
    21659: ("not_configured", True, True),
    21408: ("not_configured", True, True),  # the country is not enabled
}
_STATUSES: dict[int, tuple[SendErrorCode, bool, bool]] = {
    401: ("not_configured", True, True),
    403: ("not_configured", True, True),
    404: ("not_configured", True, True),
    429: ("throttled", True, False),
}
_UNAVAILABLE: tuple[SendErrorCode, bool, bool] = ("unavailable", True, False)
_REJECTED: tuple[SendErrorCode, bool, bool] = ("rejected", False, True)
_BAD_RESPONSE: tuple[SendErrorCode, bool, bool] = ("bad_response", True, False)
_MEDIA: dict[str, MediaKind] = {"image": "photo", "audio": "voice", "video": "video"}

logging.getLogger("twilio").setLevel(logging.WARNING)


class _Rebased(AsyncTwilioHttpClient):  # type: ignore[misc]
    """The client's transport with another base: a national proxy, or a fake in tests."""

    def __init__(self, api: str) -> None:
        super().__init__(timeout=_TIMEOUT_S)
        self._api = api.rstrip("/")

    async def request(
        self, method: str, url: str, *args: Any, auth: tuple[str, str] | None = None, **kwargs: Any
    ) -> TwilioResponse:
        """Send one request, and forget it: the parent keeps the last one, text and number included.

        The account goes as a header, since aiohttp is giving up the `auth` that the parent would pass.
        """
        if auth is not None:
            kwargs["headers"] = {**(kwargs.get("headers") or {}), "Authorization": aiohttp.encode_basic_auth(*auth)}
        try:
            answer: TwilioResponse = await super().request(method, url.replace(_API, self._api, 1), *args, **kwargs)
            return answer
        finally:
            self._test_only_last_request = self._test_only_last_response = None


class Twilio:
    """The channel «sms» by one Twilio number."""

    name = "sms"
    mode: Mode = "sms"

    def __init__(self, *, account: str, token: str, number: str, api: str, base_url: str, clock: Clock) -> None:
        self.number = number
        self.base_url = base_url.rstrip("/")
        self.validator = RequestValidator(token)
        self._account = account
        self._token = token
        self._api = api
        self.pace = Pace(clock, per_s=10.0)
        self._client: Client | None = None

    async def send(self, message: OutboundMsg) -> Sent:
        """Send one text; a script's is cut to two parts, a counsellor's goes on in a next SMS.

        Raises:
            SendError: it was not accepted.
        """
        if not _PERSON.fullmatch(message.external_id):
            raise SendError("no_such_address", retryable=False)
        texts = pages(message.text, _LIVE_PAGES_MAX) if message.kind == "live" else [fit(message.text)]
        sids: list[str] = []
        for text in texts:
            await self.pace.wait(urgent=message.urgent)
            try:
                sids.append(await self._send_one(message, text))
            except SendError:
                if sids:  # its beginning is out: a retry would say it twice
                    break
                raise
        return Sent(provider_message_id=",".join(sids))

    async def delete(self, external_id: str, provider_message_ids: tuple[str, ...]) -> int:  # noqa: ARG002 - the protocol's
        """Nothing can be taken back from a phone's SMS store."""
        return 0

    async def close(self) -> None:
        """Let go of connections."""
        if self._client is not None:
            await self._client.http_client.close()
            self._client = None

    async def arrived_since(self, since: datetime, now: datetime) -> list[InboundMsg]:
        """Give what Twilio says has arrived at our number since a moment, oldest first.

        Raises:
            SendError: the list could not be read.
        """
        found = await _translated(
            self._open().messages.list_async(to=self.number, date_sent_after=since, limit=_CATCH_UP_MOST)
        )
        arrived = [
            replace(
                _inbound(
                    {"From": item.from_, "Body": item.body, "MessageSid": item.sid, "NumMedia": item.num_media},
                    b"",
                    now,
                ),
                sent_at=_utc(item.date_sent),
            )
            for item in reversed(found)
            if item.direction == "inbound"
        ]
        return [message for message in arrived if message.external_id]

    def _open(self) -> Client:
        if self._client is None:  # its session belongs to a running loop
            self._client = Client(self._account, self._token, http_client=_Rebased(self._api))
        return self._client

    async def _send_one(self, message: OutboundMsg, text: str) -> str:
        wanted: dict[str, Any] = {"to": message.external_id, "from_": self.number, "body": text}
        if self.base_url:
            wanted["status_callback"] = f"{self.base_url}{STATUS_PATH}?key={quote(message.key, safe='')}"
        try:
            sent = await _translated(self._open().messages.create_async(**wanted))
        except SendError as error:
            if error.code == "throttled":
                self.pace.hold(error.retry_after_s or 1.0)
            raise
        return str(sent.sid)


async def _translated(call: Any) -> Any:
    """Await a call of the client; what it raises quotes numbers and URLs, so only our word for it is kept."""
    try:
        return await call
    except TwilioRestException as error:
        failed = _rest_error(error)
    except TimeoutError:
        failed = SendError("timeout", retryable=True)
    except (aiohttp.ClientError, OSError):
        failed = SendError("unavailable", retryable=True)
    except TwilioException as error:  # a page of a list that was refused carries its answer beside the sentence
        status = getattr(error.args[1], "status_code", 0) if len(error.args) > 1 else 0
        failed = _send_error(_STATUSES.get(status, _BAD_RESPONSE))
    except (ValueError, KeyError):
        failed = _send_error(_BAD_RESPONSE)
    raise failed


def _rest_error(error: TwilioRestException) -> SendError:
    otherwise = _UNAVAILABLE if error.status >= 500 else _REJECTED
    return _send_error(_ERRORS.get(error.code or 0) or _STATUSES.get(error.status) or otherwise)


def _send_error(found: tuple[SendErrorCode, bool, bool]) -> SendError:
    code, retryable, ours = found
    return SendError(code, retryable=retryable, ours=ours, retry_after_s=1.0 if code == "throttled" else None)


def _inbound(fields: Mapping[str, Any], raw: bytes, now: datetime) -> InboundMsg:
    sender = str(fields.get("From") or "")
    sid = str(fields.get("MessageSid") or "")
    return InboundMsg(
        channel="sms",
        external_id=sender if _PERSON.fullmatch(sender) and _SID.fullmatch(sid) else "",
        provider_id=sid[:64] or "none",
        input=_input(fields),
        received_at=now,
        raw=raw,
    )


def _utc(date: object) -> datetime | None:
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


def twilio_routes(channel: Twilio, door: Door) -> list[Route]:
    """Give the webhooks: POST /hooks/twilio/sms for arrivals, POST /hooks/twilio/status for receipts."""

    async def receive(request: Request) -> Response:
        body = await read_body(request, most=_BODY_BYTES_MAX)
        if body is None:
            return Response(status_code=413)
        fault("W1")
        fields = _signed_fields(channel, request, body)
        if fields is None:
            return Response(status_code=403)
        fault("W2")
        message = _inbound(fields, body, door.clock.now())
        try:
            if message.external_id:
                await door.inbox.accept(message)
            else:  # a company's name or a short code: no person to answer
                await keep_for_nobody(door, [message])
        except NotStoredError:
            return come_back()
        fault("W4")
        return Response(_EMPTY_TWIML, media_type="text/xml")

    async def status(request: Request) -> Response:
        body = await read_body(request, most=_BODY_BYTES_MAX)
        if body is None:
            return Response(status_code=413)
        fields = _signed_fields(channel, request, body)
        if fields is None:
            return Response(status_code=403)
        key, sid = request.query_params.get("key", ""), fields.get("MessageSid", "")
        word = fields.get("MessageStatus", "")
        now_ms = door.now_ms()
        try:
            await stored(
                door, lambda tx: apply_receipt(tx, key=key, provider_message_id=sid, status=word, now_ms=now_ms)
            )
        except NotStoredError:
            return come_back()
        door.bus.publish("outbox", "cases")
        return Response(status_code=204)

    return [Route(SMS_PATH, receive, methods=["POST"]), Route(STATUS_PATH, status, methods=["POST"])]


def _signed_fields(channel: Twilio, request: Request, body: bytes) -> dict[str, str] | None:
    """Give the form's fields when Twilio signed them for the URL as it knows us; None otherwise."""
    signature = request.headers.get("x-twilio-signature", "")
    query = f"?{request.url.query}" if request.url.query else ""
    if not signature.isascii() or not channel.base_url:
        return None
    try:
        fields = dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_FIELDS_MAX))
        genuine = channel.validator.validate(f"{channel.base_url}{request.url.path}{query}", fields, signature)
    except ValueError:  # no UTF-8, a thousand fields, a lone surrogate
        return None
    return fields if genuine else None
