"""What time does to cases: a lease that ran out and a rest that is over both put the case back in the queue.

Nothing here lowers a tier or closes a case. Late is harmless: a claim takes an expired case by itself, and the alert
loop reads the rows, not this loop's opinion.
"""

import asyncio
from dataclasses import dataclass

from bot.beats import Beats
from bot.core.clock import Clock
from bot.core.fault import fault
from bot.store.database import Store, Tx
from bot.telemetry import Log
from escalation import case as machine
from escalation import repo
from escalation.acts import put_back
from escalation.office import Office

#: How often to look; with the 45 s lease a lost case is back within 50 s (I10).
SWEEP_EVERY_S = 2.0
#: Cases that come back in one transaction, the most urgent first; the rest two seconds later.
CASES_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How many cases came back, by reason."""

    lost: int
    due: int


def sweep(tx: Tx, office: Office, *, now_ms: int) -> Swept:
    """Put back every case whose lease ran out or whose rest is over; doing it twice changes nothing."""
    lost = due = 0
    for before in repo.cases_due(tx.connection, now_ms, most=CASES_MAX):
        fault("F1")
        if before.state == "claimed":
            after = machine.lose_lease(before, now_ms=now_ms)
            put_back(tx, office, before, after, kind="lease_lost", by="sweeper", now_ms=now_ms)
            lost += 1
        else:
            after = machine.wake(before, now_ms=now_ms)
            put_back(tx, office, before, after, kind="due", by="sweeper", now_ms=now_ms)
            due += 1
        fault("F2")
    return Swept(lost=lost, due=due)


async def sweep_once(store: Store, office: Office, clock: Clock) -> Swept:
    """Look, and write only when something is due: an idle installation commits nothing."""
    now_ms = int(clock.now().timestamp() * 1000)
    if not await store.read(lambda connection: bool(repo.cases_due(connection, now_ms, most=1))):
        return Swept(lost=0, due=0)
    return await store.write(lambda tx: sweep(tx, office, now_ms=now_ms))


async def keep_sweeping(store: Store, office: Office, clock: Clock, log: Log, beats: Beats) -> None:
    """Sweep until cancelled."""
    beats.beat("sweeper")
    while True:
        try:
            await sweep_once(store, office, clock)
            beats.beat("sweeper")
        except Exception as error:  # noqa: BLE001 - the loop must outlive a full disk; late is harmless here
            log.error("sweep_failed", error=type(error).__name__)
        await asyncio.sleep(SWEEP_EVERY_S)
