"""`panah backup` and `panah restore`: one file that holds the whole database, and the way back from it.

A backup is taken from a read-only connection while everything runs. It holds no key: content stays sealed, so the
key file is kept apart (`panah key export`). A restore never touches an installation in use.
"""

import argparse
import contextlib
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
from bot.store.audit import verify
from bot.store.crypto import Keyring, UnreadableError, load_keyring
from bot.store.database import Store, Tx
from bot.store.opening import open_store
from bot.store.sqlite_file import SIDE_FILES, fold, holding, reading, set_aside
from bot.store.trouble import StoreBusyError, StoreUnwritableError
from bot.tombstones import path_of, read_tombstones

#: What `--check` tells of a backup.
_COUNTED = ("contacts", "messages", "cases")


def backup(args: argparse.Namespace) -> int:
    """Write a consistent copy of the database into a new file."""
    settings, target = read_settings(), Path(args.file)
    arm_from(settings.fault)
    if not settings.database_url and not settings.database.is_file():
        raise CommandError(f"there is nothing to back up: no database {settings.database}")
    refuse_existing(target)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:  # mode 0700
            staging = Path(folder) / "copy.db"
            copy_database(_source(settings, Path(folder)), staging)
            staging.chmod(0o600)
            put_in_place(staging, target)
    except OSError as error:
        raise CommandError(f"cannot write {target}: {error.strerror}") from error
    _note(settings, int(time.time() * 1000))
    _say(f"the backup is {target}; it can be read only with the key file {settings.key_path}, which is not in it")
    return 0


def _source(settings: Settings, folder: Path) -> Path:
    """Give the SQLite file to copy: the database in use, or what was read from PostgreSQL."""
    if not settings.database_url:
        return settings.database
    from bot.commands.backup_postgres import copy_postgres  # noqa: PLC0415 - only where it is configured

    read = folder / "read.db"
    copy_postgres(settings.database_url, read)
    return read


def _note(settings: Settings, at_ms: int) -> None:
    """Remember the backup for `panah doctor`, where somebody may write; the backup counts either way."""
    try:
        control.call(settings.socket, "note_backup", at_ms=at_ms)
    except control.RefusedError:
        return
    except control.NotRunningError:
        with (
            contextlib.suppress(StoreBusyError, StoreUnwritableError),
            contextlib.closing(open_store(settings.where, threaded=False)) as db,
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
    """Put a backup in the place of an installation that is not running; or, with --check, only try whether it could be."""
    settings, source = read_settings(), Path(args.file)
    if not source.is_file():
        raise CommandError(f"there is no backup {source}")
    keyring = _keyring(settings, args.old_key)
    if args.check:
        _say(_check(settings, source, keyring))
    elif settings.database_url:
        _restore_postgres(settings, source, keyring, replace=args.replace)
    else:
        _restore_file(settings, source, keyring, replace=args.replace)
    return 0


def _check(settings: Settings, source: Path, keyring: Keyring) -> str:
    """Do all that a restore does but its last step, and walk the audit's chain."""
    with tempfile.TemporaryDirectory(prefix="panah-check-") as name:
        staged = Path(name) / "panah.db"
        copy_database(source, staged)
        _make_ready(staged, keyring, erased=read_tombstones(path_of(settings)))
        with reading(staged) as db:
            verdict = verify(db, keyring.audit_key)
            counts = [(name, db.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar()) for name in _COUNTED]  # noqa: S608 - our own names
    if verdict.broken is not None:
        raise CommandError(f"the audit in this backup breaks at row {verdict.broken}: {verdict.why}")
    return f"{source} can be restored with this key: " + ", ".join(f"{count} {name}" for name, count in counts)


def _restore_postgres(settings: Settings, source: Path, keyring: Keyring, *, replace: bool) -> None:
    from bot.commands.backup_postgres import erased_in, put_in_postgres  # noqa: PLC0415 - only where it is configured

    settings.var.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.var) as name:
        staged = Path(name) / "panah.db"
        copy_database(source, staged)
        erased = [*erased_in(settings.database_url), *read_tombstones(path_of(settings))]
        _make_ready(staged, keyring, erased=erased)
        aside = put_in_postgres(staged, settings.database_url, replace=replace)
    if aside is not None:
        _say(f"what was here is now in the schema {aside}; drop it when it is no longer wanted")
    _say(f"restored {source}; whoever asked to be erased after it was taken must be erased again")


def _restore_file(settings: Settings, source: Path, keyring: Keyring, *, replace: bool) -> None:
    with holding(settings.database):
        if settings.database.exists() and not replace:
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
        store.write_now(partial(note, key="key_id", value=keyring.key_id))  # by it all is wrapped from here on
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
        fold(database)
        with contextlib.closing(sqlite3.connect(database, timeout=10.0, isolation_level=None)) as old:
            return [row[0] for row in old.execute("SELECT id FROM contacts WHERE erased_at IS NOT NULL")]
    except sqlite3.Error:
        return []  # the database is replaced because it is broken


def _move_aside(settings: Settings) -> Path | None:
    database = settings.database
    if not database.exists():
        for suffix in SIDE_FILES:  # of a database that is gone: SQLite would play them into the new one
            database.with_name(database.name + suffix).unlink(missing_ok=True)
        return None
    aside = database.with_name(f"{database.name}.{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    set_aside(database, aside)
    sync(database.parent)
    return aside


def _say(sentence: str) -> None:
    print(f"panah: {sentence}")  # noqa: T201 - the terminal is this verb's business
