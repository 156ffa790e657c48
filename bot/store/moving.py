"""The mark on a PostgreSQL database into which an installation is being copied: nobody serves from half of it.

A comment on a table, since every row of the database is compared with the one it comes from.
"""

from bot.store.database import Store
from bot.store.trouble import StoreUnwritableError

_MARK = "panah: a move into this database is under way"
_FOUND = "SELECT obj_description(CAST('meta' AS regclass), 'pg_class')"


def begin(store: Store) -> None:
    """Set the mark."""
    store.write_now(lambda tx: tx.raw.execute(f"COMMENT ON TABLE meta IS '{_MARK}'") and None)


def end(store: Store) -> None:
    """Take it away: what is here is whole."""
    store.write_now(lambda tx: tx.raw.execute("COMMENT ON TABLE meta IS NULL") and None)


def is_under_way(store: Store) -> bool:
    """True from the first row to the last comparison, also when the move broke off."""
    return bool(store.write_now(lambda tx: tx.raw.execute(_FOUND).fetchone()[0] == _MARK))


def require_whole(store: Store) -> None:
    """Refuse to serve from a database that is only partly copied.

    Raises:
        StoreUnwritableError: a move into it has not ended.
    """
    if store.is_shared and is_under_way(store):
        raise StoreUnwritableError(
            "a move into this database has not ended; stop the old Panah and run `panah move --to` once more"
        )
