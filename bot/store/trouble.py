"""Telling trouble with the disk from a fault in what was being written.

A full disk, a lock or a failing device is nobody's message's fault: such a failure is tried again and counts for
nothing, or every message that came during it would be given up as if it were poison.
"""

import sqlite3

from sqlalchemy.exc import DBAPIError

_TROUBLE = frozenset({
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
})  # fmt: skip


def is_disk_trouble(error: BaseException) -> bool:
    """True when the database could not be written, whatever was to be written."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", None) if isinstance(cause, sqlite3.Error) else None
    return code is not None and code & 0xFF in _TROUBLE  # the low byte; the rest says which I/O it was
