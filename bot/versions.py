"""Published versions and the way there: reading them, and keeping those in use ready for whoever runs turns.

The newest row of `publications` is what new conversations begin on. `VersionCache.current` looks at the database at
most every two seconds, so that a process which missed the hint «flows» (or died between the commit and telling,
crash point P3) serves an old version for a moment and never for long.
"""

import json
import threading
import zlib
from collections import OrderedDict
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from bot.core.clock import Clock, SystemClock
from bot.drafts import compile_sources
from bot.engine.codec import bundle_from_json
from bot.engine.model import Bundle
from bot.i18n import SOURCE
from bot.languages import spoken_in
from bot.store import schema
from bot.store.database import Store

#: Versions kept ready: the current one and those that running conversations are pinned to.
KEPT_MAX = 8
LOOK_S = 2.0
_SYSTEM_CLOCK = SystemClock()


class PublishError(Exception):
    """This cannot be published."""


class UnknownVersionError(PublishError):
    """There is no such version, or it was never published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One row of the history. `action`: install, publish or rollback."""

    id: int
    version: str
    action: str
    by: str
    note: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A proposal. `state`: open, published, refused or withdrawn; `reason`: why it was refused."""

    id: str
    version: str
    author: str
    note: str
    state: str
    created_at: int
    decided_by: str | None = None
    decided_at: int | None = None
    reason: str = ""


def current_version(connection: Connection) -> str | None:
    """Give the id of the version that new conversations begin on; None before the first install."""
    table = schema.publications.c
    return connection.execute(select(table.version).order_by(table.id.desc()).limit(1)).scalar_one_or_none()


def load_version(connection: Connection, version: str) -> Bundle:
    """Load a version; one compiled by an older program is compiled again from its files, under its own id.

    Raises:
        UnknownVersionError: there is none.
    """
    table = schema.versions.c
    row = connection.execute(select(table.compiled, table.sources).where(table.id == version)).one_or_none()
    if row is None:
        raise UnknownVersionError
    try:
        return bundle_from_json(zlib.decompress(row.compiled).decode())
    except (ValueError, TypeError, KeyError) as error:
        bundle, _ = compile_sources(_unpacked(row.sources))
        if bundle is None:
            raise UnknownVersionError from error
        return replace(bundle, version=version)


def version_sources(connection: Connection, version: str | None) -> dict[str, str]:
    """Give the files a version was made from, by name; none for no version.

    Raises:
        UnknownVersionError: there is none.
    """
    if version is None:
        return {}
    found = connection.execute(select(schema.versions.c.sources).where(schema.versions.c.id == version)).scalar()
    if found is None:
        raise UnknownVersionError
    return _unpacked(found)


def history(connection: Connection, *, most: int = 100) -> list[Publication]:
    """Give the publications, newest first."""
    table = schema.publications
    rows = connection.execute(select(table).order_by(table.c.id.desc()).limit(most)).mappings()
    return [Publication(**row) for row in rows]


def requests(connection: Connection, *, state: str = "open") -> list[Proposal]:
    """Give the proposals in a state, newest first."""
    table = schema.publish_requests
    rows = connection.execute(
        select(table).where(table.c.state == state).order_by(table.c.created_at.desc())
    ).mappings()
    return [Proposal(**row) for row in rows]


def refused_last(connection: Connection) -> Proposal | None:
    """Give the proposal that was decided last, if it was refused: what its author has to mend."""
    table = schema.publish_requests
    query = select(table).where(table.c.decided_at.is_not(None)).order_by(table.c.decided_at.desc()).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return Proposal(**row) if row is not None and row["state"] == "refused" else None


def find_request(connection: Connection, request_id: str) -> Proposal | None:
    """Give one proposal."""
    table = schema.publish_requests
    row = connection.execute(select(table).where(table.c.id == request_id)).mappings().one_or_none()
    return None if row is None else Proposal(**row)


def lines_in_service(bundle: Bundle) -> dict[str, str]:
    """Give the numbers of the telephone lines that answer, by key."""
    return {key: line.number for key, line in bundle.lines.items() if line.status != "suspended"}


class VersionCache:
    """Gives compiled versions by id; used by the writer's thread and by pages at once."""

    def __init__(self, store: Store, clock: Clock = _SYSTEM_CLOCK, languages: tuple[str, ...] = (SOURCE,)) -> None:
        self._store = store
        self._languages = languages
        self._clock = clock
        self._lock = threading.Lock()
        self._bundles: OrderedDict[str, Bundle] = OrderedDict()
        self._current = ""
        self._look_at = 0.0
        self._lines: tuple[str, dict[str, str]] = ("", {})

    def get(self, version: str) -> Bundle:
        """Give a version.

        Raises:
            UnknownVersionError: there is none.
        """
        with self._lock:
            found = self._bundles.get(version)
            if found is not None:
                self._bundles.move_to_end(version)
                return found
        loaded = spoken_in(self._store.read_now(lambda connection: load_version(connection, version)), self._languages)
        with self._lock:
            self._bundles[version] = loaded
            while len(self._bundles) > KEPT_MAX:
                self._bundles.popitem(last=False)
        return loaded

    def current(self) -> Bundle:
        """Give the version that new conversations begin on.

        Raises:
            UnknownVersionError: nothing was ever published.
        """
        now_s = self._clock.monotonic()
        if not self._current or now_s >= self._look_at:
            self._current = self._store.read_now(current_version) or ""
            self._look_at = now_s + LOOK_S
        if not self._current:
            raise UnknownVersionError
        return self.get(self._current)

    def lines(self) -> dict[str, str]:
        """Give today's numbers: those of the current version, whatever version a conversation is pinned to."""
        current = self.current()
        if self._lines[0] != current.version:
            self._lines = (current.version, lines_in_service(current))
        return self._lines[1]

    def refresh(self) -> None:
        """Look again at the next question (call it on the hint «flows»)."""
        self._look_at = 0.0


def _unpacked(packed: bytes) -> dict[str, str]:
    found = json.loads(zlib.decompress(packed))
    return {str(name): str(content) for name, content in found.items()}
