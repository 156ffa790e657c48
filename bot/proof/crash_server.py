"""Blows at PostgreSQL while a living process uses it: the server dies, one of its processes does, a COMMIT is cut off.

The process under proof is not killed: it must find its way back, with nothing lost and, where only a COMMIT was cut
off, with nothing done twice either.
"""

import asyncio
import contextlib
import os
import signal

from bot.proof.cluster import Cluster
from bot.proof.crash_points import Plan
from bot.proof.ground import Ground
from bot.proof.installation import until

#: After these nothing at all may come out twice: whoever lost the answer asks what became of the transaction.
LOST_COMMITS = frozenset({"COMMIT lost", "its answer lost"})
_CUTS_S = 20.0
_WRITERS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'panah-write'"


async def strike(ground: Ground, plan: Plan) -> bool:
    """Strike as the round says, and heal; True when it struck."""
    await asyncio.sleep(plan.after_s)
    cluster = ground.cluster
    match plan.point:
        case "server killed":
            await asyncio.to_thread(cluster.crash)
            await asyncio.sleep(plan.after_s)  # away for a while, or for no longer than a start takes
            await asyncio.to_thread(cluster.start)
        case "server restarted":
            await asyncio.to_thread(cluster.restart_at_once)
        case "backend killed":
            return await asyncio.to_thread(_kill_a_writer, cluster)
        case _:
            return await _cut(ground, plan)
    return True


def _kill_a_writer(cluster: Cluster) -> bool:
    """Kill one process of the server; it throws everybody out and recovers by itself."""
    found = cluster.execute(_WRITERS)
    for (pid,) in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return bool(found)


async def _cut(ground: Ground, plan: Plan) -> bool:
    assert ground.wire is not None
    ground.wire.arm("before" if plan.point == "COMMIT lost" else "behind", plan.citizens)
    await until(lambda: ground.wire is not None and ground.wire.is_idle, _CUTS_S)
    return ground.wire.disarm() == 0
