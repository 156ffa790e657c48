"""Browsers that were signed in before: they have a lane of their own at the door, beside that of strangers.

A device is 256 random bits in a cookie, stored as SHA-256 beside each account that was signed in to with it. It opens
nothing: whoever brings it still gives password and code. But her tries are counted apart and hashed before those of
strangers, so that a flood of guesses keeps nobody out who was in before. For a name the device does not know, it is a
stranger's.
"""

from collections.abc import Callable

from bot.live import Live
from bot.store.database import Store, Tx
from escalation import repo_devices
from escalation.passwords import Tries, hash_token, new_token

#: A device that nobody signs in with for so long is a stranger's again.
KNOWN_DAYS = 180
_KNOWN_MS = KNOWN_DAYS * 86_400_000


class Devices:
    """The known devices of one installation."""

    def __init__(self, store: Store, live: Live, random_bytes: Callable[[int], bytes]) -> None:
        self._store = store
        self._tries = Tries(live, "sign in on a device")
        self._random = random_bytes

    async def lane(self, *, device: str, username: str, now_ms: int) -> str:
        """Name the lane of an account on a device; empty when that is a stranger's."""
        if not device:
            return ""
        hashed = hash_token(device)
        known = await self._store.read(lambda connection: repo_devices.knows(connection, hashed, username, now_ms))
        return f"{hashed} {username}" if known else ""

    async def count(self, lane: str) -> None:
        """Count one try in a lane.

        Raises:
            TooManyTriesError: the lane's own limit is reached.
        """
        await self._tries.count_one(lane)

    async def forgive(self, lane: str) -> None:
        """Forget a lane's tries once its password was right."""
        await self._tries.forgive(username=lane)

    def remember(self, tx: Tx, *, staff_id: str, device: str, agent: str, now_ms: int) -> str:
        """Note that an account was signed in to; give the token for the cookie.

        On a shared computer it stays the same for all who work there, or each sign-in would end a colleague's lane.
        """
        known = bool(device) and repo_devices.is_anybodys(tx.connection, hash_token(device), now_ms)
        token = device if known else new_token(self._random, 32)
        repo_devices.remember(
            tx,
            token_hash=hash_token(token),
            staff_id=staff_id,
            agent=agent,
            now_ms=now_ms,
            expires_at=now_ms + _KNOWN_MS,
        )
        return token
