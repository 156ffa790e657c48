"""Gathers what health is judged by: a few cheap queries, the disk, and the sign of the alert loop."""

import shutil
from pathlib import Path

from sqlalchemy import Connection

from bot.beats import Beat, read_beats

#: The file that the alert loop touches at each round, in the data directory; its process writes nothing else of ours.
WATCH_SIGN = "watch.beat"

_OLDEST_INBOX = "SELECT min(received_at) FROM inbox WHERE state = 'waiting'"
#: A case waits as an immediate one from when it came, rose to it, or was left by whoever held it.
_URGENT = """
SELECT min(coalesce((SELECT max(e.at) FROM case_events e WHERE e.case_id = c.id
                     AND e.kind IN ('raised', 'woken', 'released', 'lease_lost', 'due')), c.queued_at))
FROM cases c WHERE c.state = 'queued' AND c.tier = 'T1'
"""
_NEWEST = "SELECT max(received_at) FROM (SELECT received_at FROM inbox ORDER BY id DESC LIMIT 5) AS newest"
_INSTALLED = "SELECT min(at) FROM publications"
_META = "SELECT key, value FROM meta WHERE key IN ('backup_at', 'retention_at', 'audit.verified_at', 'audit.broken')"

#: One a channel that takes back what it said (bot.purging).
PURGED = "SELECT value FROM meta WHERE key >= 'purged.' AND key < 'purged/'"


class Rows:
    """What the database says."""

    __slots__ = (
        "audit_broken",
        "audit_ms",
        "backup_ms",
        "beats",
        "installed_ms",
        "newest_row_ms",
        "oldest_inbox_ms",
        "purged_ms",
        "retention_ms",
        "urgent_ms",
    )

    def __init__(self, connection: Connection) -> None:
        def one(sql: str) -> int | None:
            found: int | None = connection.exec_driver_sql(sql).scalar()
            return found

        self.beats: dict[str, Beat] = read_beats(connection)
        self.oldest_inbox_ms = one(_OLDEST_INBOX)
        self.urgent_ms = one(_URGENT)
        self.newest_row_ms = one(_NEWEST)
        self.installed_ms = one(_INSTALLED)
        meta = {row[0]: int(row[1]) for row in connection.exec_driver_sql(_META)}
        self.backup_ms = meta.get("backup_at")
        self.retention_ms = meta.get("retention_at")
        self.purged_ms = min((int(row[0]) for row in connection.exec_driver_sql(PURGED)), default=None)
        self.audit_ms = meta.get("audit.verified_at")
        self.audit_broken = meta.get("audit.broken", 0)


def free_share(directory: Path) -> float:
    """Give which share of the disk is free; a directory that is not there yet has all of it."""
    try:
        usage = shutil.disk_usage(directory)
    except OSError:
        return 1.0
    return usage.free / usage.total if usage.total else 1.0


def touched_ms(path: Path) -> int | None:
    """Give when a file was last touched; None when there is none."""
    try:
        return int(path.stat().st_mtime * 1000)
    except OSError:
        return None


def people_in_reach(sign: Path) -> int | None:
    """Give how many people the alert loop could page when it looked last; None when it has not said."""
    try:
        return int(sign.read_text("ascii"))
    except (OSError, ValueError):
        return None
