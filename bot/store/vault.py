"""Finding a contact's data key, and the JSON that is sealed under it.

`seal` and `unseal` are the only way content goes into and out of a `sealed_*` column; the place name is
«table.column» without the `sealed_` prefix.
"""

import json
from typing import Any

from sqlalchemy import Connection, select

from bot.store import schema
from bot.store.crypto import DataKey, Keyring


def contact_key(connection: Connection, keyring: Keyring, contact_id: str) -> DataKey | None:
    """Give a contact's key; None when she is unknown or was erased."""
    query = select(schema.contacts.c.wrapped_key).where(schema.contacts.c.id == contact_id)
    wrapped = connection.execute(query).scalar_one_or_none()
    return None if wrapped is None else keyring.unwrap(wrapped)


def seal(key: DataKey, place: str, content: Any) -> bytes:
    """Seal plain data (JSON) for one place."""
    plain = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return key.seal(place.encode(), plain)


def unseal(key: DataKey, place: str, sealed: bytes) -> Any:
    """Open what was sealed for that place.

    Raises:
        UnreadableError: wrong key, wrong place or changed bytes.
    """
    return json.loads(key.open(place.encode(), sealed).decode("utf-8", "surrogatepass"))
