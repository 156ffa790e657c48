"""Alembic's entry: runs on the connection that bot.store.migrate hands over."""

from alembic import context
from sqlalchemy import text

from bot.core.fault import fault
from bot.store.schema import metadata

for index in (one for table in metadata.tables.values() for one in table.indexes if "only" in one.info):
    index.dialect_options["postgresql"]["where"] = text(index.info["only"])  # for whoever has the next revision written

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    on_version_apply=lambda **_: fault("X2"),  # behind each step
)
context.run_migrations()
