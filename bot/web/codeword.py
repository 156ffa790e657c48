"""The code word that opens a conversation again. It lives in one place only: inside her sealed session."""

import hmac
from dataclasses import dataclass

from sqlalchemy import Connection, select

from bot.core.text import squash
from bot.engine.session import session_from_json
from bot.store import schema
from bot.store.crypto import Keyring
from bot.store.vault import contact_key, unseal


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeWord:
    """The two words she chose, empty for nothing, and whether the conversation is locked until it is said."""

    word: str = ""
    duress: str = ""
    is_locked: bool = False

    def fits(self, offered: str) -> bool:
        """True when this is the word, however it is typed; nothing is a match for nothing."""
        return _same(self.word, offered)

    def calls_for_help(self, offered: str) -> bool:
        """True when this is the word that says she is being forced."""
        return _same(self.duress, offered)


def _same(word: str, offered: str) -> bool:
    mine, hers = squash(word).encode(), squash(offered).encode()
    return bool(mine) and hmac.compare_digest(mine, hers)


def read_code_word(connection: Connection, keyring: Keyring, contact_id: str) -> CodeWord:
    """Read a contact's code word from her newest session; none after an erasure."""
    table = schema.sessions.c
    query = select(table.sealed_state, table.status).where(table.contact_id == contact_id)
    row = connection.execute(query.order_by(table.started_at.desc(), table.ended_at.is_(None).desc()).limit(1)).first()
    key = contact_key(connection, keyring, contact_id)
    if row is None or row.sealed_state is None or key is None:
        return CodeWord()
    session = session_from_json(unseal(key, "sessions.state", row.sealed_state))
    return CodeWord(word=session.code_word, duress=session.duress_word, is_locked=session.status == "locked")
