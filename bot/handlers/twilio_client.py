"""The way to Twilio's API: the client's transport with a base of our choice, and its failures in our words.

twilio's logger would write URLs with numbers in them; it is held at WARNING.
"""

import logging
from collections.abc import Awaitable
from typing import Any

import aiohttp
from twilio.base.exceptions import TwilioException, TwilioRestException  # type: ignore[import-untyped]
from twilio.http.async_http_client import AsyncTwilioHttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response as TwilioResponse  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from bot.core.channels import SendError, SendErrorCode

_API = "https://api.twilio.com"
_TIMEOUT_S = 15.0

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


def open_client(account: str, token: str, api: str) -> Client:
    """Give a client whose calls go to `api`. Its session belongs to the running loop."""
    return Client(account, token, http_client=_Rebased(api))


async def translated(call: Awaitable[Any]) -> Any:
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
