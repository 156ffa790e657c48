"""The form of a code by which she goes on at another channel: twelve digits that are no telephone number. Pure."""

from bot.core.messages import TextInput
from bot.core.text import ascii_digits

DIGITS = 12


def code_in(received: object) -> str:
    """Give the twelve digits that a whole message consists of; empty for anything else, a telephone number too."""
    if not isinstance(received, TextInput) or not DIGITS <= len(received.text) <= 2 * DIGITS:
        return ""
    digits = ascii_digits(received.text)
    for mark in " -‌_.":
        digits = digits.replace(mark, "")
    fits = len(digits) == DIGITS and digits.isascii() and digits.isdecimal() and not digits.startswith(("98", "00"))
    return digits if fits else ""


def new_code(drawn: str) -> str:
    """Make a code of a random id (hex), in three groups; never one that looks like a telephone number."""
    digits = f"{int(drawn, 16) % 10**DIGITS:0{DIGITS}d}"
    digits = f"7{digits[1:]}" if digits.startswith(("98", "00")) else digits
    return " ".join(digits[at : at + 4] for at in range(0, DIGITS, 4))
