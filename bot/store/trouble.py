"""Telling trouble with the disk or the server from a fault in what was being written.

A full disk, a lock or a server that is gone is nobody's message's fault: such a failure is tried again and counts for
nothing, or every message that came during it would be given up as if it were poison.
"""

import sqlite3

from sqlalchemy.exc import DBAPIError

_TROUBLE = frozenset({
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
})  # fmt: skip
#: Classes of PostgreSQL's SQLSTATE: connection, transaction rollback, resources, operator intervention, system.
_SERVER = frozenset({"08", "40", "53", "57", "58"})
#: What a server that is only a copy of another one answers, as one that has just lost its place does.
_READ_ONLY = "25006"
#: Serialisation failure, deadlock, a lock that was not to be had in time.
_AGAIN = frozenset({"40001", "40P01", "55P03"})
#: The server sends these as it drops the connection.
_DROPS = frozenset({"57P01", "57P02", "57P03", "25P03", "25P04"})


class StoreBusyError(Exception):
    """Another Panah process is already writing to this data directory; stop it first."""


class StoreUnwritableError(Exception):
    """The data directory cannot be written, or the database in it cannot be used."""


class UnansweredError(Exception):
    """The server went away before it answered a COMMIT, and stayed away: what was written may be there or not."""


def is_disk_trouble(error: BaseException) -> bool:
    """True when the database could not be written, whatever was to be written."""
    cause = _cause(error)
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", None)
        return code is not None and code & 0xFF in _TROUBLE  # the low byte; the rest says which I/O it was
    state = _state(cause)
    if isinstance(cause, UnansweredError) or is_gone(cause):
        return True
    return state is not None and (state[:2] in _SERVER or state in _AGAIN or state == _READ_ONLY)


def is_again(error: BaseException) -> bool:
    """True when the same transaction may succeed at once: others were in its way, or the connection was lost."""
    return _state(_cause(error)) in _AGAIN or is_gone(error)


def is_of_database(error: BaseException) -> bool:
    """True for a failure that the database itself reported; on PostgreSQL its transaction does nothing more."""
    cause = _cause(error)
    return isinstance(cause, sqlite3.Error) or type(cause).__module__.startswith("psycopg")


def is_gone(error: BaseException) -> bool:
    """True when the connection to PostgreSQL is lost."""
    cause = _cause(error)
    if not type(cause).__module__.startswith("psycopg"):
        return False
    state = _state(cause)
    lost = type(cause).__name__ in {"OperationalError", "InterfaceError"} and state is None
    return lost or (state is not None and (state[:2] == "08" or state in _DROPS))


def _cause(error: BaseException) -> BaseException:
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error


def _state(error: BaseException) -> str | None:
    """Give PostgreSQL's SQLSTATE, None for errors of another kind. psycopg need not be loaded for it."""
    found = getattr(error, "sqlstate", None)
    return found if isinstance(found, str) else None
