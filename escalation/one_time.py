"""One-time codes of an authenticator (RFC 6238) and recovery codes, as pure functions over secret and time.

A code is good for its own half minute and the one before and after it, and never for a step that was used: whoever
looks over her shoulder has nothing. Source: RFC 6238 §5.2; pyotp makes the digits.
"""

import hmac
import re
from collections.abc import Callable

import pyotp

from bot.core.text import ascii_digits
from escalation.passwords import new_token

STEP_S = 30
#: How many steps her clock may be off, either way.
_DRIFT = 1
RECOVERY_CODES = 10
_DIGITS = re.compile(r"[0-9]{6}")
_APART = re.compile(r"[\s\-\u200c\u200e\u200f]+")


def new_secret(random_bytes: Callable[[int], bytes]) -> str:
    """Draw a secret of 160 bits, in the letters that authenticators take."""
    return new_token(random_bytes, 20).upper()


def address_of(secret: str, *, username: str, issuer: str) -> str:
    """Give the otpauth:// address that a QR drawing carries."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=issuer)


def typed(code: str) -> str:
    """Give what she typed as it is compared: ASCII digits, lower case, nothing between the groups."""
    return _APART.sub("", ascii_digits(code[:100])).lower()


def step_of(secret: str, code: str, *, now_s: int, after: int) -> int | None:
    """Give the step whose code this is; None when it is wrong, too old, or of a step up to `after`."""
    given = typed(code)
    if not _DIGITS.fullmatch(given):
        return None
    maker, now_step, found = pyotp.HOTP(secret), now_s // STEP_S, None
    for step in range(max(0, now_step - _DRIFT), now_step + _DRIFT + 1):  # all of them: the time tells nothing
        if hmac.compare_digest(maker.at(step).encode(), given.encode()) and step > after:
            found = step
    return found


def new_recovery_codes(random_bytes: Callable[[int], bytes]) -> list[str]:
    """Draw ten recovery codes of 120 bits, in groups of four letters: a plain hash of one may be stored (ASVS V6.5)."""
    codes = [new_token(random_bytes, 15) for _ in range(RECOVERY_CODES)]
    return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in codes]
