"""A Telegram Bot API server with a memory: bots, people who write to them, and a ledger of every call.

    async with FakeTelegram("111:secret") as server:
        bot = server.bot("111:secret")
        she = bot.user(42)
        she.say("سلام")                       # reaches the bot by getUpdates or its webhook
        await she.hears(1)                    # waits for the bot's answers
        she.press("بله")                      # presses a button of the newest message that has it
        bot.fail("sendMessage", Failure(status=429, retry_after=1))

Updates stay until getUpdates names a higher offset or the webhook answers 2xx, as at Telegram. Every request is checked
against the document (bot_api_spec); whatever breaks it is in `bot.problems` and answered with 400. Bale is the same
server (`bale=True`): Markdown in a text is a problem, secrets of webhooks are not sent back.
"""

import asyncio
import itertools
import json
import time
from typing import Any, Self

import aiohttp
from aiohttp import web
from fakes.bot_api_spec import read_request
from fakes.telegram_state import BLOCKED, Call, Failure, FakeBot, Said

_UNITS_MAX = 4096
_DATA_BYTES_MAX = 64


class RefusedError(Exception):
    """The server says no."""

    def __init__(self, status: int, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.description = description


class FakeTelegram:
    """The server. Tokens that were not given are refused with 401."""

    def __init__(self, *tokens: str, bale: bool = False, webhook_retry_s: float = 0.05) -> None:
        self.bots = {token: FakeBot(token, bale=bale) for token in tokens}
        self.url = ""
        self.unknown_tokens = 0
        self._webhook_retry_s = webhook_retry_s
        self._methods = {
            "getMe": self._get_me,
            "getUpdates": self._get_updates,
            "sendMessage": self._send_message,
            "editMessageText": self._edit_text,
            "editMessageReplyMarkup": self._edit_markup,
            "answerCallbackQuery": self._answer,
            "deleteMessage": self._delete_one,
            "deleteMessages": self._delete_many,
            "setWebhook": self._set_webhook,
            "deleteWebhook": self._delete_webhook,
            "getWebhookInfo": self._webhook_info,
        }

    def bot(self, token: str) -> FakeBot:
        """Give one bot's side."""
        return self.bots[token]

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=2**24)
        application.router.add_route("*", "/bot{token}/{method}", self._call)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._hooks = [asyncio.create_task(self._deliver(bot)) for bot in self.bots.values()]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._hooks:
            task.cancel()
        await asyncio.gather(*self._hooks, return_exceptions=True)
        await self._runner.cleanup()

    async def _call(self, request: web.Request) -> web.StreamResponse:
        bot = self.bots.get(request.match_info["token"])
        if bot is None:
            self.unknown_tokens += 1
            return _no(401, "Unauthorized")
        method = request.match_info["method"]
        given = await _parameters(request)
        parameters, problems = read_request(method, given)
        bot.problems += problems
        if bot.quiet_until > time.monotonic() and method != "getUpdates":
            bot.early_calls += 1
        failure = bot.next_failure(method, parameters.get("chat_id"))
        try:
            if problems:
                return self._note(bot, method, parameters, _no(400, f"Bad Request: {problems[0]}"))
            if failure is not None and not failure.after_accept and not failure.odd_result:
                return self._note(bot, method, parameters, _fail(bot, failure))
            result = await self._methods[method](bot, parameters)
        except RefusedError as error:
            return self._note(bot, method, parameters, _no(error.status, error.description))
        odd = failure.odd_result if failure is not None else ""
        answer = self._note(bot, method, parameters, _yes(odd or result))
        if failure is not None and failure.after_accept and request.transport is not None:
            request.transport.abort()
        return answer

    def _note(
        self, bot: FakeBot, method: str, parameters: dict[str, Any], answer: web.StreamResponse
    ) -> web.StreamResponse:
        bot.calls.append(Call(method=method, parameters=parameters, status=answer.status, at=time.monotonic()))
        bot.tell()
        return answer

    async def _get_me(self, bot: FakeBot, _: dict[str, Any]) -> str:
        return json.dumps({**bot.me(), "can_join_groups": False, "can_read_all_group_messages": False})

    async def _get_updates(self, bot: FakeBot, given: dict[str, Any]) -> str:
        if bot.webhook.get("url"):
            raise RefusedError(409, "Conflict: can't use getUpdates method while webhook is active")
        bot.polls += 1
        turn = bot.polls
        while bot.pending and bot.pending[0][0] < given.get("offset", 0):
            bot.pending.popleft()
        async with bot.changed:
            bot.changed.notify_all()
            try:
                async with asyncio.timeout(min(given.get("timeout", 0), 25)):
                    await bot.changed.wait_for(lambda: bot.pending or bot.polls != turn)
            except TimeoutError:
                pass
        if bot.polls != turn:
            raise RefusedError(409, "Conflict: terminated by other getUpdates request")
        return f"[{','.join(text for _, text in itertools.islice(bot.pending, given.get('limit', 100)))}]"

    async def _send_message(self, bot: FakeBot, given: dict[str, Any]) -> str:
        chat_id = int(given["chat_id"])
        if chat_id not in bot.users:
            raise RefusedError(400, "Bad Request: chat not found")
        if bot.users[chat_id].blocked:
            raise RefusedError(BLOCKED.status, BLOCKED.description)
        number = next(bot.numbers)
        bot.said[number] = Said(
            message_id=number,
            chat_id=chat_id,
            text=_checked_text(bot, given["text"]),
            buttons=_buttons(bot, given.get("reply_markup")),
            options={key: value for key, value in given.items() if key not in {"chat_id", "text", "reply_markup"}},
        )
        return _message(bot, bot.said[number])

    async def _edit_text(self, bot: FakeBot, given: dict[str, Any]) -> str:
        said = _own(bot, given)
        before = (said.text, said.buttons)
        said.text = _checked_text(bot, given["text"])
        said.buttons = _buttons(bot, given.get("reply_markup"))
        if before == (said.text, said.buttons):
            raise RefusedError(400, "Bad Request: message is not modified")
        return _message(bot, said)

    async def _edit_markup(self, bot: FakeBot, given: dict[str, Any]) -> str:
        said = _own(bot, given)
        said.buttons = _buttons(bot, given.get("reply_markup"))
        return _message(bot, said)

    async def _answer(self, bot: FakeBot, given: dict[str, Any]) -> str:
        if given["callback_query_id"] not in bot.presses:
            raise RefusedError(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        bot.answered.append(given["callback_query_id"])
        return "true"

    async def _delete_one(self, bot: FakeBot, given: dict[str, Any]) -> str:
        _own(bot, given).deleted = True
        return "true"

    async def _delete_many(self, bot: FakeBot, given: dict[str, Any]) -> str:
        if not 1 <= len(given["message_ids"]) <= 100:
            raise RefusedError(400, "Bad Request: wrong number of messages to delete specified")
        for number in given["message_ids"]:
            if number in bot.said:
                bot.said[number].deleted = True
            bot.user(given["chat_id"]).wrote.pop(number, None)  # in a private chat a bot may delete what people wrote
        return "true"

    async def _set_webhook(self, bot: FakeBot, given: dict[str, Any]) -> str:
        bot.webhook = dict(given)
        if bot.bale and set(given) - {"url"}:
            bot.problems.append("setWebhook: Bale takes a url only")
        return "true"

    async def _delete_webhook(self, bot: FakeBot, _: dict[str, Any]) -> str:
        bot.webhook = {}
        return "true"

    async def _webhook_info(self, bot: FakeBot, _: dict[str, Any]) -> str:
        waiting = len(bot.pending)
        url = bot.webhook.get("url", "")
        return json.dumps({"url": url, "has_custom_certificate": False, "pending_update_count": waiting})

    async def _deliver(self, bot: FakeBot) -> None:
        """Push to the webhook one after the other; anything but 2xx comes again, Retry-After is obeyed (capped)."""
        async with aiohttp.ClientSession() as session:
            while True:
                async with bot.changed:
                    await bot.changed.wait_for(lambda: bot.pending and bot.webhook.get("url"))
                number, text = bot.pending[0]
                headers = {"Content-Type": "application/json"}
                if bot.webhook.get("secret_token") and not bot.bale:
                    headers["X-Telegram-Bot-Api-Secret-Token"] = bot.webhook["secret_token"]
                try:
                    url = bot.webhook["url"]
                    async with session.post(url, data=text.encode("utf-8", "surrogatepass"), headers=headers) as answer:
                        status = answer.status
                except aiohttp.ClientError:
                    status = 0
                bot.delivered.append((number, status))
                if 200 <= status < 300:
                    bot.pending.popleft()
                    bot.tell()
                else:
                    await asyncio.sleep(self._webhook_retry_s)


async def _parameters(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        return await request.json()
    return {**request.query, **dict((await request.post()).items())}


def _yes(result: str) -> web.Response:
    return web.Response(text=f'{{"ok":true,"result":{result}}}', content_type="application/json")


def _no(status: int, description: str, retry_after: int | None = None) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    if retry_after is not None:
        body["parameters"] = {"retry_after": retry_after}
    return web.json_response(body, status=status)


def _fail(bot: FakeBot, failure: Failure) -> web.Response:
    if failure.retry_after is not None:
        bot.quiet_until = time.monotonic() + failure.retry_after
    return _no(failure.status, failure.description, failure.retry_after)


def _own(bot: FakeBot, given: dict[str, Any]) -> Said:
    said = bot.said.get(given.get("message_id", 0))
    if said is None or said.deleted or said.chat_id != given.get("chat_id"):
        raise RefusedError(400, "Bad Request: message to edit not found")
    return said


def _checked_text(bot: FakeBot, text: str) -> str:
    if not text.strip():
        raise RefusedError(400, "Bad Request: message text is empty")
    if len(text.encode("utf-16-le")) // 2 > _UNITS_MAX:
        raise RefusedError(400, "Bad Request: message is too long")
    if bot.bale and any(sign in text for sign in "*_`["):
        bot.problems.append("sendMessage: Bale would read this text as Markdown")
    return text


def _buttons(bot: FakeBot, markup: dict[str, Any] | None) -> list[tuple[str, str]]:
    pairs = [
        (item["text"], item.get("callback_data", ""))
        for row in (markup or {}).get("inline_keyboard", [])
        for item in row
    ]
    for _, data in pairs:
        if not 1 <= len(data.encode("utf-8")) <= _DATA_BYTES_MAX:
            bot.problems.append("callback_data: 1-64 bytes")
            raise RefusedError(400, "Bad Request: BUTTON_DATA_INVALID")
    return pairs


def _message(bot: FakeBot, said: Said) -> str:
    return json.dumps(
        {
            "message_id": said.message_id,
            "date": int(time.time()),
            "chat": {"id": said.chat_id, "type": "private", "first_name": "Test"},
            "from": bot.me(),
            "text": said.text,
        }
    )
