"""Arming crash points from the setting PANAH_FAULT: «E4:kill» dies at the first pass, «E4:kill:3» at the third.

For tests and proofs with real processes only; production leaves the setting empty.
"""

import os
import signal
import sys
from collections import Counter

from bot.core.fault import arm


def arm_from(setting: str) -> None:
    """Arm one crash point; an empty setting arms none."""
    if not setting:
        return
    point, act, *rest = setting.split(":")
    wanted = int(rest[0]) if rest else 1
    passed: Counter[str] = Counter()

    def hook(name: str) -> None:
        passed[name] += 1
        if name == point and passed[name] == wanted:
            sys.stderr.write(f"fault {name}\n")
            sys.stderr.flush()
            if act == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise RuntimeError(name)

    arm(hook)
