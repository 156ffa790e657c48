"""The alert process under a kill: whoever it was to call is called all the same, by the one that comes after it.

The program that PANAH_ALERT_COMMAND names writes each alert to a file: that file is the ledger.
"""

import json
import os
import signal
from contextlib import suppress
from pathlib import Path

from bot.proof.crash_check import Books, breaches, contact_of, open_work
from bot.proof.installation import Installation, until

#: As the packaged policy, but at once: a proof has no minute to wait. I7 allows sixty seconds.
_POLICY = """
page_gap_s: 30
retry_s: 5
phones: {}
hours: {}
holidays: []
tiers:
  T1:
    levels: [{after_s: 0, people: [{duty: yes}], ways: [command]}]
    all_ways_after_s: 1
    repeat_s: 60
    seen_for_s: 300
  T2:
    levels: [{after_s: 1800, people: [{duty: yes}], ways: [command]}]
    all_ways_after_s: 43200
    repeat_s: 14400
    seen_for_s: 14400
  service:
    levels: [{after_s: 120, people: [{duty: yes}], ways: [command]}]
    all_ways_after_s: 165
    repeat_s: 300
    seen_for_s: 300
"""
ALERT_S = 60.0


class Duty:
    """Whoever is on call: what reached her."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._file = directory / "alerts.jsonl"
        self._policy = directory / "policy.yaml"
        self._policy.write_text(_POLICY, encoding="utf-8")

    @property
    def settings(self) -> dict[str, str]:
        """Give the settings that make an installation call her."""
        return {
            "PANAH_ALERT_COMMAND": f'/bin/sh -c \'printf "%s %s\\n" "$(date +%s)" "$(cat)" >> "$0"\' {self._file}',
            "PANAH_ALERT_POLICY": str(self._policy),
        }

    def told_at(self, code: str) -> float | None:
        """Give when she was first called about a case, by the machine's own clock; None when she was not."""
        if not self._file.exists():
            return None
        for line in self._file.read_text("utf-8").splitlines():
            at, _, said = line.partition(" ")
            with suppress(ValueError, TypeError):  # a line that is being written
                if any(case["code"] == code for case in json.loads(said)["cases"]):
                    return float(at)
        return None


def watch_pid(installation: Installation) -> int:
    """Give the alert process of an installation; 0 when there is none."""
    with suppress(OSError, ValueError):
        return int((installation.var / "watch.lock").read_text("ascii"))
    return 0


def signal_watch(installation: Installation, number: int) -> None:
    """Send a signal to the alert process, wherever its parent is."""
    pid = watch_pid(installation)
    with suppress(ProcessLookupError):
        if pid:
            os.kill(pid, number)


async def end_watch(installation: Installation) -> None:
    """End the alert process that a killed installation has left behind."""
    signal_watch(installation, signal.SIGKILL)


async def alert_round(installation: Installation, duty: Duty, point: str, danger: str) -> tuple[bool, list[str]]:
    """Kill the alert process of a fresh installation with an urgent case before it; the service starts the next one."""
    await installation.start()
    installation.arm(point)
    ledger = installation.ledger
    number = ledger.say(1, danger)
    if not await until(lambda: bool(ledger.heard(1)) and open_work(installation) == 0, ALERT_S):
        return False, ["I3: whoever told of danger is not answered"]
    found = await told_of(installation, duty, contact_of(installation, number))
    met = installation.disarm()
    return met, [*found, *breaches(installation, Books(dangers={1}))]


async def told_of(installation: Installation, duty: Duty, contact_id: str) -> list[str]:
    """Wait until duty has heard of a person's case."""
    found = installation.rows("SELECT code FROM cases WHERE contact_id = ?", contact_id)
    if not found:
        return ["I6: whoever told of danger has no case"]
    code = str(found[0][0])
    return (
        []
        if await until(lambda: duty.told_at(code) is not None, ALERT_S)
        else ["I7: nobody on call heard of an urgent case"]
    )
