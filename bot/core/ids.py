"""Identifiers. Random 128-bit ids from an injected source, so that a simulation repeats byte for byte.

The source is an argument everywhere; nothing in the tree draws randomness by itself.
"""

import os
import random
import threading
import time
from collections.abc import Callable

#: Gives a fresh opaque id: 32 hexadecimal digits, safe in URLs and file names.
IdSource = Callable[[], str]


class RandomBlock:
    """Random bytes drawn a block at a time: a system call for each id or nonce costs as much as an encryption."""

    __slots__ = ("__weakref__", "_at", "_block", "_lock", "_source")
    _BLOCK_BYTES = 3072

    def __init__(self, source: Callable[[int], bytes] = os.urandom) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._block = b""
        self._at = 0
        os.register_at_fork(after_in_child=self._forget)

    def __call__(self, count: int) -> bytes:
        """Give so many bytes, each used once."""
        with self._lock:
            if self._at + count > len(self._block):
                self._block, self._at = self._source(max(count, self._BLOCK_BYTES)), 0
            drawn = self._block[self._at : self._at + count]
            self._at += count
            return drawn

    def _forget(self) -> None:
        self._block, self._at = b"", 0  # a forked child must not use its parent's bytes again


_system = RandomBlock()


def system_ids() -> str:
    """Draw an id: 48 bits of the time in milliseconds, 80 bits of the operating system's randomness.

    Rows that are made together lie together, so a commit touches few pages; it can still not be guessed.
    """
    return f"{time.time_ns() // 1_000_000:012x}{_system(10).hex()}"


def seeded_ids(seed: int) -> IdSource:
    """Give an id source that repeats for the same seed (simulation, replay, tests)."""
    source = random.Random(seed)  # noqa: S311 - repeatable on purpose, never used in production
    return lambda: source.randbytes(16).hex()


def case_code(case_id: str) -> str:
    """Give the short code a person can read aloud: five digits drawn from the case id, grouped by the reader.

    Not unique by itself; the console searches by it, the database keys on the id.
    """
    return f"{int.from_bytes(case_id.encode('ascii'), 'big') % 90_000 + 10_000}"
