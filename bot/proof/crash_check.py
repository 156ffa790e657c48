"""The oracle of the kill rounds: the ledger's truth against what the installation holds, after all has settled.

Rows are only ever counted against the ledger: what it confirmed must be there once, what it heard must not be more
than the kills explain. It asks no code under proof, but for the SQL invariants that `panah doctor` asks too.
"""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.proof.installation import Installation
from bot.proof.invariants import check
from bot.proof.ledger import TOKEN, Said
from bot.proof.ledger_sms import sid
from bot.store.opening import reading

#: A text that came out this long before a kill may have been under way when it struck, so it may come out once more.
UNDER_WAY_S = 3.0

_INBOX = "SELECT provider_id, id, contact_id, state FROM inbox WHERE channel IN ('telegram', 'sms')"
_SENT = "SELECT contact_id, provider_message_id FROM outbox WHERE state = 'sent'"
_TOKENS = "SELECT case_id, data FROM case_events WHERE kind IN ('claimed', 'reopened') ORDER BY id"
_POINTER = (
    "SELECT count(*) FROM (SELECT version FROM publications ORDER BY id DESC LIMIT 1) p"
    " WHERE EXISTS (SELECT 1 FROM versions v WHERE v.id = p.version)"
)
_OPEN = (
    "SELECT (SELECT count(*) FROM inbox WHERE state = 'waiting')"
    " + (SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending'))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One kill. `may_double`: it can fall between a provider's yes to this round's texts and our record of it.

    Of other people's texts it always can: their deadlines come when they come, also while a round goes to its point.
    """

    at: float  #: monotonic
    may_double: bool
    under_way_s: float = UNDER_WAY_S
    chats: frozenset[int] | None = None  #: those who wrote in this round; None is everybody

    def explains(self, said: Said) -> bool:
        """True when this text may have been under way at the kill, so that it may come out once more."""
        is_of_others = self.chats is not None and said.chat not in self.chats
        return (self.may_double or is_of_others) and 0 <= self.at - said.at <= self.under_way_s


@dataclass(slots=True)
class Books:
    """What the driver did to one installation, beside what its ledger saw."""

    dangers: set[int] = field(default_factory=set)  #: chats that told of danger
    words: dict[str, int] = field(default_factory=dict)  #: the counsellor's texts, and to whom
    closed: set[str] = field(default_factory=set)  #: cases that the counsellor closed
    may_expire: bool = False  #: the clock was wrong by more than a text may wait
    kills: list[Kill] = field(default_factory=list)
    doubled: int = 0  #: texts that came out once more than once, each explained by a kill or a client that had gone
    reported: set[str] = field(default_factory=set)  #: what was said before: an event is reported in its own round only


@dataclass(frozen=True, slots=True)
class _Row:
    inbox_id: int
    contact_id: str
    state: str


def open_work(installation: Installation) -> int:
    """Count what waits in inbox and outbox; -1 while that cannot be read."""
    try:
        return installation.counts(_OPEN)
    except sqlite3.Error:
        return -1


def breaches(installation: Installation, books: Books) -> Iterator[str]:
    """Give every promise that the settled installation has broken, in words without content."""
    inbox = _inbox(installation)
    yield from _accepted(installation, inbox)
    yield from _turns(installation, inbox)
    yield from _cases(installation, books, inbox)
    yield from _copies(installation, books, inbox)
    yield from _words(installation, books, inbox)
    yield from _rest(installation)


def fresh_breaches(installation: Installation, books: Books) -> list[str]:
    """Give the promises that were broken since this was last asked: what is broken stays so, and is one event."""
    fresh = [said for said in breaches(installation, books) if said not in books.reported]
    books.reported.update(fresh)
    return fresh


def contact_of(installation: Installation, number: int) -> str:
    """Give the contact who wrote an update; empty when it is not there."""
    sql = "SELECT contact_id FROM inbox WHERE provider_id IN (?, ?)"
    found = installation.rows(sql, f"{_BOT}:{number}", sid(number))
    return str(found[0][0]) if found else ""


_BOT = TOKEN.split(":", maxsplit=1)[0]


def _number(provider_id: str) -> int:
    """Give the ledger's number of an update of Telegram or an SMS."""
    _, of_telegram, number = provider_id.rpartition(":")
    return int(number) if of_telegram else int(number.removeprefix("SM"), 16)


def _inbox(installation: Installation) -> dict[int, _Row]:
    return {
        _number(name): _Row(inbox_id, contact_id, state)
        for name, inbox_id, contact_id, state in installation.rows(_INBOX)
    }


def _accepted(installation: Installation, inbox: dict[int, _Row]) -> Iterator[str]:
    ledger = installation.ledger
    missing = set(ledger.confirmed) - set(inbox)
    if missing:
        yield f"I1: {len(missing)} confirmed updates are in no inbox row, the first is {min(missing)}"
    strangers = set(inbox) - set(ledger.wrote)
    if strangers:
        yield f"I1: {len(strangers)} inbox rows are of no update"
    unheard = {number for number, chat in ledger.wrote.items() if not ledger.heard(chat) and number in inbox}
    with_case = {row[0] for row in installation.rows("SELECT contact_id FROM cases")}
    lost = sorted(number for number in unheard if inbox[number].contact_id not in with_case)
    if lost:
        yield f"I3: {len(lost)} messages have neither an answer nor a case, the first is update {lost[0]}"


def _turns(installation: Installation, inbox: dict[int, _Row]) -> Iterator[str]:
    turns = dict(installation.rows("SELECT inbox_id, count(*) FROM turns GROUP BY inbox_id"))
    with_case = {row[0] for row in installation.rows("SELECT contact_id FROM cases")}
    for number, row in inbox.items():
        ran = turns.get(row.inbox_id, 0)
        if row.state == "done" and ran != 1:
            yield f"I2: update {number} is done after {ran} turns"
        if row.state == "quarantined" and (ran or row.contact_id not in with_case):
            yield f"I2: update {number} is quarantined with {ran} turns or without a case"
        if row.state == "waiting":
            yield f"I11: update {number} still waits"


def _cases(installation: Installation, books: Books, inbox: dict[int, _Row]) -> Iterator[str]:
    cases = Counter(row[0] for row in installation.rows("SELECT contact_id FROM cases"))
    urgent = {row[0] for row in installation.rows("SELECT contact_id FROM cases WHERE tier = 'T1'")}
    for number, chat in installation.ledger.wrote.items():
        if chat in books.dangers and number in inbox:
            contact_id = inbox[number].contact_id
            if cases[contact_id] != 1 or contact_id not in urgent:
                yield f"I6: whoever wrote update {number} told of danger and has {cases[contact_id]} cases"
    tokens: dict[str, int] = {}
    for case_id, data in installation.rows(_TOKENS):
        token = int(json.loads(data)["token"])
        if token <= tokens.get(case_id, 0):
            yield f"I9: a claim of case {case_id} got token {token} after {tokens[case_id]}"
        tokens[case_id] = token
    for case_id in books.closed:
        sql = "SELECT count(*) FROM case_events WHERE case_id = ? AND kind = 'closed'"
        if installation.counts(sql, case_id) != 1:
            yield f"I2: case {case_id} was closed once and its history says otherwise"


def _copies(installation: Installation, books: Books, inbox: dict[int, _Row]) -> Iterator[str]:
    """What came out is what was recorded as sent, and at most once more for each kill that it was under way in."""
    recorded: dict[str, set[str]] = {}  # texts that waited together are said in one, so rows may share a number
    for contact_id, numbers in installation.rows(_SENT):
        recorded.setdefault(contact_id, set()).update(numbers.split(","))
    # all was settled a moment ago; what a deadline has put in since is on its way, and the next round waits for it
    ends = installation.counts("SELECT count(*) FROM outbox WHERE state NOT IN ('sent', 'queued', 'sending')")
    if ends and not books.may_expire:
        yield f"I13: {ends} texts to a provider that takes everything are not sent"
    chats = {chat: inbox[number].contact_id for number, chat in installation.ledger.wrote.items() if number in inbox}
    books.doubled = 0
    for chat, contact_id in chats.items():
        heard = installation.ledger.heard(chat)
        missing = recorded.get(contact_id, set()) - {item.message_id for item in heard}
        more = len(heard) - len(recorded.get(contact_id, set()))
        may = sum(kill.explains(item) for item in heard for kill in books.kills)
        may += sum(item.message_id in installation.ledger.unheard for item in heard)  # a time-out or a stop of ours
        if missing:
            yield f"I13: {len(missing)} texts to chat {chat} are recorded as sent and never came out"
        if more > may:
            yield f"I13: chat {chat} heard {more} texts twice; kills and time-outs explain {may}"
        books.doubled += max(0, more)


def _words(installation: Installation, books: Books, inbox: dict[int, _Row]) -> Iterator[str]:
    said = Counter(books.words.values())
    chats = {chat: inbox[number].contact_id for number, chat in installation.ledger.wrote.items() if number in inbox}
    for chat, count in said.items():
        sql = "SELECT count(*) FROM messages WHERE contact_id = ? AND author = 'staff'"
        kept = installation.counts(sql, chats.get(chat, ""))
        if kept != count:
            yield f"I12: the counsellor said {count} things to chat {chat}, its transcript holds {kept}"
    for text, chat in books.words.items():
        copies = sum(text in item.text for item in installation.ledger.heard(chat))
        if not 1 <= copies <= 2:
            yield f"I12: a counsellor's words came out {copies} times to chat {chat}"


def _rest(installation: Installation) -> Iterator[str]:
    if installation.counts(_POINTER) != 1:
        yield "I19: the newest publication points to no version"
    if not installation.is_whole():
        yield "the database is damaged"
    with reading(installation.database) as connection:
        for broken in check(connection, int(time.time() * 1000)):
            yield str(broken)
