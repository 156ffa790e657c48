"""`panah backup` and `panah restore`: one file that holds the whole database, and the way back from it.

A backup is taken from a read-only connection while everything runs. It holds no key: content stays sealed, so the
key file is kept apart (`panah key export`). A restore never touches an installation in use.
"""

import argparse
import contextlib
import os
import sqlite3
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bot import control
from bot.commands.files import put_in_place, refuse_existing, sync
from bot.core.fault import fault
from bot.erasing import erase
from bot.errors import CommandError
from bot.faults import arm_from
from bot.outbox_record import settle_restored
from bot.rewrapping import rewrap_factors, rewrap_some
from bot.settings import Settings, read_settings
from bot.store import migrate
from bot.store.crypto import Keyring, UnreadableError, load_keyring
from bot.store.database import Store, StoreBusyError, StoreUnwritableError, Tx, holding
from bot.tombstones import path_of, read_tombstones

#: Beside the database while it is in use.
_SIDE_FILES = ("-wal", "-shm")


def backup(args: argparse.Namespace) -> int:
    """Write a consistent copy of the database into a new file."""
    settings, target = read_settings(), Path(args.file)
    arm_from(settings.fault)
    if not settings.database.is_file():
        raise CommandError(f"there is nothing to back up: no database {settings.database}")
    refuse_existing(target)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # mode 0600
        os.close(handle)
        staging = Path(name)
        try:
            copy_database(settings.database, staging)
            put_in_place(staging, target)
        finally:
            staging.unlink(missing_ok=True)
    except OSError as error:
        raise CommandError(f"cannot write {target}: {error.strerror}") from error
    _note(settings, int(time.time() * 1000))
    _say(f"the backup is {target}; it can be read only with the key file {settings.key_path}, which is not in it")
    return 0


def _note(settings: Settings, at_ms: int) -> None:
    """Remember the backup for `panah doctor`, where somebody may write; the backup counts either way."""
    try:
        control.call(settings.socket, "note_backup", at_ms=at_ms)
    except control.RefusedError:
        return
    except control.NotRunningError:
        with (
            contextlib.suppress(StoreBusyError, StoreUnwritableError),
            contextlib.closing(Store(settings.database)) as db,
        ):
            db.write_now(partial(note, key="backup_at", value=str(at_ms)))


def copy_database(source: Path, target: Path) -> None:
    """Copy a database, in use or not, into one self-contained file, and check the copy.

    Raises:
        CommandError: the source is no sound database.
    """
    try:
        with (
            contextlib.closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=10.0)) as old,
            contextlib.closing(sqlite3.connect(target, timeout=10.0, isolation_level=None)) as new,
        ):
            old.backup(new)
            fault("X1")
            new.execute("PRAGMA journal_mode=DELETE")  # no side files: the one file is the backup
            found = new.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error as error:
        raise CommandError(f"{source} cannot be copied as a database: {error}") from error
    if found != ("ok",):
        raise CommandError(f"{source} is damaged; nothing was written")


def restore(args: argparse.Namespace) -> int:
    """Put a backup in the place of an installation that is not running."""
    settings, source = read_settings(), Path(args.file)
    if not source.is_file():
        raise CommandError(f"there is no backup {source}")
    keyring = _keyring(settings, args.old_key)
    with holding(settings.database):
        if settings.database.exists() and not args.replace:
            raise CommandError(f"there is a database {settings.database}; --replace moves it aside")
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.var) as name:
            staged = Path(name) / settings.database.name
            copy_database(source, staged)
            erased = [*_erased(settings.database), *read_tombstones(path_of(settings))]
            _make_ready(staged, keyring, erased=erased)
            staged.chmod(0o600)
            aside = _move_aside(settings)
            put_in_place(staged, settings.database)
    if aside is not None:
        _say(f"the database that was here is now {aside}; delete it when it is no longer wanted")
    _say(f"restored {source}; whoever asked to be erased after it was taken must be erased again")
    return 0


def _keyring(settings: Settings, old_key: str | None) -> Keyring:
    keyring = load_keyring(settings.key_path)
    if old_key:
        old = load_keyring(Path(old_key))
        if not keyring.is_same_installation(old):
            raise CommandError("the old key file is of another installation")
        keyring.open_also(old)
    return keyring


def _make_ready(staged: Path, keyring: Keyring, *, erased: list[str]) -> None:
    """Bring a restored database to the present: schema, keys, what must not be said any more, who was erased since."""
    now_ms = int(time.time() * 1000)
    store = Store(staged)
    try:
        if migrate.current(store.connection) is None:
            raise CommandError("this file is not a backup of Panah")
        migrate.upgrade(store.connection)
        _try_key(store, keyring)
        store.audit_key = keyring.audit_key
        _rewrap(store, keyring)
        store.write_now(partial(_settle, now_ms=now_ms))
        for contact_id in erased:
            store.write_now(partial(erase, contact_id=contact_id, now_ms=now_ms))
    finally:
        store.close()


def _rewrap(store: Store, keyring: Keyring) -> None:
    """Wrap by the current key what a backup from before its change holds."""
    after: str | None = ""
    while keyring.has_retired and after is not None:
        _, after = store.write_now(partial(rewrap_some, keyring=keyring, after=after))
    store.write_now(partial(rewrap_factors, keyring=keyring))


def note(tx: Tx, key: str, value: str) -> None:
    """Remember one thing about the installation."""
    sql = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    tx.raw.execute(sql, (key, value))


def _try_key(store: Store, keyring: Keyring) -> None:
    sql = "SELECT wrapped_key FROM contacts WHERE wrapped_key IS NOT NULL ORDER BY created_at DESC LIMIT 1"
    wrapped = store.read_now(lambda db: db.exec_driver_sql(sql).scalar())
    try:
        if wrapped is not None:
            keyring.unwrap(wrapped)
    except UnreadableError as error:
        raise CommandError(
            "the key file here does not open this backup; put the key file that belongs to it"
        ) from error


def _settle(tx: Tx, *, now_ms: int) -> None:
    """Say nothing twice and nothing late: what was being sent is unknown, what is too old is over."""
    settle_restored(tx, now_ms)
    note(tx, "restored_at", str(now_ms))
    note(tx, "stop", "running")  # as after a crash: what waits is run carefully, one by one


def _erased(database: Path) -> list[str]:
    """Give who was erased in the database that is replaced: a backup must not bring them back."""
    if not database.exists():
        return []
    try:
        with contextlib.closing(sqlite3.connect(database, timeout=10.0, isolation_level=None)) as old:
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return [row[0] for row in old.execute("SELECT id FROM contacts WHERE erased_at IS NOT NULL")]
    except sqlite3.Error:
        return []  # the database is replaced because it is broken


def _move_aside(settings: Settings) -> Path | None:
    database = settings.database
    if not database.exists():
        for suffix in _SIDE_FILES:  # of a database that is gone: SQLite would play them into the new one
            database.with_name(database.name + suffix).unlink(missing_ok=True)
        return None
    aside = database.with_name(f"{database.name}.{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    for suffix in ("", *_SIDE_FILES):
        old = database.with_name(database.name + suffix)
        if old.exists():
            old.rename(aside.with_name(aside.name + suffix))
    sync(database.parent)
    return aside


def _say(sentence: str) -> None:
    print(f"panah: {sentence}")  # noqa: T201 - the terminal is this verb's business
