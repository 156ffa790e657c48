"""Who may do what: one visible table of roles to (target, action) pairs, and the desk scope of each case.

Deny by default. A permission says what a role may do at all; `routing.sees` says to which cases. The system admin
manages accounts and never sees content. Console routes and acts ask the same two functions.
"""

from dataclasses import dataclass

from bot.store.walls import Sight
from escalation.case import ActError, Case
from escalation.deadlines import NEAR_MS
from escalation.routing import near_desks, overflows, sees

Pair = tuple[str, str]

_CASE_WORK: frozenset[Pair] = frozenset(
    {
        ("queue", "view"),
        ("shift", "work"),
        ("case", "read"),
        ("case", "claim"),
        ("case", "write"),
        ("case", "note"),
        ("case", "refer"),
        ("case", "transfer"),
        ("case", "lower"),
        ("case", "close"),
    }
)

#: role → what it may do. Nothing else grants anything.
POLICY: dict[str, frozenset[Pair]] = {
    "counsellor": _CASE_WORK,
    "supervisor": _CASE_WORK
    | {("case", "oversee"), ("desk", "view"), ("staff", "view"), ("audit", "view"), ("system", "view")},
    "flow_admin": frozenset({("flow", "view"), ("flow", "edit"), ("flow", "propose"), ("flow", "simulate")}),
    "reviewer": frozenset({("flow", "view"), ("flow", "review"), ("flow", "publish"), ("flow", "simulate")}),
    "analyst": frozenset({("report", "view"), ("flow", "view")}),
    "admin": frozenset(
        {("staff", "view"), ("staff", "manage"), ("audit", "view"), ("system", "view"), ("system", "lock")}
    ),
}
ROLES: tuple[str, ...] = tuple(POLICY)


class NotAllowedError(ActError):
    """Your role or your desk does not allow this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The person who acts. `province` empty means the national desk."""

    staff_id: str
    name: str
    roles: frozenset[str]
    province: str = ""


#: The command line and first start: makes accounts, has no role that reads a case.
SYSTEM = Actor(staff_id="system", name="system", roles=frozenset({"admin"}))


def may(actor: Actor, target: str, action: str) -> bool:
    """True when one of the actor's roles holds this pair."""
    return any((target, action) in POLICY.get(role, frozenset()) for role in actor.roles)


def require(actor: Actor, target: str, action: str) -> None:
    """Let only a role with this pair pass.

    Raises:
        NotAllowedError: no role of the actor's holds it.
    """
    if not may(actor, target, action):
        raise NotAllowedError


def in_scope(actor: Actor, case: Case, now_ms: int) -> bool:
    """True when this case is within the actor's desk, or the actor already holds it."""
    if case.holder == actor.staff_id and case.state == "claimed":
        return True
    late = overflows(tier=case.tier, state=case.state, queued_at=case.queued_at, now_ms=now_ms)
    return sees(province=actor.province, desk=case.desk, overflow=late)


def sight_of(actor: Actor, now_ms: int) -> Sight:
    """Give what `in_scope` allows in the words of the database's own wall (bot.store.walls)."""
    return Sight(
        staff_id=actor.staff_id,
        desk=actor.province,
        near=near_desks(actor.province),
        late={tier: now_ms - after for tier, after in NEAR_MS.items()},
        everything=not actor.province,
    )


def may_read_content(actor: Actor, case: Case, *, last_holder: str | None) -> bool:
    """True for who holds the case, who held it last while nobody else does, and a supervisor of its desk (T6).

    Others on the desk see the case's line (code, tier, reasons) so that they can take it, not what was written.
    """
    if may(actor, "case", "oversee"):
        return True
    mine = case.holder if case.state == "claimed" else last_holder
    return may(actor, "case", "read") and mine == actor.staff_id
