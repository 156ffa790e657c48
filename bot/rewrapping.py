"""Changing the wrapping key while everything runs: each contact's key and each second factor is wrapped anew.

No content is touched. A few hundred rows a transaction; a contact who is erased meanwhile stays erased. Interrupted at
any moment it is simply run again (bot.store.keyfile).
"""

import asyncio
from functools import partial
from pathlib import Path

from bot.core.fault import fault
from bot.store.audit import append
from bot.store.crypto import Keyring, UnreadableError, load_keyring
from bot.store.database import Store, Tx
from bot.store.keyfile import begin_rotation, end_rotation

STEP_ROWS = 200
_CONTACTS = "SELECT id, wrapped_key FROM contacts WHERE id > ? AND wrapped_key IS NOT NULL ORDER BY id LIMIT ?"
_WRAP = "UPDATE contacts SET wrapped_key = ?, key_id = ? WHERE id = ? AND wrapped_key IS NOT NULL"
_FACTORS = "SELECT staff_id, sealed_secret FROM staff_factors"
_SEAL = "UPDATE staff_factors SET sealed_secret = ? WHERE staff_id = ?"


async def rotate(store: Store, keyring: Keyring, path: Path, *, now_ms: int) -> int:
    """Change the wrapping key; give how many keys were wrapped anew. Safe to interrupt and to run again."""
    await asyncio.to_thread(begin_rotation, path)
    fault("K1")
    keyring.adopt(await asyncio.to_thread(load_keyring, path))
    count, after = 0, ""
    while True:
        done, last = await store.write(partial(rewrap_some, keyring=keyring, after=after))
        count += done
        if last is None:
            break
        after = last
        fault("K2")
    await store.write(lambda tx: _finish(tx, keyring, now_ms))
    fault("K3")
    await asyncio.to_thread(end_rotation, path)
    keyring.adopt(await asyncio.to_thread(load_keyring, path))
    return count


def rewrap_some(tx: Tx, keyring: Keyring, after: str) -> tuple[int, str | None]:
    """Wrap the keys of the next contacts anew: (how many, up to whom); None when there are no more.

    One that no key opens is left: it was damaged before.
    """
    rows = tx.raw.execute(_CONTACTS, (after, STEP_ROWS)).fetchall()
    count = 0
    with tx.overwriting():
        for contact_id, wrapped in rows:
            try:
                fresh = keyring.rewrap(wrapped)
            except UnreadableError:
                continue
            if fresh is not None:
                tx.raw.execute(_WRAP, (fresh, keyring.key_id, contact_id))
                count += 1
    return count, rows[-1][0] if rows else None


def rewrap_factors(tx: Tx, keyring: Keyring) -> None:
    """Seal every second factor under the current key."""
    for staff_id, sealed in tx.raw.execute(_FACTORS).fetchall():
        place = f"staff_factors.secret|{staff_id}".encode()
        try:
            secret = keyring.open_own(place, sealed)
        except UnreadableError:
            continue
        tx.raw.execute(_SEAL, (keyring.seal_own(place, secret), staff_id))


def _finish(tx: Tx, keyring: Keyring, now_ms: int) -> None:
    with tx.overwriting():
        rewrap_factors(tx, keyring)
    tx.raw.execute("UPDATE meta SET value = ? WHERE key = 'key_id'", (keyring.key_id,))  # the file the others must have
    append(tx, actor="system", action="key_rotated", target="key", target_id=keyring.key_id, at=now_ms)
