"""Who is writing: finds or makes the contact behind an address, with her key and her session, and remembers them.

Only turns use it, on the writer's thread. Under SQLite's one writer what it remembers cannot go stale. Beside other
processes (PostgreSQL) a contact is held until the commit before she is believed or loaded, and what was remembered
counts only when nobody else changed her since. An entry is dropped whenever a batch that touched it was not committed.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from bot.commit import Rows
from bot.core.ids import IdSource
from bot.known import Known, is_parked, load
from bot.store.crypto import DataKey, Keyring, UnreadableError
from bot.store.database import Tx
from bot.store.vault import seal

#: Contacts kept in memory; about 3 KB each.
REMEMBERED = 5_000


_BY_ADDRESS = """
SELECT a.contact_id, a.id, a.channel, c.wrapped_key, c.language, c.left_at, c.seen_at
FROM addresses a JOIN contacts c ON c.id = a.contact_id WHERE a.channel = ? AND a.address_index = ?
"""
_BY_CONTACT = """
SELECT a.contact_id, a.id, a.channel, c.wrapped_key, c.language, c.left_at, c.seen_at
FROM contacts c JOIN addresses a ON a.contact_id = c.id
LEFT JOIN sessions s ON s.contact_id = c.id AND s.address_id = a.id
WHERE c.id = ? ORDER BY s.started_at DESC NULLS LAST, a.created_at DESC LIMIT 1
"""
_NOBODY = "nobody:"  #: among what is held: an address that was looked up and is nobody's
_STRANGERS = "SELECT address_index, contact_id FROM addresses WHERE address_index = ANY(?)"
_KEY = "SELECT wrapped_key FROM contacts WHERE id = ?"


class Directory:
    """Finds contacts; a small memory before the tables."""

    def __init__(self, keyring: Keyring, ids: IdSource) -> None:
        self._keyring = keyring
        self._ids = ids
        self._by_contact: OrderedDict[str, Known] = OrderedDict()
        self._by_address: dict[tuple[str, str], str] = {}

    def find(self, tx: Tx, channel: str, external_id: str, rows: Rows, now_ms: int) -> Known:
        """Give the contact behind an address, making her (rows) when she is new."""
        contact_id = self._by_address.get((channel, external_id))
        remembered = self._remembered(tx, contact_id) if contact_id is not None else None
        if remembered is not None:
            return remembered
        index = self._keyring.address_index(channel, external_id)
        tx.hold_addresses([index])
        is_nobody = _NOBODY + index in tx.held
        found = None if is_nobody else tx.raw.execute(_BY_ADDRESS, (channel, index)).fetchone()
        if found is not None and tx.is_shared:  # the row as it is once she is ours
            self.hold(tx, [found[0]])
            found = tx.raw.execute(_BY_ADDRESS, (channel, index)).fetchone()
        known = self._known_behind(tx, found, rows, now_ms) if found else None
        if known is None:
            known = self._new(channel, external_id, index, rows, now_ms)
            known.damaged = found is not None
            tx.held[known.contact_id] = known.changes  # nobody else can know of her before the commit
        self._remember(known, (channel, external_id))
        return known

    def hold(self, tx: Tx, contact_ids: Iterable[str]) -> None:
        """Keep other processes off these contacts until the commit, and forget whom they changed meanwhile."""
        for contact_id, changes in tx.hold(contact_ids).items():
            known = self._by_contact.get(contact_id)
            if known is None:
                continue
            if known.changes + 1 == changes:
                known.changes = changes
            else:
                self.forget({contact_id})

    def hold_all(self, tx: Tx, asked: Iterable[tuple[str, str, str]]) -> None:
        """Do so for a whole batch at once: (channel, address, contact or nothing) of each arrival."""
        if not tx.is_shared:
            return
        strangers: dict[str, str] = {}
        contact_ids: set[str] = set()
        for channel, external_id, named in asked:
            contact_id = named or self._by_address.get((channel, external_id))
            if contact_id is None:
                strangers[self._keyring.address_index(channel, external_id)] = channel
            else:
                contact_ids.add(contact_id)
        tx.hold_addresses(strangers)
        if strangers:
            found = dict(tx.raw.execute(_STRANGERS, ([*strangers],)).fetchall())
            contact_ids.update(found.values())
            tx.held.update((_NOBODY + index, 0) for index in strangers if index not in found)
        self.hold(tx, contact_ids)

    def _remembered(self, tx: Tx, contact_id: str) -> Known | None:
        """Give a contact from memory, if what is remembered still holds."""
        if tx.is_shared:
            self.hold(tx, [contact_id])
        known = self._by_contact.get(contact_id)
        if known is not None:
            self._by_contact.move_to_end(contact_id)
        return known

    def _known_behind(self, tx: Tx, found: Any, rows: Rows, now_ms: int) -> Known | None:
        """Give the contact of an address row, remembered or loaded; an unreadable key makes way for a new contact."""
        remembered = self._by_contact.get(found[0])
        if remembered is not None:
            return remembered
        try:
            return load(tx, self._keyring, found, now_ms)
        except UnreadableError:
            rows.add("address_retired", {"id": found[1]})
            return None

    def find_contact(self, tx: Tx, contact_id: str, now_ms: int) -> Known | None:
        """Give a contact by id, at the address of her newest session; None when she was erased.

        Raises:
            UnreadableError: her key is damaged, which is no erasure: a person must be told.
        """
        known = self._remembered(tx, contact_id)
        if known is not None:
            return known
        found = tx.raw.execute(_BY_CONTACT, (contact_id,)).fetchone()
        known = load(tx, self._keyring, found, now_ms) if found else None
        if known is not None:
            self._remember(known, None)
        return known

    def find_or_stand_in(self, tx: Tx, contact_id: str, rows: Rows, now_ms: int) -> Known | None:
        """Give a contact by id; when her key is damaged, one without an address under whom a case can be opened."""
        try:
            return self.find_contact(tx, contact_id, now_ms)
        except UnreadableError:
            return self._stand_in(tx, contact_id, rows, now_ms)

    def _stand_in(self, tx: Tx, contact_id: str, rows: Rows, now_ms: int) -> Known:
        """Give the one contact that stands in for an unreadable one, made (rows) when there is none yet."""
        channel = tx.raw.execute(_BY_CONTACT, (contact_id,)).fetchone()[2]
        contact_id += "~"
        found = tx.raw.execute(_KEY, (contact_id,)).fetchone()
        while found is not None and found[0] is None:  # an earlier one was erased when its case was over
            contact_id += "~"
            found = tx.raw.execute(_KEY, (contact_id,)).fetchone()
        if found is not None:
            return Known(contact_id, "", channel, self._keyring.unwrap(found[0]))
        return Known(contact_id, "", channel, self._new_contact(contact_id, rows, now_ms))

    def move(self, her: Known, known: Known, external_id: str, rows: Rows) -> None:
        """Let her be found at the address at which `known` was; that one has no address any more (rows)."""
        sealed = seal(her.key, "addresses.external_id", {"id": external_id})
        rows.add("address_moved", {"id": known.address_id, "contact_id": her.contact_id, "sealed": sealed})
        self.forget({known.contact_id})
        self._forget_addresses(her)
        her.asked_by.clear()
        her.address_id, her.channel, her.moved = known.address_id, known.channel, True
        her.asked_by.append((known.channel, external_id))
        self._by_contact[her.contact_id] = her
        self._by_address[known.channel, external_id] = her.contact_id

    def forget(self, contact_ids: set[str]) -> None:
        """Drop entries whose rows were not committed."""
        for contact_id in contact_ids:
            gone = self._by_contact.pop(contact_id, None)
            if gone is not None:
                self._forget_addresses(gone)

    def look_for_parked(self, tx: Tx, contact_id: str) -> None:
        """See whether something of hers still waits, after a waiting row had its turn."""
        known = self._by_contact.get(contact_id)
        if known is not None and known.parked:
            known.parked = is_parked(tx, contact_id)

    def forget_all(self) -> None:
        """Drop everything that is remembered: the tables were changed behind it (on the writer's thread)."""
        self._by_contact.clear()
        self._by_address.clear()

    def _remember(self, known: Known, address: tuple[str, str] | None) -> None:
        if len(self._by_contact) >= REMEMBERED:
            _, gone = self._by_contact.popitem(last=False)
            self._forget_addresses(gone)
        self._by_contact[known.contact_id] = known
        if address is not None:
            known.asked_by.append(address)
            self._by_address[address] = known.contact_id

    def _forget_addresses(self, gone: Known) -> None:
        for address in gone.asked_by:
            self._by_address.pop(address, None)

    def _new(self, channel: str, external_id: str, index: str, rows: Rows, now_ms: int) -> Known:
        contact_id = self._ids()
        key = self._new_contact(contact_id, rows, now_ms)
        known = Known(contact_id, self._ids(), channel, key)
        rows.add(
            "address_new",
            {
                "id": known.address_id,
                "contact_id": known.contact_id,
                "channel": channel,
                "address_index": index,
                "sealed_external_id": seal(key, "addresses.external_id", {"id": external_id}),
                "created_at": now_ms,
            },
        )
        return known

    def _new_contact(self, contact_id: str, rows: Rows, now_ms: int) -> DataKey:
        wrapped, key = self._keyring.new_data_key()
        rows.add(
            "contact_new",
            {
                "id": contact_id,
                "wrapped_key": wrapped,
                "key_id": self._keyring.key_id,
                "language": "fa",
                "created_at": now_ms,
                "seen_at": now_ms,
            },
        )
        return key
