"""Signing in: limits first, then argon2 off the loop, then a session in the database.

A token is 256 random bits and stored only as SHA-256. A sign-in ends after 15 idle minutes or 8 hours, when its owner
signs out, changes the password, or is disabled; the next request and the next check of an open stream see that.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from bot.core.clock import Clock
from bot.store.database import Store, Tx
from escalation import repo, repo_staff
from escalation.passwords import Hashing, Tries, check_password, hash_token, new_token
from escalation.policy import Actor

IDLE_MS = 15 * 60_000
ABSOLUTE_MS = 8 * 3_600_000
#: A sign-in is marked as used at most this often: reading a page should not cost a write.
_TOUCH_MS = 30_000


class LoginRefusedError(Exception):
    """The user name or the password is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A sign-in: who, and the CSRF token that every change must carry."""

    actor: Actor
    csrf: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """What a fresh sign-in gives: `token` goes into the cookie and is stored nowhere."""

    token: str
    signed_in: SignedIn


class SignIns:
    """The sign-ins of one installation."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        hashing: Hashing,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._store = store
        self._clock = clock
        self._hashing = hashing
        self._random = random_bytes
        self._tries = Tries(clock.monotonic)

    async def set_password(self, *, actor: Actor, old: str, new: str) -> None:
        """Change one's own password; all sign-ins end.

        Raises:
            LoginRefusedError, TooManyTriesError, WeakPasswordError: nothing was changed.
        """
        row = await self._store.read(lambda connection: repo_staff.by_id(connection, actor.staff_id))
        username = row["username"] if row else ""
        check_password(new, username)
        self._tries.count(username=username, address=f"staff {actor.staff_id}")
        if not await self._hashing.matches(row["password_hash"] if row else "", old):
            raise LoginRefusedError
        password_hash = await self._hashing.hash(new)
        now_ms = self._now()
        await self._store.write(
            lambda tx: put_password(tx, actor.staff_id, password_hash, by=actor.staff_id, now_ms=now_ms)
        )

    async def login(self, *, username: str, password: str, address: str) -> NewSession:
        """Sign in. Limits are counted before hashing; unknown names get the same answer in the same time.

        Raises:
            TooManyTriesError, LoginRefusedError: no session was opened.
        """
        name = username.strip().casefold()[:64].encode("utf-8", "replace").decode("utf-8")
        self._tries.count(username=name, address=address)
        row = await self._store.read(lambda connection: repo_staff.by_username(connection, name))
        right = await self._hashing.matches(row["password_hash"] if row else "", password[:1024])
        if row is None or not right:
            await self._store.write(lambda tx: _audit(tx, "", "sign_in_refused", row["id"] if row else "", self._now()))
            raise LoginRefusedError
        self._tries.forgive(username=name)
        token, csrf, now_ms = new_token(self._random, 32), new_token(self._random, 32), self._now()

        def write(tx: Tx) -> Actor:
            fresh = repo_staff.by_id(tx.connection, row["id"])
            if fresh is None or fresh["password_hash"] != row["password_hash"]:
                raise LoginRefusedError  # disabled or changed while we hashed
            repo_staff.add_session(
                tx,
                token_hash=hash_token(token),
                staff_id=row["id"],
                csrf=csrf,
                now_ms=now_ms,
                expires_at=now_ms + ABSOLUTE_MS,
            )
            actor = repo_staff.to_actor(fresh)
            _audit(tx, actor.staff_id, "signed_in", actor.staff_id, now_ms)
            return actor

        actor = await self._store.write(write)
        return NewSession(token=token, signed_in=SignedIn(actor=actor, csrf=csrf))

    async def resume(self, token: str) -> SignedIn | None:
        """Give the sign-in of a token and note that it was used; None when it is over (a request of the console)."""
        now_ms, hashed = self._now(), hash_token(token)
        found, seen_at = await self._store.read(
            lambda connection: (signed_in(connection, token, now_ms), repo_staff.seen_at(connection, hashed))
        )
        if found is not None and now_ms - seen_at >= _TOUCH_MS:
            await self._store.write(lambda tx: repo_staff.touch_session(tx, hashed, now_ms))
        return found

    async def peek(self, token: str) -> SignedIn | None:
        """Give the sign-in of a token without noting a use (an open stream, so that idle time still runs)."""
        now_ms = self._now()
        return await self._store.read(lambda connection: signed_in(connection, token, now_ms))

    async def logout(self, token: str) -> None:
        """End one sign-in; unknown tokens are no error."""
        await self._store.write(lambda tx: repo_staff.end_session(tx, hash_token(token)))

    def _now(self) -> int:
        return int(self._clock.now().timestamp() * 1000)


def signed_in(connection: Connection, token: str, now_ms: int) -> SignedIn | None:
    """Give the sign-in of a token, None when it is over, idle too long, or its account disabled."""
    row = repo_staff.session_of(connection, hash_token(token))
    if row is None or row["expires_at"] <= now_ms or row["seen_at"] + IDLE_MS <= now_ms:
        return None
    return SignedIn(actor=repo_staff.to_actor(row), csrf=row["csrf"])


def put_password(tx: Tx, staff_id: str, password_hash: str, *, by: str, now_ms: int) -> None:
    """Store a password's hash and end all sign-ins of the account."""
    repo_staff.change_staff(tx, staff_id, password_hash=password_hash)
    repo_staff.end_sessions_of(tx, staff_id)
    _audit(tx, by, "password_set", staff_id, now_ms)


def _audit(tx: Tx, by: str, action: str, staff_id: str, now_ms: int) -> None:
    repo.add_audit(tx, actor=by, action=action, target="staff", target_id=staff_id, now_ms=now_ms)
