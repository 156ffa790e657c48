"""What the tests of the staff bot look up at its desk."""

from fakes.waiting import until

TOKEN = "444:staff-canary-token"
CASE = "a" * 26


async def case_row(store):
    return await store.read(
        lambda db: db.exec_driver_sql("SELECT state, holder, token FROM cases WHERE id = ?", (CASE,)).fetchone()
    )


async def seen_by(store):
    """Give who saw which case, as history and audit have it."""
    return await store.read(
        lambda db: [
            tuple(row)
            for row in db.exec_driver_sql(
                "SELECT e.case_id, e.actor, a.action FROM case_events e JOIN audit a ON a.target_id = e.case_id"
                " WHERE e.kind = 'seen' ORDER BY e.id"
            )
        ]
    )


async def until_told(store):
    """Wait until the desk was told of the newest event."""
    sql = "SELECT (SELECT max(id) FROM case_events) = (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'staffbot_told')"

    def is_told():
        return store.read_now(lambda db: db.exec_driver_sql(sql).scalar())

    await until(is_told)
