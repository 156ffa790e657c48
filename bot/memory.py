"""The heap of the C library: how many there are, and giving back what is free. Where it is not glibc, nothing is done."""

import contextlib
import ctypes

_M_ARENA_MAX = -8
#: Each thread would get a heap of its own, each with its own holes; the interpreter lets one at a time work anyway.
_HEAPS = 2


def keep_few_heaps() -> None:
    """Let all threads share two heaps; to be said before there are any."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _HEAPS)


def give_back() -> None:
    """Return what is free to the system: reading scripts and words leaves megabytes."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
