"""Identifiers. Random 128-bit ids from an injected source, so that a simulation repeats byte for byte.

The source is an argument everywhere; nothing in the tree draws randomness by itself.
"""

import base64
import random
import secrets
from collections.abc import Callable

#: Gives a fresh opaque id: 26 lower-case base32 characters (128 bits), safe in URLs and file names.
IdSource = Callable[[], str]


def _encode(raw: bytes) -> str:
    return base64.b32encode(raw).decode("ascii").rstrip("=").lower()


def system_ids() -> str:
    """Draw an id from the operating system's randomness."""
    return _encode(secrets.token_bytes(16))


def seeded_ids(seed: int) -> IdSource:
    """Give an id source that repeats for the same seed (simulation, replay, tests)."""
    source = random.Random(seed)  # noqa: S311 - repeatable on purpose, never used in production
    return lambda: _encode(source.randbytes(16))


def case_code(case_id: str) -> str:
    """Give the short code a person can read aloud: five digits drawn from the case id, grouped by the reader.

    Not unique by itself; the console searches by it, the database keys on the id.
    """
    return f"{int.from_bytes(case_id.encode('ascii'), 'big') % 99_991 + 10_000:05d}"[-5:]
