"""Which numbered rows a reader of «everything after number n» may pass on, where several processes number rows.

A number is drawn before its transaction commits. Whoever reads 7 while 6 is still being written, and then asks for what
comes after 7, never sees 6. So on PostgreSQL a row counts only once every older transaction is over. The server counts
those of all its databases: whatever somebody leaves open elsewhere, a row of two minutes counts all the same.
"""

from sqlalchemy import ColumnElement, Connection, literal_column, true

#: The server ends a transaction of ours that rests for a minute (bot.store.postgres), so none is older.
OLD_MS = 120_000


def settled(connection: Connection, table: str) -> ColumnElement[bool]:
    """Give the condition that no row with a smaller number can still appear; the table has its rows' time in `at`.

    One writer needs none.
    """
    if connection.dialect.name != "postgresql":
        return true()
    return literal_column(
        f"(age({table}.xmin) > age(CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS xid))"
        f" OR {table}.at < CAST(extract(epoch FROM now()) * 1000 AS bigint) - {OLD_MS})"
    )
