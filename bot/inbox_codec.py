"""An input as plain data and back: what is sealed in `inbox.sealed_input`, and its name in the `kind` column.

Anything that cannot be read back is an UnreadableInput: somebody's words all the same.
"""

from collections.abc import Callable
from typing import Any

from bot.core.messages import (
    ClosedInput,
    ContactInput,
    FollowUpInput,
    HandedBackInput,
    HeldInput,
    Input,
    LocationInput,
    MediaInput,
    NotTakenInput,
    Press,
    PressInput,
    PutBackInput,
    ReopenedInput,
    SilenceInput,
    StillQueuedInput,
    TextInput,
    UnreadableInput,
    UnsaidInput,
)

_ACTS: dict[str, Input] = {
    "held": HeldInput(),
    "handed_back": HandedBackInput(),
    "put_back": PutBackInput(),
    "closed": ClosedInput(),
    "reopened": ReopenedInput(),
    "still_queued": StillQueuedInput(),
    "unsaid": UnsaidInput(),
}


def input_kind(received: Input) -> str:
    """Name an input for the `kind` column."""
    return _KINDS[type(received)]


_KINDS: dict[type, str] = {
    TextInput: "text",
    PressInput: "press",
    MediaInput: "media",
    LocationInput: "location",
    ContactInput: "contact",
    SilenceInput: "silence",
    NotTakenInput: "not_taken",
    FollowUpInput: "follow_up",
    StillQueuedInput: "still_queued",
    HeldInput: "held",
    HandedBackInput: "handed_back",
    PutBackInput: "put_back",
    ClosedInput: "closed",
    ReopenedInput: "reopened",
    UnsaidInput: "unsaid",
    UnreadableInput: "unreadable",
}


def input_to_json(received: Input) -> dict[str, Any]:  # noqa: PLR0911 - one line a type
    """Give an input as plain data, to be sealed in `inbox.sealed_input`."""
    match received:
        case TextInput(text, rest):
            return {"text": text, "rest": rest} if rest else {"text": text}
        case PressInput(press):
            return {"press": press.encode()}
        case MediaInput(kind):
            return {"media": kind}
        case LocationInput(lat, lon):
            return {"location": [lat, lon]}
        case ContactInput(phone):
            return {"phone": phone}
        case SilenceInput(visit) | NotTakenInput(visit):
            return {"visit": visit}
        case FollowUpInput(flow):
            return {"flow": flow}
        case UnreadableInput(reason):
            return {"reason": reason}
        case _:
            return {}


def input_from_json(kind: str, content: dict[str, Any]) -> Input:
    """Read an input back; anything that cannot be read is an UnreadableInput, never an exception."""
    if kind in _ACTS:
        return _ACTS[kind]
    try:
        return _READERS[kind](content)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return UnreadableInput("stored_input")


def _read_press(content: dict[str, Any]) -> Input:
    press = Press.decode(content["press"])
    return PressInput(press) if press else UnreadableInput("press")


_READERS: dict[str, Callable[[dict[str, Any]], Input]] = {
    "text": lambda content: TextInput(content["text"], content.get("rest", "")),
    "press": _read_press,
    "media": lambda content: MediaInput(content["media"]),
    "location": lambda content: LocationInput(*content["location"]),
    "contact": lambda content: ContactInput(content["phone"]),
    "silence": lambda content: SilenceInput(content["visit"]),
    "not_taken": lambda content: NotTakenInput(content["visit"]),
    "follow_up": lambda content: FollowUpInput(content["flow"]),
    "unreadable": lambda content: UnreadableInput(content["reason"]),
}
