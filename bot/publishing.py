"""From edited scripts to the version that conversations run on: propose, publish, roll back.

A version is immutable: its compiled form and the files it was made from, under the hash of its content. The newest
row of `publications` is what new conversations begin on; running ones end on the version they began with (I19).
Scripts that carry danger need a second person (T9); going back to an earlier publication needs one, and a reason.

Errors::

    PublishError
      NotReadyError         errors block, or warnings were not acknowledged
      SecondPersonError     the author cannot publish this alone
      NotOpenError          there is no such request, or it was decided already
      StaleRequestError     another version was published after it was proposed
      UnknownVersionError   no such version, or it was never published
      NoReasonError         going back needs a reason
"""

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection, insert, select, text, update

from bot.bus import Bus
from bot.core.fault import fault
from bot.drafts import Sources, install_defaults, load_draft, read_sources
from bot.engine.codec import bundle_to_json
from bot.engine.issues import Issue, errors
from bot.engine.model import Bundle
from bot.store import schema
from bot.store.audit import append
from bot.store.database import Store, Tx
from bot.versions import (
    Proposal,
    Publication,
    PublishError,
    UnknownVersionError,
    VersionCache,
    current_version,
    find_request,
    history,
    load_version,
    refused_last,
    requests,
    version_sources,
)

__all__ = [
    "Act",
    "NoReasonError",
    "NotOpenError",
    "NotReadyError",
    "Proposal",
    "Publication",
    "PublishError",
    "SecondPersonError",
    "StaleRequestError",
    "UnknownVersionError",
    "VersionCache",
    "current_version",
    "ensure_published",
    "find_request",
    "gate",
    "history",
    "load_version",
    "needs_second_person",
    "propose",
    "publish",
    "refuse",
    "refused_last",
    "requests",
    "rollback",
    "sealed_version",
    "version_sources",
]  # fmt: skip

PACKAGE_FLOWS = Path(__file__).resolve().parent / "flows"
#: Who installed the scripts that came with the program.
INSTALLER = "panah"


class NotReadyError(PublishError):
    """The scripts have errors, or warnings that nobody acknowledged."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        super().__init__("the scripts have errors, or warnings that nobody acknowledged")
        self.issues = tuple(issues)


class SecondPersonError(PublishError):
    """These scripts carry danger: a second person must publish them."""


class NotOpenError(PublishError):
    """This request does not wait for a decision."""


class StaleRequestError(PublishError):
    """Another version was published meanwhile; propose again on top of it."""


class NoReasonError(PublishError):
    """Going back needs a reason, and so does a refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who does something, when, and what she says about it."""

    by: str
    now_ms: int
    note: str = ""


def gate(issues: Sequence[Issue], *, acknowledged: bool) -> None:
    """Let only scripts through that may run: no error, and a named person's tick for warnings (I20).

    Raises:
        NotReadyError: with the issues that stand in the way.
    """
    blocking = errors(list(issues)) or [found for found in issues if found.severity == "W" and not acknowledged]
    if blocking:
        raise NotReadyError(blocking)


def sealed_version(bundle: Bundle) -> Bundle:
    """Give the bundle under the hash of everything in it: numbers and places too, so that going back brings them back."""
    content = bundle_to_json(replace(bundle, version=""))
    return replace(bundle, version=hashlib.sha256(content.encode()).hexdigest()[:16])


def ensure_published(store: Store, flows_dir: Path, *, now_ms: int, package_dir: Path = PACKAGE_FLOWS) -> str:
    """At start: copy the package's scripts where admins edit them, and publish a first version; give the current one.

    Both happen once. If the edited scripts cannot run when nothing was published yet, the package's are published.

    Raises:
        NotReadyError: the package's own scripts cannot run.
    """
    install_defaults(package_dir, flows_dir)
    return store.read_now(current_version) or store.write_now(
        lambda tx: _install(tx, (flows_dir, package_dir), Act(by=INSTALLER, now_ms=now_ms))
    )


def _install(tx: Tx, directories: Sequence[Path], act: Act) -> str:
    issues: list[Issue] = []
    for directory in directories:
        bundle, issues = load_draft(directory)
        if bundle is not None and not errors(issues):
            version = _keep_version(tx, read_sources(directory), bundle, act.now_ms)
            _point(tx, version, "install", act, None)
            return version
    raise NotReadyError(issues)


def propose(tx: Tx, request_id: str, sources: Sources, bundle: Bundle, act: Act) -> str:
    """Keep a checked version and ask for its publication; an older open request of the same person is withdrawn."""
    version = _keep_version(tx, sources, bundle, act.now_ms)
    table = schema.publish_requests
    older = update(table).where(table.c.state == "open", table.c.author == act.by)
    tx.execute(older.values(state="withdrawn", decided_by=act.by, decided_at=act.now_ms))
    row = {"id": request_id, "version": version, "author": act.by, "note": act.note, "state": "open"}
    tx.execute(insert(table).values(**row, created_at=act.now_ms))
    return request_id


def publish(tx: Tx, request_id: str, act: Act, *, bus: Bus) -> str:
    """Make a proposed version the current one; give its id.

    Raises:
        NotOpenError, StaleRequestError, SecondPersonError: see there.
    """
    request = _open_request(tx.connection, request_id)
    newest = history(tx.connection, most=1)
    if newest and newest[0].at > request.created_at:
        raise StaleRequestError
    if act.by == request.author:
        old = load_version(tx.connection, newest[0].version) if newest else None
        if needs_second_person(old, load_version(tx.connection, request.version)):
            raise SecondPersonError
    _decide(tx, request_id, "published", act)
    _point(tx, request.version, "publish", replace(act, note=act.note or request.note), bus)
    return request.version


def refuse(tx: Tx, request_id: str, act: Act) -> None:
    """Turn a proposal down, or withdraw one's own, which needs no reason.

    Raises:
        NotOpenError, NoReasonError: it does not wait for a decision; its author would not learn why.
    """
    request = _open_request(tx.connection, request_id)
    is_hers = act.by == request.author
    if not is_hers and not act.note.strip():
        raise NoReasonError
    _decide(tx, request_id, "withdrawn" if is_hers else "refused", act)


def rollback(tx: Tx, to_version: str, act: Act, *, bus: Bus) -> None:
    """Make an earlier publication the current one again, at once.

    Raises:
        NoReasonError, UnknownVersionError: see there.
    """
    if not act.note.strip():
        raise NoReasonError
    table = schema.publications.c
    known = tx.execute(select(table.id).where(table.version == to_version).limit(1)).scalar()
    if known is None:
        raise UnknownVersionError
    _point(tx, to_version, "rollback", act, bus)


def needs_second_person(old: Bundle | None, new: Bundle) -> bool:
    """True when what changed carries danger: a script with a danger tag or T1/T2, an instrument, a card, a line."""
    from bot.engine.checks import needs_two_signatures  # noqa: PLC0415 - the checks are heavy; only who publishes asks

    before = old or Bundle()
    if (before.instruments, before.cards, before.lines) != (new.instruments, new.cards, new.lines):
        return True
    names = {*before.flows, *new.flows}
    changed = [name for name in names if before.flows.get(name) != new.flows.get(name)]
    return any(
        needs_two_signatures(flow)
        for name in changed
        for flow in (before.flows.get(name), new.flows.get(name))
        if flow is not None
    )


def _keep_version(tx: Tx, sources: Sources, bundle: Bundle, now_ms: int) -> str:
    sealed = sealed_version(bundle)
    compiled = zlib.compress(bundle_to_json(sealed).encode(), 6)
    packed = zlib.compress(json.dumps(dict(sources), ensure_ascii=False, sort_keys=True).encode(), 6)
    tx.execute(
        text("INSERT INTO versions (id, compiled, sources, created_at) VALUES (:id, :compiled, :sources, :at)"
             " ON CONFLICT (id) DO NOTHING"),
        {"id": sealed.version, "compiled": compiled, "sources": packed, "at": now_ms},
    )  # fmt: skip
    fault("P1")
    return sealed.version


def _point(tx: Tx, version: str, action: str, act: Act, bus: Bus | None) -> None:
    row = {"version": version, "action": action, "by": act.by, "note": act.note, "at": act.now_ms}
    tx.execute(insert(schema.publications).values(**row))
    append(tx, actor=act.by, action=action, target="version", target_id=version, at=act.now_ms)
    fault("P2")

    def tell() -> None:
        fault("P3")  # who dies here has published; other processes find out when they next look
        if bus is not None:
            bus.publish("flows")

    tx.after_commit(tell)


def _open_request(connection: Connection, request_id: str) -> Proposal:
    request = find_request(connection, request_id)
    if request is None or request.state != "open":
        raise NotOpenError
    return request


def _decide(tx: Tx, request_id: str, state: str, act: Act) -> None:
    table = schema.publish_requests
    change = update(table).where(table.c.id == request_id, table.c.state == "open")
    tx.execute(change.values(state=state, decided_by=act.by, decided_at=act.now_ms, reason=act.note))
