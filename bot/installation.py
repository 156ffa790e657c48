"""An installation opened for running: keys, database, migrations, scripts, and what a dead process left behind.

One process alone takes over everything on SQLite; beside others (bot.service) each takes only what is its own.
"""

from pathlib import Path
from typing import Any

from bot.app import Core, build_core, settle_memory
from bot.beats import begin
from bot.bus import Bus
from bot.content import load_screener
from bot.core.clock import SteadyClock
from bot.core.ids import system_ids
from bot.core.promise import due_row
from bot.due import plan
from bot.faults import arm_from, clock_from
from bot.languages import languages_of, sayable
from bot.publishing import ensure_published
from bot.retention import keep_of
from bot.sender import recover
from bot.settings import Settings
from bot.store import migrate, moving
from bot.store.crypto import KeyFileError, Keyring, create_key_file, load_keyring
from bot.store.database import Store, Tx
from bot.store.opening import open_store
from bot.store.turnstile import one_at_a_time
from bot.telemetry import Log
from bot.versions import VersionCache


def open_core(settings: Settings, log: Log, bus: Bus) -> Core:
    """Open the installation: keys, database, scripts. Refuses when another process writes there.

    Raises:
        StoreBusyError, StoreUnwritableError, KeyFileError, FromTheFutureError, CommandError: it cannot start.
    """
    arm_from(settings.fault)
    languages = languages_of(settings)
    had_database = settings.database.exists()
    store = open_store(settings.where)
    try:
        clock = SteadyClock(clock_from(settings.fault))
        with one_at_a_time(settings.where):
            if store.is_shared:
                had_database = _is_used(store)
            keyring = load_keyring(_key_file(settings, had_database=had_database))
            store.audit_key = keyring.audit_key
            migrate.upgrade(store.connection)
            moving.require_whole(store)
            if store.is_shared:
                _require_same_key(store, keyring)
            ensure_published(store, settings.flows_dir, now_ms=int(clock.now().timestamp() * 1000))
        screener = load_screener()
        versions = VersionCache(store, clock, languages)
        offered = sayable(versions.current(), languages)
        if offered != languages:  # whoever was served yesterday is served today; `doctor` names what is missing
            log.error("language_not_offered", count=len(languages) - len(offered))
            versions = VersionCache(store, clock, offered)
        core = build_core(
            store=store,
            keyring=keyring,
            bus=bus,
            clock=clock,
            ids=system_ids,
            screener=screener,
            versions=versions,
            lines=versions.lines,
            log=log,
            keep=keep_of(settings),
        )
    except BaseException:
        store.close()
        raise
    settle_memory()
    return core


def _key_file(settings: Settings, *, had_database: bool) -> Path:
    path = settings.key_path
    if not path.exists():
        if had_database:
            raise KeyFileError(f"the key file {path} is missing; put its escrow copy back, or nothing can be read")
        create_key_file(path)
    return path


def _is_used(store: Store) -> bool:
    """True for a shared database in which something is sealed already."""
    if migrate.current(store.connection) is None:
        return False
    sql = "SELECT EXISTS (SELECT 1 FROM contacts) OR EXISTS (SELECT 1 FROM meta WHERE key = 'key_id')"
    return bool(store.read_now(lambda db: db.exec_driver_sql(sql).scalar()))


def _require_same_key(store: Store, keyring: Keyring) -> None:
    """See that every process of a shared database has the same key file: what one seals the others must open."""
    keep = "INSERT INTO meta (key, value) VALUES ('key_id', ?) ON CONFLICT (key) DO NOTHING"
    store.write_now(lambda tx: tx.raw.execute(keep, (keyring.key_id,)))
    found = store.read_now(lambda db: db.exec_driver_sql("SELECT value FROM meta WHERE key = 'key_id'").scalar())
    if found != keyring.key_id and not keyring.has_retired:  # a change of the key that was not finished has both
        raise KeyFileError("this key file belongs to another database; copy the one of the first process here")


def pick_up(core: Core) -> None:
    """Take over after the last stop: careful when it was not clean; what a dead sender had leased may go out again."""
    found = core.store.read_now(lambda db: db.exec_driver_sql("SELECT value FROM meta WHERE key = 'stop'").scalar())
    if found == "running":
        core.log.warning("unclean_stop")
        core.worker.be_careful()
    core.store.write_now(lambda tx: mark_stop(tx, "running"))
    core.store.write_now(recover)
    core.store.write_now(forget_leases)
    core.store.write_now(begin)
    now_ms = int(core.clock.now().timestamp() * 1000)
    core.store.write_now(lambda tx: plan(tx, due_row("retention", "all", "1", due_at=now_ms + 60_000, now_ms=now_ms)))


def forget_leases(tx: Tx) -> None:
    """Take what a dead process held: we are the only one that writes here, so its leases would only make us wait."""
    tx.raw.execute("DELETE FROM leases")


def mark_stop(tx: Any, value: str) -> None:
    """Note whether the process is running or was stopped cleanly."""
    sql = "INSERT INTO meta (key, value) VALUES ('stop', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    tx.raw.execute(sql, (value,))


def close(core: Core, *, is_clean: bool) -> None:
    """Write what is queued, mark a stop that was asked for as clean, let go of the database."""
    if is_clean:
        core.store.write_now(lambda tx: mark_stop(tx, "clean"))
    core.store.close()
