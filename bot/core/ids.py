"""Identifiers. Random 128-bit ids from an injected source, so that a simulation repeats byte for byte.

The source is an argument everywhere; nothing in the tree draws randomness by itself.
"""

import os
import random
import time
from collections.abc import Callable
from struct import Struct

#: Gives a fresh opaque id: 32 hexadecimal digits, safe in URLs and file names.
IdSource = Callable[[], str]


class RandomPieces:
    """Random bytes of one length, drawn a block at a time: a system call for each costs as much as an encryption.

    Any number of threads may ask: a piece is taken off the list once, whoever takes it.
    """

    __slots__ = ("__weakref__", "_cut", "_pieces", "_source")
    _BLOCK = 256

    def __init__(self, count: int, source: Callable[[int], bytes] = os.urandom) -> None:
        self._cut = Struct(f"{count}s" * self._BLOCK)
        self._source = source
        self._pieces: list[bytes] = []
        os.register_at_fork(after_in_child=self._forget)

    def __call__(self) -> bytes:
        """Give the next piece; each is given once."""
        try:
            return self._pieces.pop()
        except IndexError:
            pieces: list[bytes] = list(self._cut.unpack(self._source(self._cut.size)))
            piece = pieces.pop()
            self._pieces = pieces
            return piece

    def _forget(self) -> None:
        self._pieces = []  # a forked child must not use its parent's bytes again


_ten_bytes = RandomPieces(10)


def system_ids() -> str:
    """Draw an id: 48 bits of the time in milliseconds, 80 bits of the operating system's randomness.

    Rows that are made together lie together, so a commit touches few pages; it can still not be guessed.
    """
    return f"{time.time_ns() // 1_000_000:012x}{_ten_bytes().hex()}"


def seeded_ids(seed: int) -> IdSource:
    """Give an id source that repeats for the same seed (simulation, replay, tests)."""
    source = random.Random(seed)  # noqa: S311 - repeatable on purpose, never used in production
    return lambda: source.randbytes(16).hex()


def case_code(case_id: str) -> str:
    """Give the short code a person can read aloud: five digits drawn from the case id, grouped by the reader.

    Not unique by itself; the console searches by it, the database keys on the id.
    """
    return f"{int.from_bytes(case_id.encode('ascii'), 'big') % 90_000 + 10_000}"
