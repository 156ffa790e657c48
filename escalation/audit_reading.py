"""Reading the audit: for whom the policy says so, and written into the audit itself before anything is shown."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from bot.store import schema
from bot.store.database import Tx
from bot.store.walls import WalledStore
from escalation import repo
from escalation.policy import Actor, require
from escalation.repo_audit import Found, Wanted, look

#: A look for the same is written down again after this time only: turning a page is the same reading.
AGAIN_MS = 300_000
_ACT = "audit_read"
_MARKS = ("audit.verified_at", "audit.broken")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What the last walk over the whole chain found (bot.anchors): when, and the first row that is not as it was written."""

    verified_ms: int | None
    broken: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Some rows of the audit, and whether the chain is whole."""

    found: Found
    chain: Chain


async def read_audit(store: WalledStore, *, actor: Actor, wanted: Wanted, now_ms: int) -> AuditPage:
    """Write that the audit is read, about whom or which case or as a whole; then give a page of it.

    A look may pass over many rows, so it does not hold up the writer; that it is made is on disk before.

    Raises:
        NotAllowedError: the role may not see it.
    """
    require(actor, "audit", "view")
    await store.write(lambda tx: _note(tx, actor, wanted, now_ms))
    return await store.read(lambda db: AuditPage(found=look(db, wanted, actor=actor), chain=_chain(db)))


def _note(tx: Tx, actor: Actor, wanted: Wanted, now_ms: int) -> None:
    within = (now_ms - AGAIN_MS, now_ms)
    for about in _looked_at(wanted):
        if not repo.audited_within(tx.connection, actor=actor, action=_ACT, about=about, within=within):
            repo.add_audit(tx, actor=actor.staff_id, action=_ACT, target=about[0], target_id=about[1], now_ms=now_ms)


def _looked_at(wanted: Wanted) -> Iterator[tuple[str, str]]:
    yield from (("case", case_id) for case_id in wanted.cases or ())
    if wanted.who is not None:
        yield "staff", wanted.who
    if not wanted.cases and wanted.who is None:
        yield "audit", ""


def _chain(connection: Connection) -> Chain:
    meta = schema.meta.c
    rows = connection.execute(select(meta.key, meta.value).where(meta.key.in_(_MARKS)))
    found = {row.key: int(row.value) for row in rows}
    return Chain(verified_ms=found.get("audit.verified_at"), broken=found.get("audit.broken") or None)
