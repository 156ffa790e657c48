"""Who works now. A shift counts while its console's open stream keeps touching it; flows ask whether anybody is there.

Ending a shift puts the person's cases back at their old places, so that none stays with somebody who went home.
"""

from sqlalchemy import Connection

from bot.store.database import Tx
from escalation import repo, repo_staff
from escalation.acts import release_all
from escalation.office import Office
from escalation.policy import Actor, require


def start_shift(tx: Tx, office: Office, *, actor: Actor, now_ms: int) -> None:
    """Begin to work; doing it twice changes nothing."""
    require(actor, "shift", "work")
    begun = repo_staff.shift_of(tx.connection, actor.staff_id, now_ms) is None
    repo_staff.begin_shift(tx, actor.staff_id, now_ms)
    if begun:
        _audit(tx, actor, "shift_started", now_ms)
    tx.after_commit(lambda: office.bus.publish("cases"))


def touch_shift(tx: Tx, *, actor: Actor, now_ms: int) -> bool:
    """Say that the console is still open; False when no shift was begun."""
    return repo_staff.touch_shift(tx, actor.staff_id, now_ms)


def end_shift(tx: Tx, office: Office, *, actor: Actor, now_ms: int) -> int:
    """Stop working; give how many held cases went back to the queue."""
    if repo_staff.end_shift(tx, actor.staff_id):
        _audit(tx, actor, "shift_ended", now_ms)
    tx.after_commit(lambda: office.bus.publish("cases"))
    return release_all(tx, office, staff_id=actor.staff_id, by=actor.staff_id, now_ms=now_ms)


def staff_on_shift(connection: Connection, now_ms: int) -> int:
    """Count who works now (Facts.staff is «on» when this is above zero)."""
    return repo_staff.count_on_shift(connection, now_ms)


def on_shift_since(connection: Connection, actor: Actor, now_ms: int) -> int | None:
    """Give since when the actor's shift runs, None when she has begun none."""
    return repo_staff.shift_of(connection, actor.staff_id, now_ms)


def names_on_shift(connection: Connection, now_ms: int) -> list[str]:
    """Give who works now, by name."""
    return repo_staff.staff_on_shift_names(connection, now_ms)


def _audit(tx: Tx, actor: Actor, action: str, now_ms: int) -> None:
    repo.add_audit(tx, actor=actor.staff_id, action=action, target="shift", target_id=actor.staff_id, now_ms=now_ms)
