"""Signing in: limits first, then argon2 off the loop, then a session in the database and the browser in its list.

A token is 256 random bits and stored only as SHA-256. A sign-in is full, or it waits: for the second code (`code`),
for one to be set up (`enrol`), or for the password because nobody used it for a while or its owner locked it
(`locked`). One that waits opens nothing but the page it waits for. It ends after some hours, when its owner signs out
or changes the password, or is disabled; the next request and the next check of an open stream see that.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy import Connection, RowMapping

from bot.core.clock import Clock
from bot.live import Live, OwnLive
from bot.settings import Settings, SettingsError
from bot.store.database import Store, Tx
from escalation import repo, repo_devices, repo_factors, repo_staff
from escalation.devices import Devices
from escalation.passwords import Hashing, Tries, check_password, hash_token, new_token
from escalation.policy import ROLES, Actor

IDLE_MS = 15 * 60_000
ABSOLUTE_MS = 8 * 3_600_000
#: How long a right password waits for the second code.
CODE_MS = 10 * 60_000
#: A sign-in is marked as used at most this often: reading a page should not cost a write.
_TOUCH_MS = 30_000

Stage = Literal["full", "code", "enrol", "locked"]


class LoginRefusedError(Exception):
    """The user name or the password is wrong."""


class WrongPasswordError(LoginRefusedError):
    """Somebody who is in already gave another password than her own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRules:
    """How long a sign-in lasts, and which roles must give a second code."""

    idle_ms: int = IDLE_MS
    absolute_ms: int = ABSOLUTE_MS
    factor_roles: frozenset[str] = frozenset()


def rules_of(settings: Settings) -> SignInRules:
    """Give what the settings say. Unless they name roles, who manages or oversees needs a second code behind TLS.

    Raises:
        SettingsError: there is no such role.
    """
    named = settings.second_factor.replace(" ", "")
    roles: tuple[str, ...] = ("admin", "supervisor") if settings.behind_tls else ()
    if named:
        roles = () if named == "none" else tuple(named.split(","))
    strange = [role for role in roles if role not in ROLES]
    if strange:
        raise SettingsError(f"PANAH_SECOND_FACTOR: there is no role {strange[0]}; the roles are {', '.join(ROLES)}")
    return SignInRules(
        idle_ms=settings.idle_minutes * 60_000,
        absolute_ms=settings.sign_in_hours * 3_600_000,
        factor_roles=frozenset(roles),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A sign-in: who, the CSRF token that every change must carry, and whether it opens anything yet."""

    actor: Actor
    csrf: str
    stage: Stage = "full"
    username: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """What a fresh sign-in gives. `token` and `device` go into cookies and are stored nowhere; `device` may be empty."""

    token: str
    signed_in: SignedIn
    device: str


class SignIns:
    """The sign-ins of one installation."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        hashing: Hashing,
        rules: SignInRules,
        random_bytes: Callable[[int], bytes] = os.urandom,
        live: Live | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._hashing = hashing
        self._random = random_bytes
        self._rules = rules
        self._live = live or OwnLive(clock.monotonic)
        self._tries = Tries(self._live)
        self._again = Tries(self._live, "password again")
        self._devices = Devices(store, self._live, random_bytes)

    async def check_again(self, *, actor: Actor, password: str) -> RowMapping:
        """Let only who knows her own password go on (before something weighty); give her account.

        Who asks has the token of a sign-in already. So the tries are counted apart, by her alone: what strangers
        guess at the door keeps nobody out who is in.

        Raises:
            WrongPasswordError, TooManyTriesError: it is not right.
        """
        row = await self._store.read(lambda connection: repo_staff.by_id(connection, actor.staff_id))
        await self._again.count_one(actor.staff_id)
        right = await self._hashing.matches(row["password_hash"] if row else "", password[:1024], known=True)
        if row is None or not right:
            raise WrongPasswordError
        return row

    async def set_password(self, *, actor: Actor, old: str, new: str, device: str = "") -> None:
        """Change one's own password; all sign-ins end, and no device is known any more but this one.

        Raises:
            LoginRefusedError, TooManyTriesError, WeakPasswordError: nothing was changed.
        """
        row = await self._store.read(lambda connection: repo_staff.by_id(connection, actor.staff_id))
        check_password(new, row["username"] if row else "")
        await self.check_again(actor=actor, password=old)
        password_hash = await self._hashing.hash(new)
        now_ms = self._now()
        await self._store.write(
            lambda tx: put_password(
                tx, actor.staff_id, password_hash, by=actor.staff_id, now_ms=now_ms, device=hash_token(device)
            )
        )

    async def know_browser(self, *, staff_id: str, device: str, agent: str) -> str:
        """Note a browser whose user proved by a one-time link who she is; give the token for its cookie."""
        return await self._store.write(lambda tx: self._know(tx, staff_id, device=device, agent=agent))

    def _know(self, tx: Tx, staff_id: str, *, device: str, agent: str) -> str:
        return self._devices.remember(tx, staff_id=staff_id, device=device, agent=agent, now_ms=self._now())

    async def login(
        self, *, username: str, password: str, address: str, agent: str = "", device: str = ""
    ) -> NewSession:
        """Sign in. Limits are counted before hashing; unknown names get the same answer in the same time.

        `device`: what the browser was given when this account was signed in to on it before; its tries are counted
        apart from those of strangers, and hashed before theirs.

        Raises:
            TooManyTriesError, LoginRefusedError: no session was opened.
        """
        name = username.strip().casefold()[:64].encode("utf-8", "replace").decode("utf-8")
        lane = await self._devices.lane(device=device, username=name, now_ms=self._now())
        await (self._devices.count(lane) if lane else self._tries.count(username=name, address=address))
        row = await self._store.read(lambda connection: repo_staff.by_username(connection, name))
        right = await self._hashing.matches(row["password_hash"] if row else "", password[:1024], known=bool(lane))
        if row is None or not right:
            await self._store.write(lambda tx: _audit(tx, "", "sign_in_refused", row["id"] if row else "", self._now()))
            raise LoginRefusedError
        await (self._devices.forgive(lane) if lane else self._tries.forgive(username=name))

        def write(tx: Tx) -> NewSession:
            fresh = repo_staff.by_id(tx.connection, row["id"])
            if fresh is None or fresh["password_hash"] != row["password_hash"]:
                raise LoginRefusedError  # disabled or changed while we hashed
            if repo_factors.has_factor(tx.connection, row["id"]):
                return self._open(tx, fresh, stage="code", life_ms=CODE_MS, agent=agent)
            return self._open_whole(tx, fresh, agent=agent, device=device)

        return await self._store.write(write)

    def _open_whole(self, tx: Tx, row: RowMapping, *, agent: str, device: str) -> NewSession:
        """Open a sign-in that was proved by all that is asked: from now on its browser is known."""
        _audit(tx, row["id"], "signed_in", row["id"], self._now())
        opened = self._open(tx, row, stage="full", life_ms=self._rules.absolute_ms, agent=agent)
        return replace(opened, device=self._know(tx, row["id"], device=device, agent=agent))

    def _open(self, tx: Tx, row: RowMapping, *, stage: Stage, life_ms: int, agent: str) -> NewSession:
        token, csrf, now_ms = new_token(self._random, 32), new_token(self._random, 32), self._now()
        columns: dict[str, str | int] = {"token_hash": hash_token(token), "staff_id": row["id"], "csrf": csrf}
        times = {"created_at": now_ms, "expires_at": now_ms + life_ms}
        repo_staff.add_session(tx, {**columns, **times, "stage": stage, "agent": agent[:80]})
        found = signed_in(tx.connection, token, now_ms, self._rules)
        assert found is not None
        return NewSession(token=token, signed_in=found, device="")

    async def resume(self, token: str) -> SignedIn | None:
        """Give the full sign-in of a token and note that it was used; None for any other (a request of the console)."""
        now_ms, hashed = self._now(), hash_token(token)
        found, seen_at = await self._store.read(
            lambda connection: (
                signed_in(connection, token, now_ms, self._rules),
                repo_staff.seen_at(connection, hashed),
            )
        )
        if found is None or found.stage != "full":
            return None
        if now_ms - seen_at >= _TOUCH_MS:
            # by the writer's own time: were the clock shifted meanwhile, the sign-in would look idle for a day
            await self._store.write(lambda tx: repo_staff.touch_session(tx, hashed, self._now()))
        return found

    async def peek(self, token: str) -> SignedIn | None:
        """Give the full sign-in of a token without noting a use (an open stream, so that idle time still runs)."""
        found = await self._found(token)
        return found if found is not None and found.stage == "full" else None

    async def waiting(self, token: str) -> SignedIn | None:
        """Give the sign-in of a token that waits for something; None when it is full or over."""
        found = await self._found(token)
        return found if found is not None and found.stage != "full" else None

    async def _found(self, token: str) -> SignedIn | None:
        now_ms = self._now()
        return await self._store.read(lambda connection: signed_in(connection, token, now_ms, self._rules))

    async def lock(self, token: str) -> None:
        """Let a sign-in rest until its owner gives the password."""
        await self._store.write(lambda tx: repo_staff.lock_session(tx, hash_token(token)) and None)

    async def unlock(self, *, token: str, password: str) -> NewSession:
        """Go on with a sign-in that rested, under a new token; its end stays where it was.

        Raises:
            LoginRefusedError, TooManyTriesError: it rests on.
        """
        found = await self._found(token)
        if found is None or found.stage != "locked":
            raise LoginRefusedError
        row = await self.check_again(actor=found.actor, password=password)
        await self._again.forgive(username=row["id"])

        def write(tx: Tx) -> NewSession:
            now_ms = self._now()
            old = repo_staff.session_of(tx.connection, hash_token(token))
            if old is None or old["expires_at"] <= now_ms or old["password_hash"] != row["password_hash"]:
                raise LoginRefusedError
            repo_staff.end_session(tx, hash_token(token))
            return self._open(tx, old, stage="full", life_ms=old["expires_at"] - now_ms, agent=old["agent"])

        return await self._store.write(write)

    async def logout(self, token: str) -> None:
        """End one sign-in; unknown tokens are no error."""
        await self._store.write(lambda tx: repo_staff.end_session(tx, hash_token(token)))

    def _now(self) -> int:
        return int(self._clock.now().timestamp() * 1000)


def signed_in(connection: Connection, token: str, now_ms: int, rules: SignInRules) -> SignedIn | None:
    """Give the sign-in of a token with what it waits for; None when it is over or its account disabled."""
    row = repo_staff.session_of(connection, hash_token(token))
    if row is None or row["expires_at"] <= now_ms:
        return None
    actor = repo_staff.to_actor(row)
    return SignedIn(actor=actor, csrf=row["csrf"], stage=_stage(row, actor, now_ms, rules), username=row["username"])


def _stage(row: RowMapping, actor: Actor, now_ms: int, rules: SignInRules) -> Stage:
    if row["stage"] == "code":
        return "code"
    if row["stage"] == "locked" or row["seen_at"] + rules.idle_ms <= now_ms:
        return "locked"
    return "enrol" if actor.roles & rules.factor_roles and row["confirmed_at"] is None else "full"


def put_password(tx: Tx, staff_id: str, password_hash: str, *, by: str, now_ms: int, device: str = "") -> None:
    """Store a password's hash and end all sign-ins of the account; its devices are forgotten but for this one."""
    repo_staff.change_staff(tx, staff_id, password_hash=password_hash)
    repo_staff.end_sessions_of(tx, staff_id)
    repo_devices.forget_all(tx, staff_id, but=device)
    _audit(tx, by, "password_set", staff_id, now_ms)


def _audit(tx: Tx, by: str, action: str, staff_id: str, now_ms: int) -> None:
    repo.add_audit(tx, actor=by, action=action, target="staff", target_id=staff_id, now_ms=now_ms)
