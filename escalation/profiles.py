"""What an account says about a person, and what of it is refused."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.provinces import PROVINCES
from bot.core.text import hides_signs
from escalation.case import BadInputError
from escalation.policy import ROLES

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{2,31}")
_NAME_CHARS_MAX = 80


class BadNameError(BadInputError):
    """A name has 1 to 80 signs, none of them hidden."""


class BadUsernameError(BadInputError):
    """A user name has 3 to 32 small Latin letters, digits and `._-`, and begins with a letter or digit."""


class NoRoleError(BadInputError):
    """Somebody who works here has at least one role, and only roles there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What an account says about a person. `province` empty: the national desk."""

    username: str
    name: str
    roles: tuple[str, ...]
    province: str = ""


def check_username(username: str) -> None:
    """Refuse a user name of other signs than small Latin letters, digits and `._-`.

    Raises:
        BadUsernameError: it has some, or is too short or long.
    """
    if not _USERNAME.fullmatch(username):
        raise BadUsernameError


def check_profile(name: str, roles: Sequence[str], province: str) -> None:
    """Refuse a name that hides signs, no or unknown roles, an unknown province.

    Raises:
        BadNameError, NoRoleError, BadInputError: for each of them.
    """
    if not 1 <= len(name.strip()) <= _NAME_CHARS_MAX or hides_signs(name.strip()):
        raise BadNameError
    if not roles or not set(roles) <= set(ROLES):
        raise NoRoleError
    if province and province not in PROVINCES:
        raise BadInputError
