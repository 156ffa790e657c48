"""What comes in and what goes out, in the words of no provider.

A channel handler makes an InboundMsg from a provider's bytes; the engine sees only its Input. Outgoing texts
leave the engine as events and reach a channel as OutboundMsg. Every wait has a visit number that rises for a
contact's whole life, so an old button can be told from the waiting question.
"""

from datetime import datetime, timedelta
from typing import Literal

from bot.core.values import value

#: How a text is rendered: with buttons, or as numbered SMS text.
Mode = Literal["rich", "sms"]
MediaKind = Literal["voice", "photo", "sticker", "video", "document"]

#: The most of one text that is kept (design: cut with a flag, never dropped; I22).
TEXT_CHARS_MAX = 4096
#: The most of one text that is read for danger; what lies beyond TEXT_CHARS_MAX is read and then let go.
READ_CHARS_MAX = 8 * TEXT_CHARS_MAX
#: What reaches us longer after it was written is late: no script's reply fits it any more (design.md §1.10).
LATE_AFTER = timedelta(minutes=15)


@value(kw_only=True)
class Press:
    """A button: which option of which question, and of which asking of it."""

    flow: str
    step: str
    visit: int
    key: str

    def encode(self) -> str:
        """Give the callback string, at most 64 bytes (Telegram's limit) for names within the checker's budget."""
        return f"p|{self.flow}|{self.step}|{self.visit}|{self.key}"

    @staticmethod
    def decode(raw: str) -> "Press | None":
        """Read a callback string; None for anything that is not one of ours."""
        parts = raw.split("|")
        if (
            len(parts) != 5
            or parts[0] != "p"
            or not parts[3].isascii()
            or not parts[3].isdecimal()
            or len(parts[3]) > 9
        ):
            return None
        return Press(flow=parts[1], step=parts[2], visit=int(parts[3]), key=parts[4])


@value()
class TextInput:
    """Words a person wrote: what is kept, and `rest`, which is only read for danger. Made by `text_input`."""

    text: str
    rest: str = ""

    @property
    def was_cut(self) -> bool:
        """True when she wrote more than is kept."""
        return bool(self.rest)


def text_input(written: str) -> TextInput:
    """Cut a text of any length to what is kept and what is read."""
    return TextInput(written[:TEXT_CHARS_MAX], written[TEXT_CHARS_MAX:READ_CHARS_MAX])


@value()
class PressInput:
    """A button a person pressed."""

    press: Press


@value()
class MediaInput:
    """Something without words. The file itself stays at the provider and is never fetched here."""

    kind: MediaKind


@value()
class LocationInput:
    """A place a person chose to send, in degrees."""

    lat: float
    lon: float


@value()
class ContactInput:
    """A phone number shared by the platform's own button, E.164."""

    phone: str


@value()
class SilenceInput:
    """The waiting question's silence ran out."""

    visit: int


@value()
class NotTakenInput:
    """A case was escalated and nobody has taken it for the script's `if_not_taken.after`."""

    visit: int


@value()
class StillQueuedInput:
    """Her case waits in the queue and nobody has taken it: the plan says that she hears so now."""


@value()
class HeldInput:
    """A counsellor claimed the case: the bot falls silent."""


@value()
class HandedBackInput:
    """The counsellor gave the conversation back to the flow."""


@value()
class PutBackInput:
    """The counsellor's claim ended and nobody had written a word to her: for her it is as if none had come."""


@value()
class ClosedInput:
    """The counsellor closed the case."""


@value()
class ReopenedInput:
    """The counsellor took the close of the case back, which she has read of or will: she is told."""


@value()
class UnsaidInput:
    """What was to be said in answer to her will not reach her, and she has no case: a person must know."""


@value()
class FollowUpInput:
    """A planned follow-up is due: a new conversation starts in `flow`."""

    flow: str


@value()
class UnreadableInput:
    """Something arrived that no decoder understands; a person may have meant something by it."""

    reason: str


Input = (
    TextInput
    | PressInput
    | MediaInput
    | LocationInput
    | ContactInput
    | SilenceInput
    | NotTakenInput
    | StillQueuedInput
    | HeldInput
    | HandedBackInput
    | PutBackInput
    | ClosedInput
    | ReopenedInput
    | UnsaidInput
    | FollowUpInput
    | UnreadableInput
)

#: What a person sends, as opposed to what a timer or a counsellor causes.
HUMAN_INPUTS = (TextInput, PressInput, MediaInput, LocationInput, ContactInput, UnreadableInput)


@value(kw_only=True)
class InboundMsg:
    """One thing that arrived, authenticated and addressed.

    `external_id` is the address on that channel (chat id, E.164 number, web session); `provider_id` is unique for
    the channel and dedupes a redelivery; `raw` is the provider's own bytes, kept encrypted. `sent_at` is the provider's
    own date of it, None where it gives none. `opened_anew`: the first from a page that shows nothing of before.
    """

    channel: str
    external_id: str
    provider_id: str
    input: Input
    received_at: datetime
    raw: bytes = b""
    language: str | None = None
    sent_at: datetime | None = None
    opened_anew: bool = False

    def written_at(self) -> datetime:
        """Give when it was written, as far as anybody knows."""
        sent_at = self.sent_at
        return self.received_at if sent_at is None or sent_at > self.received_at else sent_at

    def is_late(self, now: datetime) -> bool:
        """True for what a person wrote long before its turn: it lay at the provider, or with us while we were down."""
        return now - self.written_at() > LATE_AFTER and isinstance(self.input, HUMAN_INPUTS)


@value()
class Button:
    """One offered answer: what it says and what comes back when it is pressed."""

    label: str
    data: str


#: reply answers an inbound of the last 15 minutes; live is a counsellor's; proactive needs the safe-contact gate.
OutboundKind = Literal["reply", "live", "proactive"]


@value(kw_only=True)
class OutboundMsg:
    """One message for one address, as a channel sends it.

    `key` is stable over retries: a channel passes it to providers that take an idempotency key. `contact_id` is for
    pages of our own; no provider is told.
    """

    key: str
    external_id: str
    text: str
    buttons: tuple[Button, ...] = ()
    kind: OutboundKind = "reply"
    urgent: bool = False
    contact_id: str = ""
