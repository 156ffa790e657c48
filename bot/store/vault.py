"""Finding a contact's data key, and the JSON that is sealed under it.

`seal` and `unseal` are the only way content goes into and out of a `sealed_*` column; the place name is
«table.column» without the `sealed_` prefix.
"""

import json
from typing import Any

import orjson
from sqlalchemy import Connection, select

from bot.store import schema
from bot.store.crypto import DataKey, Keyring


def contact_key(connection: Connection, keyring: Keyring, contact_id: str) -> DataKey | None:
    """Give a contact's key; None when she is unknown or was erased."""
    query = select(schema.contacts.c.wrapped_key).where(schema.contacts.c.id == contact_id)
    wrapped = connection.execute(query).scalar_one_or_none()
    return None if wrapped is None else keyring.unwrap(wrapped)


def to_bytes(content: Any) -> bytes:
    """Give plain data as JSON bytes. Lone surrogates, which a stranger may send, survive the round trip."""
    try:
        return orjson.dumps(content)
    except TypeError:
        return json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")


def from_bytes(plain: bytes) -> Any:
    """Read what `to_bytes` gave."""
    try:
        return orjson.loads(plain)
    except orjson.JSONDecodeError:
        return json.loads(plain.decode("utf-8", "surrogatepass"))


def seal(key: DataKey, place: str, content: Any) -> bytes:
    """Seal plain data (JSON) for one place."""
    return key.seal(place.encode(), to_bytes(content))


def unseal(key: DataKey, place: str, sealed: bytes) -> Any:
    """Open what was sealed for that place.

    Raises:
        UnreadableError: wrong key, wrong place or changed bytes.
    """
    return from_bytes(key.open(place.encode(), sealed))
