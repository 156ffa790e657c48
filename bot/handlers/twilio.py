"""SMS by Twilio: signed webhooks in, texts of at most two parts out, receipts that only move forward.

Twilio never repeats a webhook that failed; twilio_catchup asks for what is missing.
"""

from collections import OrderedDict
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from bot.core.channels import SendError, Sent
from bot.core.clock import Clock
from bot.core.fault import fault
from bot.core.messages import InboundMsg, Mode, OutboundMsg
from bot.handlers.hooks import Door, come_back, keep_for_nobody, read_body, stored
from bot.handlers.pace import Pace
from bot.handlers.receipts import apply_receipt
from bot.handlers.sms import fit, pages
from bot.handlers.twilio_client import open_client, translated
from bot.handlers.twilio_decode import PERSON, inbound, utc
from bot.inbox import NotStoredError

SMS_PATH = "/hooks/twilio/sms"
STATUS_PATH = "/hooks/twilio/status"

#: A counsellor's words, answer or not, are not cut as a script's would be: they go on in a next SMS. The longest text
#: that the desk takes (4096 letters) fits: the end of an address is never lost without a word.
_COUNSELLORS = "live:"
_PAGES_MAX = 64
_HALF_SENT_MAX = 1000
#: Twilio's largest page, and how many arrivals one look keeps in memory at most: two days of a busy office.
_PAGE = 1000
_CATCH_UP_MOST = 20_000
_FIELDS_MAX = 100
#: Ten times what Twilio sends. Fields are decoded before the signature can be checked: a stranger's must not be many.
_BODY_BYTES_MAX = 256 * 1024

_EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


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
        self._half_sent: OrderedDict[str, list[str]] = OrderedDict()
        self.catch_up_most = _CATCH_UP_MOST

    async def send(self, message: OutboundMsg) -> Sent:
        """Send one text; a script's is cut to two parts, a counsellor's goes on in a next SMS.

        A retry of a counsellor's text that broke off half-way goes on where it stopped, as long as this process lives.

        Raises:
            SendError: it was not accepted.
        """
        if not PERSON.fullmatch(message.external_id):
            raise SendError("no_such_address", retryable=False)
        if not message.key.startswith(_COUNSELLORS):
            await self.pace.wait(urgent=message.urgent)
            return Sent(provider_message_id=await self._send_one(message, fit(message.text)))
        texts = pages(message.text, _PAGES_MAX)
        sids = self._half_sent.setdefault(message.key, [])
        while len(self._half_sent) > _HALF_SENT_MAX:
            self._half_sent.popitem(last=False)
        for text in texts[len(sids) :]:
            await self.pace.wait(urgent=message.urgent)
            sids.append(await self._send_one(message, text))
        self._half_sent.pop(message.key, None)
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
        """Give what Twilio says has arrived at our number since a moment, oldest first; the newest `catch_up_most`.

        All of its pages are read: a page that is known says nothing of those before it, when webhooks came back late.

        Raises:
            SendError: the list could not be read.
        """
        found: list[InboundMsg] = await translated(self._listed(since, now))
        return found[::-1]

    async def _listed(self, since: datetime, now: datetime) -> list[InboundMsg]:
        found: list[InboundMsg] = []
        pages = await self._open().messages.stream_async(to=self.number, date_sent_after=since, page_size=_PAGE)
        async for item in pages:
            fields = {"From": item.from_, "Body": item.body, "MessageSid": item.sid, "NumMedia": item.num_media}
            message = replace(inbound(fields, b"", now), sent_at=utc(item.date_sent))
            if item.direction == "inbound" and message.external_id:
                found.append(message)
            if len(found) >= self.catch_up_most:
                break
        return found

    def _open(self) -> Client:
        if self._client is None:  # its session belongs to a running loop
            self._client = open_client(self._account, self._token, self._api)
        return self._client

    async def _send_one(self, message: OutboundMsg, text: str) -> str:
        wanted: dict[str, Any] = {"to": message.external_id, "from_": self.number, "body": text}
        if self.base_url:
            wanted["status_callback"] = f"{self.base_url}{STATUS_PATH}?key={quote(message.key, safe='')}"
        try:
            sent = await translated(self._open().messages.create_async(**wanted))
        except SendError as error:
            if error.code == "throttled":
                self.pace.hold(error.retry_after_s or 1.0)
            raise
        return str(sent.sid)


def twilio_routes(channel: Twilio, door: Door) -> list[Route]:
    """Give the webhooks: POST /hooks/twilio/sms for arrivals, POST /hooks/twilio/status for receipts."""
    return [
        Route(SMS_PATH, partial(_receive, channel, door), methods=["POST"]),
        Route(STATUS_PATH, partial(_status, channel, door), methods=["POST"]),
    ]


async def _receive(channel: Twilio, door: Door, request: Request) -> Response:
    body = await read_body(request, most=_BODY_BYTES_MAX)
    if body is None:
        return Response(status_code=413)
    fault("W1")
    fields = _signed_fields(channel, request, body)
    if fields is None:
        return Response(status_code=403)
    fault("W2")
    message = inbound(fields, body, door.clock.now())
    try:
        if message.external_id:
            await door.inbox.accept(message)
        else:  # a company's name or a short code: no person to answer
            await keep_for_nobody(door, [message])
    except NotStoredError:
        return come_back()
    fault("W4")
    return Response(_EMPTY_TWIML, media_type="text/xml")


async def _status(channel: Twilio, door: Door, request: Request) -> Response:
    body = await read_body(request, most=_BODY_BYTES_MAX)
    if body is None:
        return Response(status_code=413)
    fields = _signed_fields(channel, request, body)
    if fields is None:
        return Response(status_code=403)
    key, sid = request.query_params.get("key", ""), fields.get("MessageSid", "")
    word, now_ms = fields.get("MessageStatus", ""), door.now_ms()
    try:
        await stored(door, lambda tx: apply_receipt(tx, key=key, provider_message_id=sid, status=word, now_ms=now_ms))
    except NotStoredError:
        return come_back()
    door.bus.publish("outbox", "cases")
    return Response(status_code=204)


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
