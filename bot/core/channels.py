"""The contract between the outbox and a channel: send one message, say what became of it.

Errors of the world::

    SendError
      code       our word for it, from CODES
      retryable  trying again later may work
      ours       our configuration or code is at fault, so an operator must hear of it

A handler maps the provider's codes to these by a table, never by an if-ladder.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from bot.core.messages import Mode, OutboundMsg

SendErrorCode = Literal[
    "throttled",
    "unavailable",
    "timeout",
    "blocked_by_contact",
    "no_such_address",
    "rejected",
    "bad_response",
    "not_configured",
    "unreadable",
]


class SendError(Exception):
    """A message could not be handed to its provider."""

    def __init__(
        self, code: SendErrorCode, *, retryable: bool, ours: bool = False, retry_after_s: float | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.retryable = retryable
        self.ours = ours
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What the provider said: its own id of the message, empty when it gives none."""

    provider_message_id: str = ""


class Channel(Protocol):
    """One way to a contact. One file in bot/handlers implements it."""

    name: str
    mode: Mode

    async def send(self, message: OutboundMsg) -> Sent:
        """Hand one message to the provider.

        Raises:
            SendError: it was not accepted.
        """
        ...

    async def delete(self, external_id: str, provider_message_ids: tuple[str, ...]) -> int:
        """Ask the provider to delete messages of ours; give how many it said it deleted."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
