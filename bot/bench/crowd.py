"""A database that has served for years, made in bulk: closed cases, waiting conversations, live chats.

Rows are what the service itself would have left, sealed under each contact's own key, so that every page opens them.
Each block of contacts is one transaction without fsync; nothing serves the database meanwhile.
"""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.app import Core
from bot.bench.dialogue import script, update
from bot.core.ids import case_code
from bot.handlers.telegram_decode import decode_update
from bot.store.crypto import DataKey
from bot.store.database import Tx
from bot.store.vault import seal

_DAY_MS = 86_400_000
_BLOCK = 20_000
_DESKS = ("IR-23", "IR-07", "IR-10", "IR-30", "EOC")
_TIERS = ("T1", "T2", "T3", "T4")
_WORDS = "مدتی است که شب‌ها خوابم نمی‌برد و دلم می‌خواهد با کسی حرف بزنم."
_SUMMARY = {"why": ["از فکر مردن گفت"], "note": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many of each. `scaled` makes a smaller one of the same shape."""

    closed: int = 1_000_000
    waiting: int = 100_000
    live: int = 2_000
    holders: int = 200  #: counsellors who hold the live chats
    words: int = 20  #: messages of each live chat

    def scaled(self, share: float) -> "Size":
        """Give a share of it."""
        return Size(
            closed=max(4, int(self.closed * share)),
            waiting=max(4, int(self.waiting * share)),
            live=max(4, int(self.live * share)),
            holders=max(1, int(self.holders * share)),
            words=self.words,
        )


class Crowd:
    """Makes the rows. Contacts keep their own keys; the same plain words are sealed for each."""

    def __init__(self, core: Core, now_ms: int) -> None:
        self._core = core
        self._now_ms = now_ms
        self._numbers = itertools.count(1)
        self._state, self._version = b"", ""

    async def fill(self, size: Size) -> None:
        """Make everything and count it."""
        self._version, self._state = await self._session_of_somebody()
        store = self._core.store
        await store.write(lambda tx: _staff(tx, size.holders, self._now_ms))
        store.connection.exec_driver_sql("PRAGMA synchronous=OFF")
        for made in (self._closed(size.closed), self._waiting(size.waiting), self._live(size)):
            while block := list(itertools.islice(made, _BLOCK)):
                await store.write(lambda tx, block=block: _insert(tx, block))  # type: ignore[misc]
        store.connection.exec_driver_sql("PRAGMA synchronous=FULL")
        await store.write(lambda tx: tx.raw.execute("ANALYZE"))

    async def _session_of_somebody(self) -> tuple[str, bytes]:
        """Have one real conversation up to its fifth turn; give its session as plain bytes."""
        core, contact = self._core, 900_000_000
        for number, text in enumerate(script(contact)[:5]):
            raw = update(900_000_000 + number, contact, text)
            arrival = decode_update(raw, channel="telegram", received_at=core.clock.now(), bot_id="1")
            await core.inbox.accept(arrival.message)
        row = core.store.read_now(
            lambda db: db.exec_driver_sql(
                "SELECT s.version, s.sealed_state, c.wrapped_key FROM sessions s JOIN contacts c ON c.id = s.contact_id"
            ).one()
        )
        key = core.keyring.unwrap(row.wrapped_key)
        return row.version, key.open(b"sessions.state", row.sealed_state)

    def _contact(self, days_ago: float) -> tuple[str, DataKey, int, list[tuple[str, Any]]]:
        number = next(self._numbers)
        contact, at = f"crowd-{number:09d}", self._now_ms - int(days_ago * _DAY_MS)
        wrapped, key = self._core.keyring.new_data_key()
        index = self._core.keyring.address_index("telegram", f"8{number:09d}")
        rows: list[tuple[str, Any]] = [
            ("contacts", (contact, wrapped, self._core.keyring.key_id, at, at)),
            (
                "addresses",
                (f"a{contact}", contact, index, seal(key, "addresses.external_id", {"id": f"8{number:09d}"}), at),
            ),
        ]
        return contact, key, at, rows

    def _closed(self, count: int) -> Iterator[list[tuple[str, Any]]]:
        for number in range(count):
            contact, key, at, rows = self._contact(1 + number % 1800)
            case = f"c{contact}"
            summary = seal(key, "cases.summary", _SUMMARY)
            rows.append(("cases", _case(contact, number, None, at, summary)))
            rows.append(("case_events", (case, "opened", "bot", at)))
            rows.append(("case_events", (case, "closed", "staff-0000", at + 3_600_000)))
            rows.append(
                ("messages", (contact, f"s{contact}", "contact", seal(key, "messages.body", {"text": _WORDS}), at))
            )
            yield rows

    def _waiting(self, count: int) -> Iterator[list[tuple[str, Any]]]:
        for number in range(count):
            contact, key, _, rows = self._contact(0)
            at = self._now_ms - number % 600_000
            sealed = key.seal(b"sessions.state", self._state)
            silence = self._now_ms + 3 * _DAY_MS + number
            rows.append(
                ("sessions", (f"s{contact}", contact, f"a{contact}", self._version, sealed, 5, at, at, silence))
            )
            rows.append(
                ("messages", (contact, f"s{contact}", "contact", seal(key, "messages.body", {"text": _WORDS}), at))
            )
            yield rows

    def _live(self, size: Size) -> Iterator[list[tuple[str, Any]]]:
        for number in range(size.live):
            contact, key, _, rows = self._contact(0)
            at = self._now_ms - number % 1_000 * 1_000
            case, holder = f"c{contact}", f"staff-{number % size.holders:04d}"
            summary = seal(key, "cases.summary", _SUMMARY)
            rows.append(("cases", _case(contact, number, holder, at, summary)))
            rows.append(("case_events", (case, "opened", "bot", at)))
            rows.append(("case_events", (case, "claimed", holder, at + 1_000)))
            for word in range(size.words):
                body = seal(key, "messages.body", {"text": _WORDS})
                rows.append(("messages", (contact, f"s{contact}", ("contact", "staff")[word % 2], body, at + word)))
            yield rows


#: The bulk rows of each table; a claim is leased for a day, since nobody's browser answers for it.
_SQL = {
    "contacts": "INSERT INTO contacts (id, wrapped_key, key_id, created_at, seen_at) VALUES (?, ?, ?, ?, ?)",
    "addresses": "INSERT INTO addresses (id, contact_id, channel, address_index, sealed_external_id, created_at)"
    " VALUES (?, ?, 'telegram', ?, ?, ?)",
    "cases": "INSERT INTO cases (id, code, contact_id, session_id, channel, tier, kinds, cause, child, covert,"
    " do_not_contact, province, desk, state, holder, token, lease_until, opened_at, queued_at, changed_at, closed_at,"
    " outcome, sealed_summary) VALUES (?, ?, ?, ?, 'telegram', ?, ?, 'danger', 0, 0, 0, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?)",
    "case_events": "INSERT INTO case_events (case_id, kind, actor, data, at) VALUES (?, ?, ?, '{}', ?)",
    "messages": "INSERT INTO messages (contact_id, session_id, author, sealed_body, at) VALUES (?, ?, ?, ?, ?)",
    "sessions": "INSERT INTO sessions (id, contact_id, address_id, version, status, sealed_state, turns, started_at,"
    " updated_at, silence_at, silence_visit) VALUES (?, ?, ?, ?, 'waiting', ?, ?, ?, ?, ?, 5)",
}


def _case(contact: str, number: int, holder: str | None, at: int, summary: bytes) -> tuple[Any, ...]:
    case, is_closed = f"c{contact}", holder is None
    desk = _DESKS[number % len(_DESKS)]
    return (
        case,
        case_code(case),
        contact,
        f"s{contact}",
        _TIERS[number % len(_TIERS)],
        json.dumps(["suicide"]),
        "" if desk == "EOC" else desk,
        desk,
        "closed" if is_closed else "claimed",
        holder,
        None if is_closed else at + _DAY_MS,
        at,
        at,
        at,
        at + 3_600_000 if is_closed else None,
        "counselled" if is_closed else None,
        summary,
    )


def _insert(tx: Tx, block: list[list[tuple[str, Any]]]) -> None:
    by_table: dict[str, list[Any]] = {table: [] for table in _SQL}
    for rows in block:
        for table, row in rows:
            by_table[table].append(row)
    for table, found in by_table.items():
        if found:
            tx.raw.executemany(_SQL[table], found)


def _staff(tx: Tx, count: int, now_ms: int) -> None:
    tx.raw.executemany(
        "INSERT INTO staff (id, username, name, roles, province, created_at) VALUES (?, ?, ?, '[\"counsellor\"]', '', ?)",
        [(f"staff-{number:04d}", f"crowd{number:04d}", f"همکار {number}", now_ms) for number in range(count)],
    )
