"""A Twilio server with a memory: phones that write and read SMS, signed webhooks, receipts, and a ledger.

    async with FakeTwilio(account=ACCOUNT, token=TOKEN, number="+15005550006") as server:
        server.reach("https://panah.example", local_url)     # where signed URLs are really to be found
        she = server.phone("+989120000001")
        await she.write("سلام")                               # POSTs the signed webhook; gives the HTTP status
        await she.hears(1)
        await server.report(sid, "delivered")                 # POSTs a signed receipt to the message's StatusCallback
        server.fail(Failure(status=400, code=21610))

Signatures are computed here by hand, so that the library's validator meets an independent signer. Requests are checked
against Twilio's own OpenAPI document (twilio_spec.json, an extract): what breaks it is in `server.problems`.
"""

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
import re
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aiohttp
from aiohttp import web
from yarl import URL

_SPEC = json.loads(Path(__file__).with_name("twilio_spec.json").read_text("utf-8"))
_DATE = "Sun, 22 Nov 2026 03:00:00 +0000"
SMS_PATH = "/hooks/twilio/sms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How one call goes wrong. `after_accept` stores the message, then breaks the connection."""

    status: int = 500
    code: int = 20500
    after_accept: bool = False


def sign(token: str, url: str, fields: dict[str, str]) -> str:
    """Sign a webhook as Twilio documents it: HMAC-SHA1 of the URL and the sorted fields, in Base64."""
    text = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def check_create(fields: dict[str, str]) -> list[str]:
    """Give every way in which a create request breaks the document."""
    known = _SPEC["create"]["fields"]
    problems = [f"create: unknown field {name}" for name in fields if name not in known]
    problems += [f"create: {name} is missing" for name in _SPEC["create"]["required"] if name not in fields]
    for name, value in fields.items():
        rule = known.get(name, {})
        wrong = (
            ("pattern" in rule and not re.search(rule["pattern"], value))
            or ("enum" in rule and value not in rule["enum"])
            or (rule.get("format") == "uri" and not re.fullmatch(r"https?://[^\s]+", value))
            or (rule.get("format") == "phone-number" and not re.fullmatch(r"\+[1-9]\d{6,14}", value))
            or (rule.get("type") in {"integer", "number"} and not value.replace(".", "", 1).isdigit())
        )
        if wrong:
            problems.append(f"create: {name} has the wrong form")
    return problems


class Phone:
    """A person's phone."""

    def __init__(self, server: "FakeTwilio", number: str) -> None:
        self.server = server
        self.number = number

    @property
    def texts(self) -> list[str]:
        """The SMS she got, oldest first."""
        return [item["body"] for item in self.server.messages.values() if item["to"] == self.number]

    async def hears(self, count: int, *, within_s: float = 8.0) -> list[str]:
        """Wait until she has got so many SMS; give them."""
        async with asyncio.timeout(within_s), self.server.changed:
            await self.server.changed.wait_for(lambda: len(self.texts) >= count)
        return self.texts

    async def write(self, body: str, *, deliver: bool = True, **fields: str) -> int:
        """Write an SMS to our number; give the webhook's HTTP status. `deliver=False`: the webhook is lost."""
        message = self.server.store(self.number, self.server.number, body, "inbound")
        content = {
            "MessageSid": message["sid"],
            "SmsMessageSid": message["sid"],
            "AccountSid": self.server.account,
            "From": self.number,
            "To": self.server.number,
            "Body": body,
            "NumMedia": "0",
            "NumSegments": "1",
            "ApiVersion": "2010-04-01",
            **fields,
        }
        return await self.server.post(self.server.public + SMS_PATH, content) if deliver else 0


@dataclass(slots=True, kw_only=True)
class FakeTwilio:
    """The server of one account and one number."""

    account: str
    token: str
    number: str
    url: str = ""
    public: str = ""
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    callbacks: dict[str, str] = field(default_factory=dict)
    calls: list[dict[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    page_most: int = 1000
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _failures: deque[Failure | None] = field(default_factory=deque)
    _places: dict[str, str] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _runner: web.AppRunner | None = None

    def phone(self, number: str) -> Phone:
        """Give a person's phone."""
        return Phone(self, number)

    def reach(self, public: str, local: str) -> None:
        """Say where the public URL is really served, as a proxy would."""
        self.public = public
        self._places[public] = local

    def fail(self, *outcomes: Failure | None) -> None:
        """Script the next creations, one after the other; None is one that goes well."""
        self._failures.extend(outcomes)

    def store(self, sender: str, to: str, body: str, direction: str) -> dict[str, Any]:
        """Remember a message under a new SID."""
        sid = f"SM{next(self._numbers):032x}"
        status = "received" if direction == "inbound" else "queued"
        values = {
            "sid": sid, "account_sid": self.account, "api_version": "2010-04-01", "body": body, "from": sender,
            "to": to, "direction": direction, "status": status, "num_media": "0", "num_segments": "1", "price": None,
            "price_unit": None, "error_code": None, "error_message": None, "messaging_service_sid": None,
            "date_created": _DATE, "date_sent": _DATE, "date_updated": _DATE, "subresource_uris": {},
            "uri": f"/2010-04-01/Accounts/{self.account}/Messages/{sid}.json",
        }  # fmt: skip
        self.problems += [f"answer: {name} is not in the document" for name in values if name not in _SPEC["message"]]
        self.messages[sid] = values
        return values

    async def report(self, sid: str, status: str, *, signature: str | None = None) -> int:
        """Tell our StatusCallback what became of a message; give the HTTP status of the answer."""
        assert status in _SPEC["statuses"], status
        fields = {
            "MessageSid": sid,
            "SmsSid": sid,
            "AccountSid": self.account,
            "MessageStatus": status,
            "From": self.number,
            "To": self.messages.get(sid, {}).get("to", ""),
            "ApiVersion": "2010-04-01",
        }
        return await self.post(self.callbacks[sid], fields, signature=signature)

    async def post(self, url: str, fields: dict[str, str], *, signature: str | None = None) -> int:
        """POST a signed form to a public URL; give the HTTP status of the answer."""
        headers = {"X-Twilio-Signature": sign(self.token, url, fields) if signature is None else signature}
        local = URL(url.replace(self.public, self._places[self.public], 1), encoded=True)  # what was signed is sent
        async with aiohttp.ClientSession() as session, session.post(local, data=fields, headers=headers) as answer:
            await answer.read()
            return answer.status

    async def __aenter__(self) -> Self:
        application = web.Application()
        path = f"/2010-04-01/Accounts/{self.account}/Messages.json"
        application.router.add_post(path, self._create)
        application.router.add_get(path, self._list)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _create(self, request: web.Request) -> web.StreamResponse:
        if not self._is_ours(request):
            return _error(401, 20003)
        fields = {name: str(value) for name, value in (await request.post()).items()}
        self.calls.append(fields)
        found = check_create(fields)
        self.problems += found
        failure = self._failures.popleft() if self._failures else None
        if found:
            return _error(400, 21602)
        if failure is not None and not failure.after_accept:
            return _error(failure.status, failure.code)
        if fields.get("From") != self.number:
            return _error(400, 21606)
        message = self.store(fields["From"], fields["To"], fields["Body"], "outbound-api")
        if "StatusCallback" in fields:
            self.callbacks[message["sid"]] = fields["StatusCallback"]
        async with self.changed:
            self.changed.notify_all()
        if failure is not None and request.transport is not None:
            request.transport.abort()
        return web.json_response(message, status=201)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if not self._is_ours(request):
            return _error(401, 20003)
        known = {*_SPEC["list"]["fields"]}
        self.problems += [f"list: unknown field {name}" for name in request.query if name not in known]
        to = request.query.get("To")
        found = [item for item in reversed(self.messages.values()) if to in {None, item["to"]}]
        page, size = int(request.query.get("Page", "0")), self.page_most
        more = request.rel_url.update_query({"Page": str(page + 1)})
        return web.json_response(
            {
                "messages": found[page * size : (page + 1) * size],
                "next_page_uri": str(more) if len(found) > (page + 1) * size else None,
                "page": page,
                "page_size": size,
            }
        )

    def _is_ours(self, request: web.Request) -> bool:
        wanted = base64.b64encode(f"{self.account}:{self.token}".encode()).decode()
        return request.headers.get("Authorization") == f"Basic {wanted}"


def _error(status: int, code: int) -> web.Response:
    text = {
        "code": code,
        "message": "refused",
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return web.json_response(text, status=status)
