"""The web page as a channel: how a message of ours reaches it.

The page reads the transcript from the database, so sending is only a wake-up of whoever has it open. What comes in:
bot.web.citizen.
"""

from bot.bus import Bus
from bot.core.channels import SendError, Sent
from bot.core.messages import Mode, OutboundMsg
from bot.store.addresses import contact_of
from bot.store.crypto import Keyring
from bot.store.database import Store

CHANNEL = "web"


class WebChannel:
    """The channel «web»: wakes the open page, which reads the rest itself."""

    name = CHANNEL
    mode: Mode = "rich"

    def __init__(self, store: Store, keyring: Keyring, bus: Bus) -> None:
        self._store = store
        self._keyring = keyring
        self._bus = bus

    async def send(self, message: OutboundMsg) -> Sent:
        """Wake the page.

        Raises:
            SendError: nobody has this address any more (erased).
        """
        contact_id: str | None = message.contact_id
        if not contact_id:
            contact_id = await self._store.read(
                lambda found: contact_of(found, self._keyring, CHANNEL, message.external_id)
            )
        if contact_id is None:
            raise SendError("no_such_address", retryable=False)
        self._bus.publish(f"contact:{contact_id}")
        return Sent(provider_message_id=message.key)

    async def delete(self, external_id: str, provider_message_ids: tuple[str, ...]) -> int:  # noqa: ARG002 - the contract
        """Count all as deleted: no copy of ours lies in the browser, and the page never shows what is hidden."""
        return len(provider_message_ids)

    async def close(self) -> None:
        """Hold nothing, let go of nothing."""
