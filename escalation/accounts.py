"""Accounts of staff: the first admin, invitations, roles, disabling and opening again, the code that links a chat of the staff bot.

One-time codes are 128 random bits (80 for the staff bot, which a person types), stored only as SHA-256. Passwords are
hashed before a write begins. Signing in is escalation.signin, linking a chat escalation.staffbot_links.
"""

import os
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from bot.core.clock import Clock
from bot.core.ids import IdSource
from bot.live import Live
from bot.store.crypto import Keyring
from bot.store.database import Store, Tx
from escalation import repo, repo_devices, repo_factors, repo_staff
from escalation.acts import release_all
from escalation.case import BadInputError
from escalation.factors import Factors
from escalation.office import Office
from escalation.passwords import Hashing, check_password, hash_token, new_token
from escalation.policy import SYSTEM, Actor, require
from escalation.profiles import Profile, check_profile, check_username
from escalation.repo_staff import StaffRow
from escalation.signin import LoginRefusedError, NewSession, SignedIn, SignInRules, put_password

__all__ = ["Accounts", "CodeRefusedError", "LoginRefusedError", "NameTakenError", "NewSession", "SignedIn"]

FIRST_ADMIN_MS = 15 * 60_000
INVITE_MS = 72 * 3_600_000
STAFFBOT_MS = 10 * 60_000


class CodeRefusedError(Exception):
    """This code was used, is too old, or never was."""


class NameTakenError(Exception):
    """Another account has this user name."""


class Accounts(Factors):
    """The accounts of one installation, signing in to them, and their second factors."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        new_id: IdSource,
        *,
        keyring: Keyring,
        hashing: Hashing,
        rules: SignInRules,
        random_bytes: Callable[[int], bytes] = os.urandom,
        live: Live | None = None,
    ) -> None:
        super().__init__(
            store, clock, keyring=keyring, hashing=hashing, rules=rules, random_bytes=random_bytes, live=live
        )
        self._new_id = new_id

    async def invite(self, *, actor: Actor, profile: Profile) -> str:
        """Make an account without a password; give the one-time code (72 h) with which its owner sets one.

        Raises:
            NotAllowedError, NameTakenError, BadInputError: it was not made.
        """
        now_ms, staff_id, code = self._now(), self._new_id(), new_token(self._random, 16)

        def write(tx: Tx) -> None:
            _add(tx, actor=actor, profile=profile, staff_id=staff_id, password_hash="", now_ms=now_ms)
            _add_code(tx, code, purpose="invite", staff_id=staff_id, now_ms=now_ms, life_ms=INVITE_MS)

        await self._store.write(write)
        return code

    async def renew_invite(self, *, actor: Actor, staff_id: str) -> str:
        """Give a fresh code for setting a password (a lost invitation, a forgotten password); old sign-ins end.

        Raises:
            NotAllowedError, BadInputError: no such account.
        """
        require(actor, "staff", "manage")
        now_ms, code = self._now(), new_token(self._random, 16)

        def write(tx: Tx) -> None:
            if repo_staff.by_id(tx.connection, staff_id) is None:
                raise BadInputError
            _add_code(tx, code, purpose="invite", staff_id=staff_id, now_ms=now_ms, life_ms=INVITE_MS)
            repo_staff.end_sessions_of(tx, staff_id)
            repo_devices.forget_all(tx, staff_id)
            _audit(tx, actor, "invited", staff_id, now_ms)

        await self._store.write(write)
        return code

    async def accept_invite(self, *, code: str, password: str) -> str:
        """Set a password with a one-time code; give the account's id. All earlier sign-ins end.

        Raises:
            CodeRefusedError, WeakPasswordError: nothing was changed.
        """
        username = await self.behind_link(code, "invite")
        if username is None:  # before hashing: a stranger's guesses cost no processor
            raise CodeRefusedError
        check_password(password, username)
        password_hash = await self._hashing.hash(password)
        now_ms = self._now()

        def write(tx: Tx) -> str:
            good, staff_id = repo_staff.use_code(tx, code_hash=hash_token(code), purpose="invite", now_ms=now_ms)
            if not good or staff_id is None or repo_staff.by_id(tx.connection, staff_id) is None:
                raise CodeRefusedError
            put_password(tx, staff_id, password_hash, by=staff_id, now_ms=now_ms)
            return staff_id

        return await self._store.write(write)

    async def change_profile(
        self, *, actor: Actor, staff_id: str, name: str, roles: Sequence[str], province: str
    ) -> None:
        """Change name, roles and desk of an account; the next request already sees them.

        Raises:
            NotAllowedError, BadInputError: no such account, role or province; or nobody would be admin any more.
        """
        require(actor, "staff", "manage")
        now_ms = self._now()

        def write(tx: Tx) -> None:
            check_profile(name, roles, province)
            row = repo_staff.by_id(tx.connection, staff_id)
            if row is None or not repo_staff.change_profile(tx, staff_id, name=name, roles=roles, province=province):
                raise BadInputError
            if not repo_staff.has_admin(tx.connection):
                raise BadInputError
            _audit(tx, actor, "changed", staff_id, now_ms, ",".join(sorted(roles)))

        await self._store.write(write)

    async def disable(self, *, actor: Actor, staff_id: str, office: Office) -> None:
        """Disable an account: its sign-ins, codes and staff-bot link end, its cases go back to the queue; see `reopen`.

        Raises:
            NotAllowedError, BadInputError: no such account, or it is the actor's own.
        """
        require(actor, "staff", "manage")
        now_ms = self._now()

        def write(tx: Tx) -> None:
            known = repo_staff.by_id(tx.connection, staff_id) is not None
            if staff_id == actor.staff_id or not known:
                raise BadInputError
            repo_staff.change_staff(tx, staff_id, disabled_at=now_ms, password_hash="", staffbot_chat=None)
            repo_staff.end_sessions_of(tx, staff_id)
            repo_devices.forget_all(tx, staff_id)
            repo_factors.drop_factor(tx, staff_id)
            repo_staff.end_codes_of(tx, staff_id)
            repo_staff.end_shift(tx, staff_id)
            release_all(tx, office, staff_id=staff_id, by=actor.staff_id, now_ms=now_ms)
            _audit(tx, actor, "disabled", staff_id, now_ms)

        await self._store.write(write)

    async def reopen(self, *, actor: Actor, staff_id: str) -> str:
        """Open a disabled account again, its roles as they were; give the one-time code (72 h) that sets its password.

        Raises:
            NotAllowedError, BadInputError: no such account is disabled.
        """
        require(actor, "staff", "manage")
        now_ms, code = self._now(), new_token(self._random, 16)

        def write(tx: Tx) -> None:
            if not repo_staff.reopen(tx, staff_id):
                raise BadInputError
            _add_code(tx, code, purpose="invite", staff_id=staff_id, now_ms=now_ms, life_ms=INVITE_MS)
            _audit(tx, actor, "reopened", staff_id, now_ms)

        await self._store.write(write)
        return code

    async def list_staff(self, *, actor: Actor) -> list[StaffRow]:
        """Give every account.

        Raises:
            NotAllowedError: the role may not see them.
        """
        require(actor, "staff", "view")
        return await self._store.read(repo_staff.list_staff)

    async def first_admin_code(self) -> str | None:
        """Give the one-time code (15 min) with which the first admin makes an account; None when there is one."""
        now_ms, code = self._now(), new_token(self._random, 16)

        def write(tx: Tx) -> str | None:
            if repo_staff.has_admin(tx.connection):
                return None
            _add_code(tx, code, purpose="first_admin", staff_id=None, now_ms=now_ms, life_ms=FIRST_ADMIN_MS)
            return code

        return await self._store.write(write)

    async def accept_first_admin(self, *, code: str, username: str, name: str, password: str, answers: bool) -> str:
        """Make the first admin's account with the one-time code; give its id. Works once, and only before any admin.

        `answers`: she also works the queue, as in a small office or a trial. A large one takes these roles away again,
        so that whoever manages accounts reads no case (reliability.md §5, roles).

        Raises:
            CodeRefusedError, WeakPasswordError, BadInputError: nothing was made.
        """
        check_password(password, username)
        if not await self._good(code, "first_admin"):
            raise CodeRefusedError
        password_hash = await self._hashing.hash(password)
        now_ms, staff_id = self._now(), self._new_id()
        roles = ("admin", "counsellor", "supervisor", "flow_admin") if answers else ("admin",)
        profile = Profile(username=username, name=name, roles=roles)

        def write(tx: Tx) -> None:
            good, _ = repo_staff.use_code(tx, code_hash=hash_token(code), purpose="first_admin", now_ms=now_ms)
            if not good or repo_staff.has_admin(tx.connection):
                raise CodeRefusedError
            _add(tx, actor=SYSTEM, profile=profile, staff_id=staff_id, password_hash=password_hash, now_ms=now_ms)

        await self._store.write(write)
        return staff_id

    async def staffbot_code(self, *, actor: Actor) -> str:
        """Give the one-time code (10 min) that links the actor's own chat with the staff bot."""
        require(actor, "case", "claim")
        now_ms, code = self._now(), new_token(self._random, 10)
        await self._store.write(
            lambda tx: _add_code(
                tx, code, purpose="staffbot", staff_id=actor.staff_id, now_ms=now_ms, life_ms=STAFFBOT_MS
            )
        )
        return code

    async def _good(self, code: str, purpose: str) -> bool:
        return await self.behind_link(code, purpose) is not None

    async def behind_link(self, code: str, purpose: str) -> str | None:
        """Give whose user name a one-time link is for («» for the first admin's); None when it is good no more."""
        now_ms = self._now()

        def read(connection: Connection) -> str | None:
            good, staff_id = repo_staff.find_code(
                connection, code_hash=hash_token(code), purpose=purpose, now_ms=now_ms
            )
            row = repo_staff.by_id(connection, staff_id) if good and staff_id is not None else None
            return str(row["username"]) if row is not None else "" if good and staff_id is None else None

        return await self._store.read(read)


def _add(tx: Tx, *, actor: Actor, profile: Profile, staff_id: str, password_hash: str, now_ms: int) -> None:
    require(actor, "staff", "manage")
    check_profile(profile.name, profile.roles, profile.province)
    check_username(profile.username)
    if repo_staff.username_taken(tx.connection, profile.username):
        raise NameTakenError
    repo_staff.add_staff(
        tx,
        staff_id=staff_id,
        username=profile.username,
        name=profile.name.strip(),
        roles=profile.roles,
        province=profile.province,
        password_hash=password_hash,
        now_ms=now_ms,
    )
    _audit(tx, actor, "created", staff_id, now_ms, ",".join(sorted(profile.roles)))


def _add_code(tx: Tx, code: str, *, purpose: str, staff_id: str | None, now_ms: int, life_ms: int) -> None:
    repo_staff.add_code(
        tx, code_hash=hash_token(code), purpose=purpose, staff_id=staff_id, now_ms=now_ms, expires_at=now_ms + life_ms
    )


def _audit(tx: Tx, actor: Actor, action: str, staff_id: str, now_ms: int, reason: str = "") -> None:  # noqa: PLR0917 - a row
    repo.add_audit(
        tx, actor=actor.staff_id, action=action, target="staff", target_id=staff_id, now_ms=now_ms, reason=reason
    )
