"""What only the first start does, making the tables and compiling the scripts: in a child, whose memory ends with it.

YAML, the compiler and Alembic would otherwise stay with the process for months, a quarter of its memory. The child is
made before there is any thread. What it leaves half done by a kill or a mistake the start itself does anew, and says.
"""

import os
import time

from bot.faults import arm_from
from bot.publishing import ensure_published
from bot.settings import Settings
from bot.store import migrate
from bot.store.crypto import create_key_file, load_keyring
from bot.store.opening import open_store


def prepare_apart(settings: Settings) -> None:
    """Make key, tables and first version where there is no database yet."""
    if settings.database_url or settings.database.exists() or not hasattr(os, "fork"):
        return
    child = os.fork()
    if child == 0:
        os._exit(_prepared(settings))
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):  # a kill (out of memory, a crash point) is meant for the start as a whole
        os.kill(os.getpid(), os.WTERMSIG(status))


def _prepared(settings: Settings) -> int:
    try:
        _prepare(settings)
    except BaseException:  # noqa: BLE001 - the start itself meets the same, and says it
        return 1
    return 0


def _prepare(settings: Settings) -> None:
    arm_from(settings.fault)
    store = open_store(settings.database)
    try:
        if not settings.key_path.exists():
            create_key_file(settings.key_path)
        store.audit_key = load_keyring(settings.key_path).audit_key
        migrate.upgrade(store.connection)
        ensure_published(store, settings.flows_dir, now_ms=int(time.time() * 1000))
    finally:
        store.close()
