"""Finding whose address something is, without the address being readable in the database."""

from sqlalchemy import Connection, select

from bot.store import schema
from bot.store.crypto import Keyring


def contact_of(connection: Connection, keyring: Keyring, channel: str, external_id: str) -> str | None:
    """Give the contact of an address; None when nobody ever wrote from it."""
    table = schema.addresses.c
    query = select(table.contact_id).where(
        table.channel == channel, table.address_index == keyring.address_index(channel, external_id)
    )
    return connection.execute(query).scalar_one_or_none()
