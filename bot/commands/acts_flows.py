"""Publishing scripts and going back, as the command line asks for it: FlowActs, imported at the first such act.

What checks scripts is heavy, and a process that serves people needs it only when somebody publishes.
"""

import itertools
from functools import partial
from typing import Any

from sqlalchemy import Connection

from bot import control
from bot.app import Core
from bot.drafts import Sources, diff, read_sources
from bot.engine.issues import errors
from bot.engine.model import Bundle
from bot.publishing import (
    Act,
    NotReadyError,
    PublishError,
    SecondPersonError,
    UnknownVersionError,
    current_version,
    gate,
    history,
    propose,
    publish,
    rollback,
    version_sources,
)
from bot.settings import Settings
from bot.store.database import Tx
from bot.talks import run_talks
from bot.web.studio_checks import Checker
from bot.web.studio_deps import record
from escalation import repo_staff
from escalation.policy import Actor, may

_WORDS: dict[type[PublishError], str] = {
    SecondPersonError: "this change carries danger: --by must be another person than --author",
    UnknownVersionError: "this version was never published",
}


class FlowActs:
    """The acts themselves; each raises control.RefusedError with a sentence for the person at the terminal."""

    def __init__(self, core: Core, settings: Settings) -> None:
        self.core = core
        self._settings = settings
        talks = partial(run_talks, screener=core.screener)
        self._checker = Checker(core.clock, screen=core.screener.screen, run_talks=talks)

    async def flows_publish(self, by: str, author: str, note: str, accept_warnings: bool) -> str:
        """Check the edited scripts completely and make them the current version; give its id."""
        store = self.core.store
        publisher = await store.read(partial(_person, username=by, actions=("publish",)))
        writer = await store.read(partial(_person, username=author, actions=("propose",)))
        sources = read_sources(self._settings.flows_dir)
        if not diff(await store.read(_published), sources):
            raise control.RefusedError("the scripts do not differ from what is published")
        bundle = await self._checked(sources, accept_warnings=accept_warnings)
        request_id = self.core.ids()
        asking, deciding = self._act(writer, note), self._act(publisher, note)

        def write(tx: Tx) -> str:
            propose(tx, request_id, sources, bundle, asking)
            record(tx, asking, "propose", request_id)
            version = publish(tx, request_id, deciding, bus=self.core.bus)
            record(tx, deciding, "publish", version)
            return version

        return await self._write(write)

    async def flows_rollback(self, by: str, reason: str, version: str | None) -> str:
        """Make an earlier publication (by default the one before) the current version; give its id."""
        store = self.core.store
        actor = await store.read(partial(_person, username=by, actions=("publish", "propose")))
        target = await store.read(partial(_earlier, version=version))
        act = self._act(actor, reason)
        if not act.note:
            raise control.RefusedError("going back needs a --reason")

        def write(tx: Tx) -> str:
            rollback(tx, target, act, bus=self.core.bus)
            record(tx, act, "rollback", target)
            return target

        return await self._write(write)

    async def _checked(self, sources: Sources, *, accept_warnings: bool) -> Bundle:
        """Give the scripts compiled; only warnings that the published version does not have need to be accepted."""
        checked = await self._checker.check(sources, complete=True)
        published = await self.core.store.read(lambda found: version_sources(found, current_version(found)))
        news = [one for one in await self._checker.fresh(checked, published) if one.severity == "W"]
        try:
            gate(errors(list(checked.issues)) + news, acknowledged=accept_warnings)
        except NotReadyError as error:
            raise control.RefusedError(_in_the_way(error)) from error
        assert checked.bundle is not None  # a bundle that cannot be read comes with errors
        return checked.bundle

    async def _write(self, write: Any) -> str:
        try:
            version: str = await self.core.store.write(write)
        except PublishError as error:
            raise control.RefusedError(_WORDS.get(type(error), str(error) or type(error).__name__)) from error
        return version

    def _act(self, actor: Actor, note: str) -> Act:
        now_ms = int(self.core.clock.now().timestamp() * 1000)
        return Act(by=actor.staff_id, now_ms=now_ms, note=note.strip()[:500])


def _person(connection: Connection, *, username: str, actions: tuple[str, ...]) -> Actor:
    row = repo_staff.by_username(connection, username)
    if row is None or row["disabled_at"] is not None:
        raise control.RefusedError(f"there is no enabled account {username}")
    actor = repo_staff.to_actor(row)
    if not any(may(actor, "flow", action) for action in actions):
        raise control.RefusedError(f"the roles of {username} do not allow to {actions[0]} scripts")
    return actor


def _published(connection: Connection) -> dict[str, str]:
    return version_sources(connection, current_version(connection))


def _earlier(connection: Connection, *, version: str | None) -> str:
    rows = history(connection)  # newest first
    left = {older.version for newer, older in itertools.pairwise(rows) if newer.action == "rollback"}
    earlier = [row.version for row in rows if row.version != rows[0].version and row.version not in left]
    if version is None and not earlier:
        raise control.RefusedError("no other version was ever published")
    if version is not None and version not in {row.version for row in rows}:
        known = ", ".join(dict.fromkeys(row.version for row in rows))
        raise control.RefusedError(f"version {version} was never published; published were: {known}")
    return version or earlier[0]


def _in_the_way(error: NotReadyError) -> str:
    first = error.issues[0]
    kind = "errors" if first.severity == "E" else "warnings that need --accept-warnings"
    return f"the scripts have {len(error.issues)} {kind}; run `panah flows check`. First: {first.render('en')}"
