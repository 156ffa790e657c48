"""A small Telegram-like server whose ledger is the truth: what was handed out, what was confirmed, what was said.

    async with Ledger() as ledger:
        number = ledger.say(1001, "سلام")      # reaches the bot by getUpdates or its webhook
        ledger.fails["sendMessage"] = Failure(status=503)

An update stays until a higher offset or a 2xx of the webhook confirms it. Nothing here reads a table of Panah.
"""

import asyncio
import contextlib
import json
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp
from aiohttp import web

from bot.proof.ledger_sms import add_sms_routes

TOKEN = "424242:proof-of-panah"  # noqa: S105 - of this server, which exists for a minute on a loopback port
_POLL_S = 2.0
_WEBHOOK_TIMEOUT_S = 15.0
_WEBHOOK_AGAIN_S = 0.05
#: How long an answer waits, so that a client that hung up before is seen to have gone.
_LOOK_S = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How calls of one method go wrong until it is taken away.

    `accepts`: the call has its effect all the same (a 5xx or a cut after the effect). `cut`: the connection breaks
    instead of an answer. `garbage`: the answer is no JSON.
    """

    status: int = 500
    retry_after_s: int | None = None
    accepts: bool = False
    cut: bool = False
    garbage: bool = False
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One text that came out."""

    chat: int
    text: str
    message_id: str  #: what the provider answered
    at: float  #: monotonic


@dataclass(slots=True)
class Ledger:
    """The server of one bot, and all it has seen."""

    url: str = ""
    handed: Counter[int] = field(default_factory=Counter)  #: how often each update was given out
    confirmed: dict[int, float] = field(default_factory=dict)  #: when each update was confirmed to us
    wrote: dict[int, int] = field(default_factory=dict)  #: update -> chat
    said: list[Said] = field(default_factory=list)
    deleted: set[int] = field(default_factory=set)
    fails: dict[str, Failure] = field(default_factory=dict)
    unheard: set[str] = field(default_factory=set)  #: texts that came out although whoever asked for them had gone
    early_calls: int = 0  #: calls during a wait that a 429 had asked for
    doubles_updates: bool = False  #: every update is given out twice, as a provider may
    _heard: dict[int, list[Said]] = field(default_factory=dict)
    _pending: deque[tuple[int, str]] = field(default_factory=deque)
    _hook: dict[str, Any] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _number: int = 0
    _quiet_until: float = 0.0
    _runner: web.AppRunner | None = None
    _deliverer: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=2**22)
        application.router.add_route("*", "/bot{token}/{method}", self._call)
        add_sms_routes(application.router, self)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._deliverer = asyncio.create_task(self._deliver())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._deliverer is not None:
            self._deliverer.cancel()
            await asyncio.gather(self._deliverer, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rsplit(":", 1)[1])

    def say(self, chat: int, text: str) -> int:
        """A person writes; give the number of the update."""
        number = self.next_number(chat)
        person = {"id": chat, "type": "private", "first_name": "x"}
        message = {
            "message_id": number,
            "from": {"id": chat, "is_bot": False, "first_name": "x"},
            "chat": person,
            "date": int(time.time()),
            "text": text,
        }
        raw = json.dumps({"update_id": number, "message": message}, ensure_ascii=False)
        self._pending.append((number, raw))
        if self.doubles_updates:
            self._pending.append((number, raw))
        self._changed.set()
        return number

    def next_number(self, chat: int) -> int:
        """Number a person's message."""
        self._number += 1
        self.wrote[self._number] = chat
        return self._number

    def confirm(self, number: int) -> None:
        """Note that an update was taken for good."""
        self.confirmed.setdefault(number, time.monotonic())

    def note_said(self, chat: int, text: str, message_id: str = "") -> int:
        """Note a text that came out; give its number, which is its name unless it has another."""
        number = len(self.said) + 1
        made = Said(chat=chat, text=text, message_id=message_id or str(number), at=time.monotonic())
        self.said.append(made)
        self._heard.setdefault(chat, []).append(made)
        return number

    def heard(self, chat: int) -> list[Said]:
        """Give what one person was told, oldest first."""
        return self._heard.get(chat, [])

    async def _call(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["token"] != TOKEN:
            return _no(401, "Unauthorized")
        method = request.match_info["method"]
        if time.monotonic() < self._quiet_until and method == "sendMessage":
            self.early_calls += 1
        failure = self.fails.get(method) or self.fails.get("*")
        given = await _parameters(request)
        if failure is None:
            return await self._to_the_end(request, method, given)
        if failure.delay_s:
            await asyncio.sleep(failure.delay_s)
        answer = await self._carry_out(method, given) if failure.accepts else None
        return self._fail(request, failure, answer)

    async def _to_the_end(self, request: web.Request, method: str, given: dict[str, Any]) -> web.Response:
        """Carry out a call; note when nobody was there any more to hear of it (a time-out of the client, its stop)."""
        before = len(self.said)
        answer = await self._carry_out(method, given)
        if method == "sendMessage":
            made = [said.message_id for said in self.said[before:]]
            await asyncio.sleep(_LOOK_S)  # what the client did meanwhile is heard by the loop, not by this line
            if request.transport is None or request.transport.is_closing():
                self.unheard.update(made)
        return answer

    def _fail(self, request: web.Request, failure: Failure, answer: web.StreamResponse | None) -> web.StreamResponse:
        if failure.cut:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        if failure.garbage:
            return web.Response(text='{"ok":tru', content_type="application/json")
        if failure.delay_s and answer is not None:
            return answer
        if failure.retry_after_s is not None:
            self._quiet_until = max(self._quiet_until, time.monotonic() + failure.retry_after_s)
        return _no(failure.status, "it does not work today", failure.retry_after_s)

    async def _carry_out(self, method: str, given: dict[str, Any]) -> web.Response:
        match method:
            case "getUpdates":
                return await self._get_updates(given)
            case "sendMessage":
                return self._send(given)
            case "deleteMessage" | "deleteMessages":
                self.deleted.update(given.get("message_ids", [given.get("message_id", 0)]))
            case "setWebhook":
                self._hook = dict(given)
                self._changed.set()
            case "deleteWebhook":
                self._hook = {}
            case "getWebhookInfo":
                found = {"url": self._hook.get("url", ""), "has_custom_certificate": False}
                return _yes({**found, "pending_update_count": len(self._pending)})
            case "getMe":
                return _yes({"id": int(TOKEN.split(":", 1)[0]), "is_bot": True, "first_name": "p", "username": "p_bot"})
            case "answerCallbackQuery":
                pass
            case _:
                return _no(404, "Not Found")
        return _yes(result=True)

    async def _get_updates(self, given: dict[str, Any]) -> web.Response:
        offset = int(given.get("offset", 0))
        while self._pending and self._pending[0][0] < offset:
            self.confirm(self._pending.popleft()[0])
        if not self._pending:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), min(float(given.get("timeout", 0)), _POLL_S))
        batch = list(self._pending)[: int(given.get("limit", 100))]
        self.handed.update(number for number, _ in batch)
        text = f'{{"ok":true,"result":[{",".join(raw for _, raw in batch)}]}}'
        return web.Response(text=text, content_type="application/json")

    def _send(self, given: dict[str, Any]) -> web.Response:
        chat, text = int(given["chat_id"]), str(given["text"])
        number = self.note_said(chat, text)
        person = {"id": chat, "type": "private", "first_name": "x"}
        return _yes({"message_id": number, "date": int(time.time()), "chat": person, "text": text})

    async def _deliver(self) -> None:
        """Push to the webhook, one after the other; anything but 2xx comes again."""
        timeout = aiohttp.ClientTimeout(total=_WEBHOOK_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                if not (self._pending and self._hook.get("url")):
                    self._changed.clear()
                    await self._changed.wait()
                    continue
                number, raw = self._pending[0]
                if await self._push(session, raw):
                    self.confirm(number)
                    self._pending.popleft()
                else:
                    await asyncio.sleep(_WEBHOOK_AGAIN_S)
                self.handed[number] += 1

    async def _push(self, session: aiohttp.ClientSession, raw: str) -> bool:
        headers = {"Content-Type": "application/json"}
        if self._hook.get("secret_token"):
            headers["X-Telegram-Bot-Api-Secret-Token"] = str(self._hook["secret_token"])
        try:
            async with session.post(str(self._hook["url"]), data=raw.encode(), headers=headers) as answer:
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False


async def _parameters(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        given: dict[str, Any] = await request.json()
        return given
    found = {
        **request.query,
        **{name: value for name, value in (await request.post()).items() if isinstance(value, str)},
    }
    if "message_ids" in found:
        found["message_ids"] = json.loads(found["message_ids"])
    return found


def _yes(result: object) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _no(status: int, description: str, retry_after_s: int | None = None) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    if retry_after_s is not None:
        body["parameters"] = {"retry_after": retry_after_s}
    return web.json_response(body, status=status)
