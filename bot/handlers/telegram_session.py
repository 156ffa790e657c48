"""aiogram's HTTP session with two of its costs left out: forms for what has no file, and reading an answer we ask one number of.

Sending is what a busy core spends most on. A request goes out as JSON; of the answer to a sent message only its number
is read. Whatever is not such a plain yes is given to aiogram's own check, so that errors are what they were. A provider
that points elsewhere is not followed: a redirect would carry her words wherever somebody on the way wants them.
"""

from dataclasses import dataclass
from typing import Any, cast

import orjson
from aiogram import Bot
from aiogram.client.default import Default
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.exceptions import TelegramNetworkError
from aiogram.methods import SendMessage, TelegramMethod
from aiogram.methods.base import TelegramType
from aiohttp import ClientError

_JSON = {"Content-Type": "application/json"}
_OK = 200


@dataclass(frozen=True, slots=True)
class SentMessage:
    """What we read of an answer to sendMessage: aiogram's own model has a hundred fields to fill."""

    message_id: int


class FormSession(AiohttpSession):
    """For a platform that takes forms."""

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
        if isinstance(method, SendMessage) and answer.status == _OK:
            number = _number_of(raw)
            if number is not None:
                return cast("TelegramType", SentMessage(number))
        text = raw.decode("utf-8", "replace")
        checked = self.check_response(bot=bot, method=method, status_code=answer.status, content=text)
        return cast("TelegramType", checked.result)

    def _packed(self, bot: Bot, method: TelegramMethod[TelegramType]) -> dict[str, Any]:
        return {"data": self.build_form_data(bot=bot, method=method)}


class PlainSession(FormSession):
    """For a platform that takes JSON, and for methods without files, which are all that we call."""

    def _packed(self, bot: Bot, method: TelegramMethod[TelegramType]) -> dict[str, Any]:  # noqa: ARG002 - its place
        return {"data": _body(method), "headers": _JSON}


def _body(method: TelegramMethod[Any]) -> bytes:
    found = method.model_dump(warnings=False, exclude_none=True)
    return orjson.dumps(_given(found))


def _given(value: Any) -> Any:
    """Leave out what was not given: aiogram marks it, and we set no defaults."""
    match value:
        case dict():
            return {name: _given(one) for name, one in value.items() if not isinstance(one, Default)}
        case list():
            return [_given(one) for one in value]
        case _:
            return value


def _number_of(raw: bytes) -> int | None:
    """Give the number of a message that was surely sent; None for any other answer."""
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    result = found.get("result") if isinstance(found, dict) and found.get("ok") is True else None
    number = result.get("message_id") if isinstance(result, dict) else None
    return number if type(number) is int else None
