"""Iranian mobile numbers, strictly: from any digits and separators to E.164, or nothing.

Number portability makes the operator unknowable, so nothing here guesses one.
"""

import re

from bot.core.text import ascii_digits

_SEPARATORS = str.maketrans("", "", " \t\u00a0\u200c\u200e\u200f\u202a\u202c()-.‐‑–")
_MOBILE = re.compile(r"(?:(?:\+|00)?98|0)?0?(9\d{9})")
_PHONE_CHARS_MAX = 40


def mobile_e164(text: str) -> str | None:
    """Give «۰۹۱۲ ۳۴۵ ۶۷۸۹» as +989123456789; None when it is not exactly one Iranian mobile number."""
    if len(text) > _PHONE_CHARS_MAX:
        return None
    found = _MOBILE.fullmatch(ascii_digits(text).translate(_SEPARATORS))
    return f"+98{found.group(1)}" if found and found.group(1).isascii() else None
