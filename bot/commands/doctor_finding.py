"""One thing `panah doctor` looked at: ok, warn (for a person to judge) or fail (exit code 1)."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and a sentence without content."""

    name: str
    state: Literal["ok", "warn", "fail"]
    said: str


def ok(name: str, said: str) -> Finding:
    """Say that it is sound."""
    return Finding(name, "ok", said)


def warn(name: str, said: str) -> Finding:
    """Say what a person should judge."""
    return Finding(name, "warn", said)


def fail(name: str, said: str) -> Finding:
    """Say what is wrong."""
    return Finding(name, "fail", said)
