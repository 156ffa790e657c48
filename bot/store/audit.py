"""The audit as a chain: each row carries the digest of the one before it, keyed by a key that is not in the database.

A row is written in the transaction of what it tells of. Whoever changes, inserts, reorders or deletes one without the
key file breaks the chain at that row, and `verify` names it. Only the newest rows can be cut off unseen, and only
back to the last anchor kept outside (bot.anchors). Who has database and key file can write a new chain: anchors tell
of that too.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from bot.store.tx import Tx

#: The one row of `audit_head` is taken first: chains of two writers queue here.
_HEAD = "UPDATE audit_head SET seq = seq + 1 WHERE name = 'audit' RETURNING seq, mac"
_FIRST = "INSERT INTO audit_head (name, seq, mac) VALUES ('audit', 0, '') ON CONFLICT DO NOTHING"
_MOVE = "UPDATE audit_head SET mac = ? WHERE name = 'audit'"
_ADD = "INSERT INTO audit (actor, action, target, target_id, reason, at, seq, prev, mac) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_LAST_TO_GO = "SELECT seq, mac FROM audit WHERE id <= ? ORDER BY seq DESC LIMIT 1"
_GO = "DELETE FROM audit WHERE id > ? AND id <= ?"
_MARK = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_PAGE = (
    "SELECT id, seq, actor, action, target, target_id, reason, at, prev, mac FROM audit"
    " WHERE (seq, id) > (?, ?) ORDER BY seq, id LIMIT ?"
)
_OUTSIDE = "SELECT 1 FROM audit WHERE seq IS NULL LIMIT 1"
#: PostgreSQL's driver holds a whole answer in memory: read so many rows at a time.
PAGE_ROWS = 5_000
_LOWEST = -(2**63)
_FLOOR = "SELECT value FROM meta WHERE key = 'audit.floor'"
_HEAD_NOW = "SELECT seq, mac FROM audit_head WHERE name = 'audit'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How far the chain reaches."""

    seq: int
    mac: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What verifying found: how many rows hold, and the number of the first that does not (`why` says how)."""

    rows: int
    broken: int | None = None
    why: str = ""


def mac_of(key: bytes, prev: str, row: tuple[Any, ...]) -> str:
    """Give a row's digest: (seq, actor, action, target, target_id, reason, at) behind the digest before it."""
    canonical = json.dumps(row, ensure_ascii=True, separators=(",", ":"))
    return hmac.new(key, f"{prev}|{canonical}".encode(), hashlib.sha256).hexdigest()


def append(tx: Tx, *, actor: str, action: str, target: str, target_id: str = "", reason: str = "", at: int) -> None:
    """Add a row to the audit. `reason` is a code, never content. A store without a key writes rows without digests."""
    found = tx.raw.execute(_HEAD).fetchall()
    if not found:
        tx.raw.execute(_FIRST)
        found = tx.raw.execute(_HEAD).fetchall()
    seq, prev = found[0]
    mac = mac_of(tx.audit_key, prev, (seq, actor, action, target, target_id, reason, at)) if tx.audit_key else ""
    tx.raw.execute(_ADD, (actor, action, target, target_id, reason, at, seq, prev, mac))
    tx.raw.execute(_MOVE, (mac,))


def let_go(tx: Tx, step: Mapping[str, int]) -> None:
    """Delete rows by age (`from` < id <= `to`); where the chain begins from then on is signed."""
    found = tx.raw.execute(_LAST_TO_GO, (step["to"],)).fetchall()
    if not found or found[0][0] is None:
        return
    seq, mac = found[0]
    if tx.audit_key:
        tx.raw.execute(_MARK, ("audit.floor", json.dumps([seq, mac, _floor_mac(tx.audit_key, seq, mac)])))
    tx.raw.execute(_MARK, ("audit.may_go", str(step["to"])))
    tx.raw.execute(_MARK, ("audit.gone", str(seq)))
    tx.raw.execute(_GO, (step["from"], step["to"]))


def _floor_mac(key: bytes, seq: int, mac: str) -> str:
    return hmac.new(key, f"floor|{seq}|{mac}".encode(), hashlib.sha256).hexdigest()


def head(connection: Connection) -> Head | None:
    """Give how far the chain reaches; None before the first row."""
    found = connection.exec_driver_sql(_HEAD_NOW).one_or_none()
    return None if found is None else Head(seq=found[0], mac=found[1])


def verify(connection: Connection, key: bytes, anchors: Iterable[Head] = (), *, page: int = PAGE_ROWS) -> Verdict:
    """Walk the whole chain in one snapshot; give the first row that is not as it was written."""
    start = _start(connection, key)
    if start is None:
        return Verdict(rows=0, broken=1, why="where the chain begins was changed")
    wanted = {anchor.seq: anchor.mac for anchor in anchors if anchor.seq > start.seq}
    rows, last = 0, start
    if connection.exec_driver_sql(_OUTSIDE).first() is not None:
        return Verdict(rows=0, broken=start.seq + 1, why="a row was put in")
    for row in _rows(connection, page):
        why = _wrong(key, last, row, wanted)
        if why:
            return Verdict(rows=rows, broken=last.seq + 1, why=why)
        rows, last = rows + 1, Head(seq=row[1], mac=row[9])
    tip = head(connection) or Head(seq=0, mac="")
    if tip != last or max(wanted, default=0) > last.seq:
        return Verdict(rows=rows, broken=last.seq + 1, why="the newest rows were cut off")
    return Verdict(rows=rows)


def _rows(connection: Connection, page: int) -> Iterator[Any]:
    last = (_LOWEST, _LOWEST)
    while True:
        found = connection.exec_driver_sql(_PAGE, (*last, page)).all()
        yield from found
        if len(found) < page:
            return
        last = (found[-1][1], found[-1][0])


def _start(connection: Connection, key: bytes) -> Head | None:
    found = connection.exec_driver_sql(_FLOOR).scalar()
    if found is None:
        return Head(seq=0, mac="")
    try:
        seq, mac, signed = json.loads(found)
    except (ValueError, TypeError):
        return None
    is_ours = isinstance(signed, str) and hmac.compare_digest(signed.encode(), _floor_mac(key, seq, mac).encode())
    return Head(seq=seq, mac=mac) if is_ours else None


def _wrong(key: bytes, last: Head, row: Any, anchors: Mapping[int, str]) -> str:
    seq, prev, mac = row[1], row[8], row[9]
    if seq != last.seq + 1:
        return "a row is missing" if seq is not None and seq > last.seq + 1 else "a row was put in"
    if prev != last.mac or not hmac.compare_digest(str(mac).encode(), mac_of(key, prev, tuple(row[1:8])).encode()):
        return "the row was changed"
    return "" if anchors.get(seq, mac) == mac else "it is not what the anchor outside says"
