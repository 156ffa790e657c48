"""Telegram by aiogram: texts with buttons out, presses answered, messages deleted; and the webhook's way in.

Bale speaks nearly the same language and is this channel with other Capabilities (bot.handlers.bale). aiogram takes
seconds to import, so only the wiring of a configured token imports this module.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from aiogram import Bot
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import AiogramError
from aiogram.methods import (
    AnswerCallbackQuery,
    DeleteMessage,
    DeleteMessages,
    DeleteWebhook,
    GetWebhookInfo,
    SetWebhook,
    TelegramMethod,
)
from aiogram.utils.token import TokenValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.core.channels import SendError, Sent
from bot.core.clock import Clock
from bot.core.fault import fault
from bot.core.messages import Mode, OutboundMsg
from bot.handlers.hooks import Door, come_back, keep_for_nobody, read_body, same_secret
from bot.handlers.pace import Pace
from bot.handlers.telegram_decode import ALLOWED_UPDATES, Arrival, decode_update, written_id
from bot.handlers.telegram_errors import UnreadSuccessError, send_error
from bot.handlers.telegram_session import FormSession, PlainSession, Say
from bot.handlers.telegram_text import keyboard, split_text, without_markdown
from bot.inbox import NotStoredError
from bot.settings import SettingsError

T = TypeVar("T")

_DELETE_MAX = 100
_TIMEOUT_S = 15
_HALF_SENT_MAX = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What one platform of this family can and cannot do."""

    name: str
    sends_secret_header: bool
    protects_content: bool
    hides_link_preview: bool
    deletes_many: bool
    deletes_hers: bool  #: what people wrote to the bot in a private chat
    filters_updates: bool
    parses_markdown: bool
    takes_json: bool = False


TELEGRAM = Capabilities(
    name="telegram",
    sends_secret_header=True,
    protects_content=True,
    hides_link_preview=True,
    deletes_many=True,
    deletes_hers=True,
    filters_updates=True,
    parses_markdown=False,
    takes_json=True,
)


class Telegram:
    """The channel of one bot."""

    mode: Mode = "rich"

    def __init__(
        self, *, token: str, api: str, clock: Clock, capabilities: Capabilities = TELEGRAM, pace: Pace | None = None
    ) -> None:
        self.name = capabilities.name
        self.can = capabilities
        self.api = api.rstrip("/")
        self.token = token
        self._clock = clock
        self.pace = pace or Pace(clock, per_s=20.0, per_chat=True)  # the provider's: 30 a second, 1 a second in a chat
        self._half_sent: OrderedDict[str, list[str]] = OrderedDict()
        self._later: set[asyncio.Task[None]] = set()
        try:
            make = PlainSession if self.can.takes_json else FormSession
            self._bot = Bot(token, session=make(api=TelegramAPIServer.from_base(self.api)))
        except TokenValidationError:
            raise SettingsError(f"PANAH_{self.name.upper()}_TOKEN must look like 123456:letters-and-digits") from None

    @property
    def takes_back(self) -> bool:
        """Our messages can be deleted on both sides for two days (bot.purging)."""
        return True

    def written_id(self, raw: bytes) -> str:
        """Give the number under which `delete` takes back what she wrote; empty where the platform does not let us."""
        return written_id(raw) if self.can.deletes_hers else ""

    @property
    def bot_id(self) -> str:
        """The public part of the token."""
        return self.token.split(":", 1)[0]

    @property
    def account(self) -> str:
        """Whose limits these are: a 429 is for the bot, and is remembered over a restart."""
        return f"{self.name}:{self.bot_id}"

    async def send(self, message: OutboundMsg) -> Sent:
        """Send one message, in several when it is longer than the provider takes; buttons stand under the last.

        A retry of a message that broke off half-way goes on where it stopped, as long as this process lives.

        Raises:
            SendError: it was not accepted.
        """
        chat_id = _chat_id(message.external_id)
        parts = split_text(without_markdown(message.text) if self.can.parses_markdown else message.text)
        sent = self._half_sent.pop(message.key, [])
        for at in range(len(sent), len(parts)):
            markup = keyboard(message.buttons) if at == len(parts) - 1 else None
            try:
                await self.pace.wait(urgent=message.urgent, chat=message.external_id)
                sent.append(await self._send_part(chat_id, parts[at], markup))
            except SendError:
                self._remember(message.key, sent)
                raise
        return Sent(provider_message_id=",".join(sent))

    async def delete(self, external_id: str, provider_message_ids: tuple[str, ...]) -> int:
        """Delete messages younger than 48 hours; give how many the provider said it deleted."""
        ids = [int(part) for joined in provider_message_ids for part in joined.split(",") if part.isdecimal()]
        chat_id = _chat_id(external_id)
        gone = 0
        size = _DELETE_MAX if self.can.deletes_many else 1
        for at in range(0, len(ids), size):
            some = ids[at : at + size]
            try:
                gone += len(some) if await self._delete_some(chat_id, some) else 0
            except SendError as error:
                if error.retryable:
                    raise
        return gone

    async def close(self) -> None:
        """Finish answering presses, then let go of connections."""
        await asyncio.gather(*self._later, return_exceptions=True)
        await self._bot.session.close()

    def answer_press_later(self, callback_id: str) -> None:
        """Tell the provider that a press has arrived, without waiting: her button stops spinning."""
        if callback_id:
            task = asyncio.create_task(self._answer_press(callback_id))
            self._later.add(task)
            task.add_done_callback(self._later.discard)

    async def set_webhook(self, url: str, secret: str) -> None:
        """Ask for updates at `url`. What waits at the provider is kept.

        Raises:
            SendError: the provider refused.
        """
        if self.can.sends_secret_header:
            wanted = SetWebhook(url=url, secret_token=secret, allowed_updates=list(ALLOWED_UPDATES))
        else:
            wanted = SetWebhook(url=url)
        await self._call(wanted)

    async def remove_webhook(self) -> None:
        """Give up the webhook, so that polling may begin. What waits at the provider is kept.

        Raises:
            SendError: the provider refused.
        """
        await self._call(DeleteWebhook())

    async def webhook(self) -> tuple[str, int]:
        """Give where updates go now («» is nowhere), and how many wait at the provider.

        Raises:
            SendError: the provider refused.
        """
        found = await self._call(GetWebhookInfo())
        return found.url, found.pending_update_count

    async def take_in(self, door: Door, arrivals: Sequence[Arrival]) -> None:
        """Commit arrivals in their order, then tell the provider of the presses among them.

        Raises:
            NotStoredError: some were not stored; all may be offered again.
        """
        await door.inbox.accept_batch([item.message for item in arrivals if not item.for_nobody])
        strangers = [item.message for item in arrivals if item.for_nobody]
        if strangers:
            await keep_for_nobody(door, strangers)
        for item in arrivals:
            self.answer_press_later(item.callback_id)

    async def _send_part(self, chat_id: int, text: str, markup: dict[str, Any] | None) -> str:
        wanted = Say(
            chat_id=chat_id,
            text=text,
            reply_markup=markup,
            protect_content=True if self.can.protects_content else None,
            link_preview_options={"is_disabled": True} if self.can.hides_link_preview else None,
        )
        try:
            return str((await self._call(wanted)).message_id)
        except UnreadSuccessError as error:
            return error.message_id

    async def _delete_some(self, chat_id: int, ids: list[int]) -> bool:
        await self.pace.wait(urgent=True)
        if self.can.deletes_many:
            return await self._call(DeleteMessages(chat_id=chat_id, message_ids=ids))
        return await self._call(DeleteMessage(chat_id=chat_id, message_id=ids[0]))

    async def _answer_press(self, callback_id: str) -> None:
        try:
            await self._call(AnswerCallbackQuery(callback_query_id=callback_id))
        except SendError:
            return  # a courtesy: an old press cannot be answered any more, the reply itself goes out by the outbox

    async def _call(self, method: TelegramMethod[T]) -> T:
        self.pace.refuse_while_held()
        try:
            return await self._bot(method, request_timeout=_TIMEOUT_S)
        except AiogramError as error:
            failed = send_error(error)
        if failed.retry_after_s is not None:
            self.pace.hold(failed.retry_after_s)
        raise failed

    def _remember(self, key: str, sent: list[str]) -> None:
        if sent:
            self._half_sent[key] = sent
        while len(self._half_sent) > _HALF_SENT_MAX:
            self._half_sent.popitem(last=False)


def _chat_id(external_id: str) -> int:
    if not external_id.isascii() or not external_id.isdecimal():
        raise SendError("no_such_address", retryable=False)
    return int(external_id)


def telegram_routes(channel: Telegram, door: Door, *, path: str, secret: str) -> list[Route]:
    """Give the webhook of one bot: POST `path`, authenticated by the provider's secret header.

    A platform without that header (`Capabilities.sends_secret_header`) is authenticated by `path` itself.
    """

    async def receive(request: Request) -> Response:
        header = request.headers.get("x-telegram-bot-api-secret-token")
        if channel.can.sends_secret_header and not same_secret(header, secret):
            return Response(status_code=403)
        body = await read_body(request)
        if body is None:
            return Response(status_code=413)
        fault("W1")
        arrival = decode_update(body, channel=channel.name, received_at=door.clock.now(), bot_id=channel.bot_id)
        fault("W2")
        try:
            await channel.take_in(door, [arrival])
        except NotStoredError:
            return come_back()
        fault("W4")
        return Response(status_code=200)

    return [Route(path, receive, methods=["POST"])]
