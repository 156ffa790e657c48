"""Logs that cannot leak: an allow-list of keys, each holding a name, a code or a number.

A person's words, names, numbers, addresses and tokens are never arguments of a log call; were one passed by mistake
under an allowed key, `_plain` keeps it out by its form.
"""

import contextlib
import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, Protocol, TextIO

#: The only keys a log line may carry besides event, level and time.
KEYS = frozenset(
    [
        "channel",
        "code",
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
_CODE = re.compile(r"[A-Za-z0-9_.:/-]{1,80}")


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
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s", stream=out, force=True)
    return JsonLog(out)
