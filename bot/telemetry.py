"""Logs that cannot leak: an allow-list of keys, each holding a name, a code or a number.

A person's words, names, numbers, addresses and tokens are never arguments of a log call; were one passed by mistake
under an allowed key, `_plain` keeps out by its form what is not short Latin, or holds seven digits in a row: a phone
number, a bot's token, a token of the web. A short name in Latin letters would pass: the keys are what keeps it out.
"""

import asyncio
import contextlib
import json
import logging
import re
import sys
import threading
from datetime import UTC, datetime
from pathlib import PurePath
from types import TracebackType
from typing import Any, Protocol, TextIO

#: The only keys a log line may carry besides event, level and time.
KEYS = frozenset(
    [
        "channel",
        "code",
        "kind",  # of a thing that falls due: a name of ours
        "error",
        "attempts",
        "count",
        "row_id",
        "version",
        "port",
        "host",
        "path_name",
        "role",
        "seconds",
        "status",
        "reason",
        "signal",
        "package",
        "file",
        "lag_s",
    ]
)
#: Our longest event has 42 letters; a token of 256 bits has 52.
_CODE = re.compile(r"(?!.*[0-9]{7})[A-Za-z0-9_.:/-]{1,48}")


class Log(Protocol):
    """Where events are told: a name and allowed keys, never a sentence."""

    def info(self, event: str, **keys: object) -> None:
        """Tell something that an operator may want to know."""
        ...

    def warning(self, event: str, **keys: object) -> None:
        """Tell something that needs an eye."""
        ...

    def error(self, event: str, **keys: object) -> None:
        """Tell something that went wrong."""
        ...


class JsonLog:
    """One JSON line an event. Thirty lines of our own: structlog brings 6 MB into every process for the same line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def info(self, event: str, **keys: object) -> None:
        """Tell something that an operator may want to know."""
        self._tell("info", event, keys)

    def warning(self, event: str, **keys: object) -> None:
        """Tell something that needs an eye."""
        self._tell("warning", event, keys)

    def error(self, event: str, **keys: object) -> None:
        """Tell something that went wrong."""
        self._tell("error", event, keys)

    def _tell(self, level: str, event: str, keys: dict[str, object]) -> None:
        line = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": level, "event": _plain(event)}
        line.update({key: _plain(value) for key, value in keys.items() if key in KEYS})
        with contextlib.suppress(OSError, ValueError):  # a full disk must not stop what is being told of
            self._stream.write(json.dumps(line) + "\n")
            self._stream.flush()


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float) or _CODE.fullmatch(str(value)) else "[withheld]"


def configure(stream: TextIO | None = None) -> Log:
    """Set up logging for the process: our events as JSON lines, libraries at WARNING by name only, on stderr."""
    out = stream or sys.stderr
    handler = logging.StreamHandler(out)
    handler.setFormatter(_NameOnly())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    return JsonLog(out)


class _NameOnly(logging.Formatter):
    """Tells who spoke, and what was raised where. Neither texts nor tracebacks: an exception may hold a person's words."""

    def format(self, record: logging.LogRecord) -> str:
        words = [record.levelname, _plain(record.name)]
        if isinstance(record.exc_info, tuple) and record.exc_info[0] is not None:
            words += [record.exc_info[0].__name__, place_of(record.exc_info[2])]
        return " ".join(words)


def place_of(traceback: TracebackType | None) -> str:
    """Give file and line where an exception was raised."""
    if traceback is None:
        return ""
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return f"{PurePath(traceback.tb_frame.f_code.co_filename).name}:{traceback.tb_lineno}"


def guard_process(log: Log) -> None:
    """Tell of what nobody caught, in a long-running process, by type and place; Python's own way prints its text."""

    def tell(event: str, kind: type[BaseException], traceback: TracebackType | None) -> None:
        log.error(event, error=kind.__name__, file=place_of(traceback))

    def of_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_type is not SystemExit:
            tell("thread_failed", args.exc_type, args.exc_traceback)

    sys.excepthook = lambda kind, _, traceback: tell("process_failed", kind, traceback)
    threading.excepthook = of_thread
    sys.unraisablehook = lambda args: tell("unraisable", args.exc_type, args.exc_traceback)


def guard_loop(log: Log) -> None:
    """Tell of a task's failure that nobody asked for in the same way, for the running loop."""

    def tell(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            log.error("task_failed", error=type(error).__name__, file=place_of(error.__traceback__))
        else:
            log.error("task_failed")

    asyncio.get_running_loop().set_exception_handler(tell)
