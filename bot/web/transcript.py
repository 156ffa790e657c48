"""The conversation as the page shows it: rows of `messages`, opened with her key, as plain pieces.

A text becomes pieces of words and of emergency numbers, so that the page can build both from text alone; nothing
here makes HTML.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from bot.core.clock import TEHRAN
from bot.core.text import persian_digits
from bot.i18n import SOURCE, direction
from bot.store import schema
from bot.store.crypto import Keyring
from bot.store.vault import contact_key, unseal

#: Numbers that become a telephone link where they stand alone in a text of ours. Source: domain.md §2.5, grade H.
DIALLED = ("110", "112", "115", "123", "125", "1480")
SHOWN_MAX = 200
#: What stands where she wrote her safe or her duress word: whoever scrolls must not learn it.
_OWN_WORD = "•••"

_NUMBER = re.compile(rf"(?<![\w.,:/+٫٬-])({'|'.join(DIALLED)})(?![\w/٫٬]|-(?![\u0621-\u06d5])|[.,:]\d)")
_MEDIA_WORDS = {"voice": "صدا", "photo": "عکس", "sticker": "برچسب", "video": "ویدیو", "document": "پرونده"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An answer that may be pressed."""

    label: str
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One message as the page shows it. `pieces`: («text» or «tel», words) in order."""

    id: int
    author: str
    pieces: tuple[tuple[str, str], ...]
    choices: tuple[Choice, ...] = ()
    at: str = ""
    language: str = ""  #: of the bot's messages, where she chose another than Persian

    @property
    def direction(self) -> str:
        """Which way it is written, as HTML says it."""
        return direction(self.language)

    def as_json(self) -> dict[str, Any]:
        """Give what the page's script reads."""
        return {
            "id": self.id,
            "author": self.author,
            "pieces": [list(piece) for piece in self.pieces],
            "choices": [[choice.label, choice.data] for choice in self.choices],
            "at": self.at,
            **({"language": self.language, "direction": self.direction} if self.language else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which messages a view may see: above `after`, not before `not_before_ms`, hidden ones only when `unlocked`."""

    after: int
    not_before_ms: int = 0
    unlocked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """Where a conversation stands: its last message, and whether that one is hidden, as after a quick exit."""

    id: int = 0
    is_hidden: bool = False


def newest(connection: Connection, contact_id: str | None) -> Newest:
    """Give the contact's newest message; number 0 when there is none."""
    if contact_id is None:
        return Newest()
    table = schema.messages.c
    query = select(table.id, table.hidden_at).where(table.contact_id == contact_id).order_by(table.id.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return Newest() if row is None else Newest(id=row.id, is_hidden=row.hidden_at is not None)


def is_first_of_view(connection: Connection, contact_id: str, after: int) -> bool:
    """True when there are messages of before this view, and in it she has written none yet."""
    table = schema.messages.c
    hers = select(table.id).where(table.contact_id == contact_id, table.author == "contact")
    return (
        connection.execute(hers.where(table.id > after).limit(1)).first() is None
        and connection.execute(hers.limit(1)).first() is not None
    )


def read_transcript(connection: Connection, keyring: Keyring, contact_id: str, window: Window) -> list[Shown]:
    """Give the messages of a window, oldest first, at most the last SHOWN_MAX; none after an erasure."""
    table = schema.messages.c
    query = (
        select(table.id, table.author, table.sealed_body, table.at)
        .where(table.contact_id == contact_id, table.id > window.after, table.at >= window.not_before_ms)
        .where(table.sealed_body.is_not(None))
        .order_by(table.id.desc())
        .limit(SHOWN_MAX)
    )
    if not window.unlocked:
        query = query.where(table.hidden_at.is_(None))
    rows = connection.execute(query).all()
    key = contact_key(connection, keyring, contact_id) if rows else None
    if key is None:
        return []
    bodies = [unseal(key, "messages.body", row.sealed_body) for row in reversed(rows)]
    labels: dict[str, str] = {}
    for body in bodies:  # she sees what stood on the button: where somebody may look on, only its number
        labels.update({found["data"]: found["label"] for found in body.get("buttons", ())})
        if body.get("press"):
            body["text"] = labels.get(body["press"], "…" if body.get("covert") else body.get("text", ""))
    language = language_of(connection, contact_id)
    return [_shown(row, body, language) for row, body in zip(reversed(rows), bodies, strict=True)]


def language_of(connection: Connection, contact_id: str) -> str:
    """Give the language a contact chose; the source's where she chose none."""
    table = schema.contacts.c
    return connection.execute(select(table.language).where(table.id == contact_id)).scalar() or SOURCE


def open_choices(shown: Sequence[Shown]) -> tuple[Choice, ...]:
    """Give the choices that still wait for her: the newest, if neither she nor a person of ours has written since."""
    for message in reversed(shown):
        if message.author in {"contact", "staff"}:
            return ()
        if message.choices:
            return message.choices
    return ()


def pieces_of(text: str) -> tuple[tuple[str, str], ...]:
    """Split a text of ours at the emergency numbers that stand alone in it."""
    parts = _NUMBER.split(text)
    return tuple(("tel" if at % 2 else "text", part) for at, part in enumerate(parts) if part)


def _shown(row: Row[Any], body: dict[str, Any], language: str) -> Shown:
    text = _OWN_WORD if body.get("own_word") else body.get("text") or _wordless(body)
    ours = row.author != "contact"
    at = datetime.fromtimestamp(row.at / 1000, UTC).astimezone(TEHRAN).strftime("%H:%M")
    return Shown(
        id=row.id,
        author=row.author,
        pieces=pieces_of(text) if ours else (("text", text),),
        choices=tuple(Choice(label=found["label"], data=found["data"]) for found in body.get("buttons", ()) if ours),
        at=persian_digits(at) if direction(language) == "rtl" else at,
        language="" if language == SOURCE or row.author in {"contact", "staff"} else language,
    )


def _wordless(body: dict[str, Any]) -> str:
    return _MEDIA_WORDS.get(str(body.get("media", "")), "…")
