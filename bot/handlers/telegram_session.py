"""aiogram's HTTP session and its sendMessage with their costs left out: fields we never use, and forms for what has no file.

Sending is what a busy core spends most on. A request goes out as JSON; of the answer to a sent message only its number
is read. All else is aiogram's own check, so that errors are what they were. A provider that points elsewhere is not
followed: a redirect would carry her words wherever somebody on the way wants them.
"""

import json
from typing import Any, cast

import orjson
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramNetworkError
from aiogram.methods import TelegramMethod
from aiogram.methods.base import TelegramType
from aiohttp import ClientError
from pydantic import BaseModel

_JSON = {"Content-Type": "application/json"}


class SentMessage(BaseModel):
    """What we read of an answer to sendMessage: aiogram's own model has a hundred fields to fill."""

    message_id: int


class Say(TelegramMethod[SentMessage]):
    """sendMessage with the fields we fill: aiogram's own, with a model for each button, takes six times as long."""

    __returning__ = SentMessage
    __api_method__ = "sendMessage"

    chat_id: int
    text: str
    reply_markup: dict[str, Any] | None = None
    protect_content: bool | None = None
    link_preview_options: dict[str, bool] | None = None


class FormSession(AiohttpSession):
    """For a platform that takes forms."""

    def __init__(self, api: TelegramAPIServer) -> None:
        super().__init__(api=api, json_loads=_read_json)

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: int | None = None,  # noqa: ASYNC109 - aiogram's own signature
    ) -> TelegramType:
        """Call a method.

        Raises:
            AiogramError: as aiogram's own session raises it.
        """
        session = await self.create_session()
        url = self.api.api_url(token=bot.token, method=method.__api_method__)
        limit: Any = self.timeout if timeout is None else timeout
        try:
            async with session.post(url, timeout=limit, allow_redirects=False, **self._packed(bot, method)) as answer:
                raw = await answer.read()
        except TimeoutError as error:
            raise TelegramNetworkError(method=method, message="Request timeout error") from error
        except ClientError as error:
            raise TelegramNetworkError(method=method, message=type(error).__name__) from error
        text = raw.decode("utf-8", "replace")
        checked = self.check_response(bot=bot, method=method, status_code=answer.status, content=text)
        return cast("TelegramType", checked.result)

    def _packed(self, bot: Bot, method: TelegramMethod[TelegramType]) -> dict[str, Any]:
        return {"data": self.build_form_data(bot=bot, method=method)}


class PlainSession(FormSession):
    """For a platform that takes JSON, and for methods without files, which are all that we call."""

    def _packed(self, bot: Bot, method: TelegramMethod[TelegramType]) -> dict[str, Any]:  # noqa: ARG002 - its place
        body = method.model_dump_json(exclude_none=True, exclude_unset=True)
        return {"data": body.encode(), "headers": _JSON}


def _read_json(text: str) -> Any:
    """Read an answer; half a character in a person's name is no reason to say a message twice."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)
