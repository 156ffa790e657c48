"""Which chat of the staff bot is whose: linked by a one-time code of escalation.accounts, ended by its owner or an admin.

Each link and its end is in the audit. A disabled account has no chat.
"""

from sqlalchemy import Connection

from bot.store.database import Tx
from escalation import repo, repo_staff
from escalation.accounts import CodeRefusedError
from escalation.passwords import hash_token
from escalation.policy import Actor, require


def link_staffbot(tx: Tx, *, code: str, chat_id: str, now_ms: int) -> Actor:
    """Link a chat of the staff bot to the account whose one-time code this is; give the account's actor.

    Raises:
        CodeRefusedError: the code was used, is too old or never was.
    """
    good, staff_id = repo_staff.use_code(tx, code_hash=hash_token(code), purpose="staffbot", now_ms=now_ms)
    row = repo_staff.by_id(tx.connection, staff_id) if good and staff_id else None
    if row is None:
        raise CodeRefusedError
    actor = repo_staff.to_actor(row)
    repo_staff.link_chat(tx, staff_id=actor.staff_id, chat_id=chat_id)
    _audit(tx, actor, "staffbot_linked", now_ms, actor.staff_id)
    return actor


def unlink_staffbot(tx: Tx, *, actor: Actor, staff_id: str, now_ms: int) -> None:
    """End the link of the actor's own chat, or of a colleague's whose phone is lost.

    Raises:
        NotAllowedError: it is another's, and the actor manages no accounts.
    """
    if staff_id != actor.staff_id:
        require(actor, "staff", "manage")
    repo_staff.link_chat(tx, staff_id=staff_id, chat_id=None)
    _audit(tx, actor, "staffbot_unlinked", now_ms, staff_id)


def actor_by_chat(connection: Connection, chat_id: str) -> Actor | None:
    """Give the enabled account linked to a chat of the staff bot."""
    row = repo_staff.by_chat(connection, chat_id)
    return None if row is None else repo_staff.to_actor(row)


def linked_chats(connection: Connection) -> list[tuple[str, Actor]]:
    """Give every linked chat with its enabled account (whom the staff bot may tell)."""
    return repo_staff.linked_chats(connection)


def _audit(tx: Tx, actor: Actor, action: str, now_ms: int, staff_id: str) -> None:
    repo.add_audit(tx, actor=actor.staff_id, action=action, target="staff", target_id=staff_id, now_ms=now_ms)
