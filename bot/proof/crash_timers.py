"""A promise of the clock under a kill: a person asked to be erased, the day has come, and the process dies at it.

After the restart it must be kept, once: her key is gone, one line of the audit says so, and nobody was erased instead.
"""

from bot.proof.crash_check import open_work
from bot.proof.installation import Installation, StartError, until

#: What a person writes to be erased, and past the delay after which it is done.
_ASKS = ("سلام", "حذف اطلاعات من", "بله، پاک شود")
_LATER_S = 10 * 24 * 3600.0
_WITHIN_S = 20.0

_KEPT = "SELECT count(*) FROM contacts WHERE erased_at IS NOT NULL AND wrapped_key IS NULL"
_AUDITED = "SELECT count(*) FROM audit WHERE action = 'erase'"
_PLANNED = "SELECT count(*) FROM due WHERE kind = 'erase' AND state = 'planned'"


async def erasure_round(installation: Installation, point: str) -> tuple[bool, list[str]]:
    """Run one round on a fresh installation; give whether the point was met, and what was broken."""
    await installation.start()
    if not await _asked(installation):
        return False, ["F: whoever asks to be erased is not promised it"]
    await installation.stop()
    installation.shift_clock(_LATER_S)
    installation.arm(point)
    try:
        await installation.start()
        await until(lambda: not installation.is_alive, _WITHIN_S)
    except StartError:
        pass  # it died before its ports were open
    met = installation.disarm()
    await installation.kill()
    await installation.start()
    done = await until(lambda: installation.counts(_PLANNED) == 0, _WITHIN_S)
    found = [] if done else ["I18: an erasure that is due is not done"]
    if installation.counts(_KEPT) != 1 or installation.counts(_AUDITED) != 1:
        found.append("I18: an erasure that is due was done not at all, or twice")
    await installation.kill()
    return met, found


async def _asked(installation: Installation) -> bool:
    ledger = installation.ledger
    for text in _ASKS:
        before = len(ledger.heard(1))
        ledger.say(1, text)
        if not await until(lambda before=before: len(ledger.heard(1)) > before, _WITHIN_S):  # type: ignore[misc]
            return False
        await until(lambda: open_work(installation) == 0, _WITHIN_S)
    ledger.say(2, _ASKS[0])  # somebody who is to stay
    return await until(lambda: bool(ledger.heard(2)) and open_work(installation) == 0, _WITHIN_S) and (
        installation.counts(_PLANNED) == 1
    )
