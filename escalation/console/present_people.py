"""What the staff page shows of each account, in words."""

from collections.abc import Collection
from dataclasses import dataclass

from escalation.console import wording
from escalation.policy import ROLES
from escalation.repo_staff import StaffRow
from escalation.routing import NATIONAL, desk_name


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """One line of the staff page."""

    id: str
    name: str
    username: str
    roles: tuple[str, ...]
    role_words: tuple[str, ...]
    province: str
    desk: str
    status: str
    disabled: bool
    linked: bool
    coded: bool


def person_view(row: StaffRow, *, linked: Collection[str], coded: Collection[str]) -> PersonView:
    """Give the line of an account; `linked`: whose chat the staff bot knows, `coded`: who has a second factor."""
    waiting = "" if row.has_password else "منتظر گذاشتن گذرواژه"
    return PersonView(
        id=row.id,
        name=row.name,
        username=row.username,
        roles=row.roles,
        role_words=tuple(wording.word(wording.ROLES, role) for role in ROLES if role in row.roles),
        province=row.province,
        desk=desk_name(row.province or NATIONAL),
        status="بسته" if row.disabled_at is not None else waiting or "فعال",
        disabled=row.disabled_at is not None,
        linked=row.id in linked,
        coded=row.id in coded,
    )
