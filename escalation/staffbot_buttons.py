"""The buttons under what staff are told: short versioned strings, made and read here. They name a case or a moment.

c:<case>:a:1    take this case            c:<case>:s:1    I have seen this case
p:<ms>:s:1      I have seen all that waited at this moment (a page that lists many)
"""

from dataclasses import dataclass
from typing import Literal

VERSION = "1"
BYTES_MAX = 64
#: Milliseconds of the year 2286 have this many digits.
_DIGITS_MAX = 13


@dataclass(frozen=True, slots=True)
class Press:
    """What somebody pressed: to accept or to have seen a case, or all until a moment (ms)."""

    act: Literal["accept", "seen", "seen_until"]
    case_id: str = ""
    until_ms: int = 0


def accept_callback(case_id: str) -> str:
    """Give the data of the button that takes a case."""
    return f"c:{case_id}:a:{VERSION}"


def seen_callback(case_id: str) -> str:
    """Give the data of the button that says that a case was seen."""
    return f"c:{case_id}:s:{VERSION}"


def page_callback(made_at_ms: int) -> str:
    """Give the data of the button that says that all cases of a page were seen."""
    return f"p:{made_at_ms}:s:{VERSION}"


def read_callback(data: str | None) -> Press | None:
    """Read a button's data; None for anything that is not one of this version."""
    match (data or "").split(":"):
        case ["c", case_id, "a" | "s" as act, "1"] if _is_id(case_id):
            return Press("accept" if act == "a" else "seen", case_id=case_id)
        case ["p", moment, "s", "1"] if moment.isascii() and moment.isdecimal() and len(moment) <= _DIGITS_MAX:
            return Press("seen_until", until_ms=int(moment))
        case _:
            return None


def _is_id(text: str) -> bool:
    return text.isascii() and text.isalnum() and len(text) <= 40
