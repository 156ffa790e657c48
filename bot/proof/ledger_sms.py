"""The ledger's other half: an SMS provider like Twilio, whose texts and numbers go into the same books.

A person's SMS is a signed webhook, sent once, as Twilio does; what we send is a POST of a message. People are their
numbers, as integers without the plus.
"""

import base64
import hashlib
import hmac
import itertools
from typing import Any, Protocol

import aiohttp
from aiohttp import web

ACCOUNT = "AC" + "0" * 32
SMS_TOKEN = "proof-token-of-sms"  # noqa: S105 - of this server, which exists for a minute on a loopback port
NUMBER = "+15005550006"
_DATE = "Sun, 22 Nov 2026 03:00:00 +0000"
_PATH = "/hooks/twilio/sms"
_SUSPENDED = 20005  # «account not active»: what Twilio answers when the credit is used up


class Refusal(Protocol):
    """How calls go wrong now."""

    @property
    def status(self) -> int:
        """Give the HTTP status."""
        ...


class Books(Protocol):
    """What this half writes down."""

    fails: dict[str, Any]

    def next_number(self, chat: int) -> int:
        """Number a person's message."""
        ...

    def confirm(self, number: int) -> None:
        """Note that an update was taken for good."""
        ...

    def note_said(self, chat: int, text: str, message_id: str = "") -> int:
        """Note a text that came out; give its number."""
        ...


def sid(number: int) -> str:
    """Give the provider's name of a message."""
    return f"SM{number:032x}"


def settings(api: str, base_url: str) -> dict[str, str]:
    """Give the settings of an installation that this provider serves."""
    return {
        "PANAH_TWILIO_ACCOUNT": ACCOUNT,
        "PANAH_TWILIO_TOKEN": SMS_TOKEN,
        "PANAH_TWILIO_NUMBER": NUMBER,
        "PANAH_TWILIO_API": api,
        "PANAH_BASE_URL": base_url,
    }


def add_sms_routes(router: web.UrlDispatcher, books: Books) -> None:
    """Serve the provider's API."""
    names = itertools.count(1 << 64)
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"

    async def create(request: web.Request) -> web.Response:
        fields = {name: str(value) for name, value in (await request.post()).items()}
        failure: Refusal | None = books.fails.get("sms")
        if failure is not None:
            code = _SUSPENDED if failure.status < 500 else 20500
            return web.json_response({"code": code, "message": "no", "status": failure.status}, status=failure.status)
        chat = int(fields["To"].removeprefix("+"))
        name = f"SM{next(names):032x}"
        books.note_said(chat, fields["Body"], name)
        return web.json_response(_message(fields, name), status=201)

    async def listed(_request: web.Request) -> web.Response:
        return web.json_response({"messages": [], "next_page_uri": None, "page": 0, "page_size": 1000})

    router.add_post(path, create)
    router.add_get(path, listed)


async def write_sms(books: Books, base_url: str, chat: int, text: str) -> int:
    """Have a person write an SMS; give its number in the ledger."""
    number = books.next_number(chat)
    fields = {
        "MessageSid": sid(number),
        "AccountSid": ACCOUNT,
        "From": f"+{chat}",
        "To": NUMBER,
        "Body": text,
        "NumMedia": "0",
    }
    url = base_url + _PATH
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    digest = hmac.new(SMS_TOKEN.encode(), signed.encode(), hashlib.sha1).digest()
    headers = {"X-Twilio-Signature": base64.b64encode(digest).decode()}
    async with aiohttp.ClientSession() as session, session.post(url, data=fields, headers=headers) as answer:
        if 200 <= answer.status < 300:
            books.confirm(number)
    return number


def _message(fields: dict[str, str], name: str) -> dict[str, Any]:
    return {
        "sid": name, "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": fields["Body"],
        "from": fields.get("From", NUMBER), "to": fields["To"], "direction": "outbound-api", "status": "queued",
        "num_media": "0", "num_segments": "1", "price": None, "price_unit": None, "error_code": None,
        "error_message": None, "messaging_service_sid": None, "date_created": _DATE, "date_sent": _DATE,
        "date_updated": _DATE, "subresource_uris": {}, "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{name}.json",
    }  # fmt: skip
