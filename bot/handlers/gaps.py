"""When a provider was last heard, and the notice the desk gets after a long silence of it.

Providers keep what people write for a day at most: of a longer silence nobody can know what is lost (docs/runbook.md).
"""

import json

from bot.store.database import Tx

#: A shorter silence delays nobody so much that the desk need know.
GAP_MS = 3600_000

_HEARD = "SELECT value FROM meta WHERE key = ?"
_KEEP = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"


def note_heard(tx: Tx, channel: str, now_ms: int) -> int:
    """Keep that a provider answered now; give how long it was silent before when that is a gap, else 0.

    A gap leaves one row of `meta`, `gap:<channel>`, with {"from", "until"} in milliseconds: the queue page shows it.
    """
    found = tx.raw.execute(_HEARD, (f"heard:{channel}",)).fetchone()
    tx.raw.execute(_KEEP, (f"heard:{channel}", str(now_ms)))
    before_ms = int(found[0]) if found else now_ms
    if now_ms - before_ms <= GAP_MS:
        return 0
    tx.raw.execute(_KEEP, (f"gap:{channel}", json.dumps({"from": before_ms, "until": now_ms})))
    return now_ms - before_ms
