"""What aiogram raises, in our words, by one table. The provider's own sentence may quote us, so it is not kept."""

from aiogram.exceptions import (
    AiogramError,
    ClientDecodeError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)

from bot.core.channels import SendError, SendErrorCode

#: First match wins: narrower classes stand above the wider. (code, retryable, ours)
_ERRORS: tuple[tuple[type[AiogramError], tuple[SendErrorCode, bool, bool]], ...] = (
    (TelegramRetryAfter, ("throttled", True, False)),
    (TelegramForbiddenError, ("blocked_by_contact", False, False)),
    (TelegramMigrateToChat, ("no_such_address", False, False)),  # only groups migrate; her words must not follow one
    (TelegramUnauthorizedError, ("not_configured", True, True)),
    (TelegramNotFound, ("not_configured", True, True)),  # an unknown token or method path
    (TelegramConflictError, ("unavailable", True, True)),
    (TelegramServerError, ("unavailable", True, False)),
    (TelegramNetworkError, ("unavailable", True, False)),
    (ClientDecodeError, ("bad_response", True, False)),
    (TelegramBadRequest, ("rejected", False, True)),
)
#: What a 400 says when it is about the person rather than about our request.
_NO_SUCH_ADDRESS = ("chat not found", "user not found", "peer_id_invalid", "user is deactivated", "chat_id is empty")


class UnreadSuccessError(SendError):
    """The provider accepted, but its answer has a shape that aiogram refuses; asking again would do it twice."""

    def __init__(self, result: object) -> None:
        super().__init__("bad_response", retryable=False)
        number = result.get("message_id") if isinstance(result, dict) else None
        self.message_id = str(number) if isinstance(number, int) else ""


def send_error(error: AiogramError) -> SendError:
    """Give our word for what aiogram raised."""
    if isinstance(error, ClientDecodeError) and isinstance(error.data, dict) and error.data.get("ok") is True:
        return UnreadSuccessError(error.data.get("result"))
    if isinstance(error, TelegramRetryAfter):
        return SendError("throttled", retryable=True, retry_after_s=float(error.retry_after))
    if isinstance(error, TelegramNetworkError) and isinstance(error.__cause__, TimeoutError):
        return SendError("timeout", retryable=True)
    if isinstance(error, TelegramBadRequest) and any(words in error.message.lower() for words in _NO_SUCH_ADDRESS):
        return SendError("no_such_address", retryable=False)
    for kind, (code, retryable, ours) in _ERRORS:
        if isinstance(error, kind):
            return SendError(code, retryable=retryable, ours=ours)
    return SendError("bad_response", retryable=True, ours=True)
