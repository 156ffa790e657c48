"""Logs and metrics that cannot leak: an allow-list of keys, each holding a name, a code or a number.

A person's words, names, numbers, addresses and tokens are never arguments of a log call; were one passed by mistake
under an allowed key, `_plain` keeps it out by its form. Metrics carry no labels but channels and codes.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

Log = Any

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


def _plain(_logger: object, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in event.items():
        if key in {"event", "level", "timestamp"}:
            out[key] = value
        elif key in KEYS:
            out[key] = value if isinstance(value, int | float | bool) or _CODE.fullmatch(str(value)) else "[withheld]"
    return out


def configure(stream: TextIO | None = None) -> Log:
    """Set up logging for the process: one JSON line an event on stderr; libraries at WARNING without arguments."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _plain,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s", stream=stream or sys.stderr, force=True)
    return structlog.get_logger()


class Metrics:
    """The process's own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.turns = Counter("panah_turns", "Turns committed", ["channel"], registry=self.registry)
        self.turn_s = Histogram("panah_turn_seconds", "Arrival to commit", registry=self.registry)
        self.parked = Counter("panah_parked", "Rows whose turn failed and waits again", registry=self.registry)
        self.quarantined = Counter("panah_quarantined", "Rows given up after three tries", registry=self.registry)
        self.waiting = Gauge("panah_inbox_waiting", "Arrivals in memory", registry=self.registry)
