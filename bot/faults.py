"""Arming crash points and moving the clock from the setting PANAH_FAULT, for tests and `panah prove` only.

«E4:kill» dies at the first pass of E4, «E4:kill:3» at the third. «dir:PATH» obeys a directory while the process
runs: the file `point` arms one crash point (and is renamed to `point.hit` when it is met), `clock` holds seconds to add
to the time. Production leaves the setting empty.
"""

import os
import signal
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from bot.core.clock import Clock, SystemClock
from bot.core.fault import arm


def arm_from(setting: str) -> None:
    """Arm what the setting says; an empty one arms nothing."""
    if not setting:
        return
    if setting.startswith("dir:"):
        _arm_directory(Path(setting[4:]))
        return
    passed: Counter[str] = Counter()

    def hook(name: str) -> None:
        passed[name] += 1
        _meet(setting, name, passed[name])

    arm(hook)


def clock_from(setting: str) -> Clock:
    """Give the machine's clock, or one that a directory of switches moves."""
    return ShiftedClock(Path(setting[4:]) / "clock") if setting.startswith("dir:") else SystemClock()


class ShiftedClock(SystemClock):
    """The machine's clock, wrong by the seconds that stand in a file; monotonic time stays right."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        """Give the wrong moment, aware, in UTC."""
        try:
            wrong_by_s = float(self._file.read_text("ascii"))
        except (OSError, ValueError):
            return super().now()
        return super().now() + timedelta(seconds=wrong_by_s)


def _arm_directory(directory: Path) -> None:
    order_file = directory / "point"
    passed: Counter[tuple[str, str]] = Counter()

    def hook(name: str) -> None:
        try:
            order = order_file.read_text("ascii")
        except OSError:
            return
        passed[order, name] += 1
        _meet(order, name, passed[order, name], order_file)

    arm(hook)


def _meet(order: str, name: str, times: int, order_file: Path | None = None) -> None:
    point, act, *rest = order.split(":")
    if name != point or times != (int(rest[0]) if rest else 1):
        return
    if order_file is not None:
        order_file.rename(order_file.with_suffix(".hit"))
    sys.stderr.write(f"fault {name}\n")
    sys.stderr.flush()
    if act == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise RuntimeError(name)
