"""Alembic's entry: runs on the connection that bot.store.migrate hands over."""

from alembic import context

from bot.core.fault import fault
from bot.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    on_version_apply=lambda **_: fault("X2"),  # behind each step
)
context.run_migrations()
