"""The second factor of an account: setting it up, giving a code, recovery codes, and its reset by another admin.

The secret is sealed under the wrapping key and bound to its account. A step that was used is used for good, in the
same transaction that opens the sign-in. It stands on top of escalation.signin, which knows only whether there is one.
"""

import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping

from bot.core.clock import Clock
from bot.live import Live
from bot.store.crypto import Keyring, UnreadableError
from bot.store.database import Store, Tx
from escalation import repo, repo_devices, repo_factors, repo_staff
from escalation.case import BadInputError
from escalation.one_time import address_of, new_recovery_codes, new_secret, step_of, typed
from escalation.passwords import TRIES_PER_CODE, Hashing, Tries, hash_token
from escalation.policy import Actor, require
from escalation.signin import LoginRefusedError, NewSession, SignedIn, SignInRules, SignIns

#: How long a secret that she scanned waits for its first right code: through wrong ones and a page opened anew.
SETUP_MS = 30 * 60_000


class WrongCodeError(Exception):
    """This code is wrong, too old, or was used."""


class SetUpOverError(Exception):
    """The set-up took too long; it begins anew with another secret."""


class FactorNeededError(Exception):
    """Her role needs a second factor; it cannot be taken away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What she needs for her authenticator: the secret to type, the address to draw. Shown while she sets it up."""

    secret: str
    address: str


class Factors(SignIns):
    """Second factors beside the sign-ins they complete."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        keyring: Keyring,
        hashing: Hashing,
        rules: SignInRules,
        random_bytes: Callable[[int], bytes] = os.urandom,
        live: Live | None = None,
    ) -> None:
        super().__init__(store, clock, hashing=hashing, rules=rules, random_bytes=random_bytes, live=live)
        self._keyring = keyring
        self._code_tries = Tries(self._live, "code", per_account=TRIES_PER_CODE)

    async def propose_factor(self, *, actor: Actor, issuer: str) -> Proposed:
        """Give a secret that waits for its first code: the one that waits already, for another half hour, or a fresh one.

        Raises:
            BadInputError: a confirmed one stands; it must go first.
        """
        fresh, now_ms = new_secret(self._random), self._now()

        def write(tx: Tx) -> Proposed:
            secret = self._waiting_secret(tx.connection, actor.staff_id) or fresh
            sealed = self._keyring.seal_own(_place(actor.staff_id), secret.encode())
            row = repo_staff.by_id(tx.connection, actor.staff_id)
            if row is None or not repo_factors.propose(tx, actor.staff_id, sealed_secret=sealed, now_ms=now_ms):
                raise BadInputError
            return _proposed(secret, row, issuer)

        return await self._store.write(write)

    async def proposed_factor(self, *, actor: Actor, issuer: str, secret: str) -> Proposed | None:
        """Give what waits for its first code to a page that showed this secret before; None when it is another's."""

        def read(connection: Connection) -> Proposed | None:
            row, waits = repo_staff.by_id(connection, actor.staff_id), self._waiting_secret(connection, actor.staff_id)
            is_same = hmac.compare_digest(waits.encode(), secret.encode("utf-8", "surrogatepass"))
            return _proposed(waits, row, issuer) if row is not None and waits and is_same else None

        return await self._store.read(read)

    def _waiting_secret(self, connection: Connection, staff_id: str) -> str:
        """Give the secret that waits for its first code; empty when none does, or not any more."""
        row = repo_factors.factor_of(connection, staff_id)
        if row is None or row["confirmed_at"] is not None or self._is_over(row):
            return ""
        return self._secret(row)

    def _is_over(self, row: RowMapping) -> bool:
        return self._now() - int(row["created_at"]) >= SETUP_MS

    async def confirm_factor(self, *, actor: Actor, code: str, token: str) -> list[str]:
        """Take the first code of her authenticator; give her recovery codes. Her other sign-ins end.

        Raises:
            WrongCodeError, SetUpOverError, TooManyTriesError: it is not confirmed.
        """
        await self._count(actor)
        now_ms, codes = self._now(), new_recovery_codes(self._random)

        def write(tx: Tx) -> None:
            self._use(tx, actor.staff_id, code, confirmed=False)
            repo_factors.confirm(tx, actor.staff_id, now_ms)
            repo_factors.put_recovery(tx, actor.staff_id, [typed(one) for one in codes], now_ms)
            repo_staff.end_other_sessions(tx, actor.staff_id, hash_token(token))
            self._record(tx, actor, "second_factor_set", actor.staff_id)

        await self._store.write(write)
        await self._code_tries.forgive(username=actor.staff_id)
        return codes

    async def login_code(self, *, token: str, code: str, device: str = "") -> NewSession:
        """Complete a sign-in with a code of the authenticator or a recovery code; it goes on under a new token.

        Tries on a device that knows the account are counted apart: who guessed her password keeps her out no more.

        Raises:
            LoginRefusedError, WrongCodeError, TooManyTriesError: it still waits.
        """
        found = await self._found(token)
        if found is None or found.stage != "code":
            raise LoginRefusedError
        lane = await self._devices.lane(device=device, username=found.username, now_ms=self._now())
        await self._code_tries.count_one(lane or found.actor.staff_id)
        try:
            opened = await self._store.write(lambda tx: self._complete(tx, token, code, device=device))
        except WrongCodeError:
            await self._store.write(lambda tx: self._record(tx, None, "code_refused", found.actor.staff_id))
            raise
        await self._code_tries.forgive(username=lane or found.actor.staff_id)
        return opened

    def _complete(self, tx: Tx, token: str, code: str, *, device: str) -> NewSession:
        old = repo_staff.session_of(tx.connection, hash_token(token))
        if old is None or old["stage"] != "code" or old["expires_at"] <= self._now():
            raise LoginRefusedError
        actor = repo_staff.to_actor(old)
        if repo_factors.use_recovery(tx, actor.staff_id, typed(code), self._now()):
            self._record(tx, actor, "recovery_code_used", actor.staff_id)
        else:
            self._use(tx, actor.staff_id, code, confirmed=True)
        repo_staff.end_session(tx, hash_token(token))
        return self._open_whole(tx, old, agent=old["agent"], device=device)

    async def renew_recovery(self, *, actor: Actor, code: str) -> list[str]:
        """Give fresh recovery codes for a code of the authenticator; the old ones are good no more.

        Raises:
            WrongCodeError, TooManyTriesError: nothing was changed.
        """
        await self._count(actor)
        now_ms, codes = self._now(), new_recovery_codes(self._random)

        def write(tx: Tx) -> None:
            self._use(tx, actor.staff_id, code, confirmed=True)
            repo_factors.put_recovery(tx, actor.staff_id, [typed(one) for one in codes], now_ms)
            self._record(tx, actor, "recovery_codes_renewed", actor.staff_id)

        await self._store.write(write)
        return codes

    async def remove_factor(self, *, actor: Actor, code: str) -> None:
        """Take one's own second factor away, for a code of it.

        Raises:
            FactorNeededError, WrongCodeError, TooManyTriesError: it stays.
        """
        if actor.roles & self._rules.factor_roles:
            raise FactorNeededError
        await self._count(actor)

        def write(tx: Tx) -> None:
            self._use(tx, actor.staff_id, code, confirmed=True)
            repo_factors.drop_factor(tx, actor.staff_id)
            self._record(tx, actor, "second_factor_removed", actor.staff_id)

        await self._store.write(write)

    async def reset_factor(self, *, actor: Actor, staff_id: str) -> None:
        """Take a colleague's second factor away: her phone is lost. Her sign-ins end; nobody resets her own.

        Raises:
            NotAllowedError, BadInputError: it stays.
        """
        require(actor, "staff", "manage")

        def write(tx: Tx) -> None:
            if staff_id == actor.staff_id or not repo_factors.drop_factor(tx, staff_id):
                raise BadInputError
            repo_staff.end_sessions_of(tx, staff_id)
            repo_devices.forget_all(tx, staff_id)  # the phone that is lost may be one of them
            self._record(tx, actor, "second_factor_reset", staff_id)

        await self._store.write(write)

    async def factor_state(self, found: SignedIn) -> tuple[bool, int, bool]:
        """Say of a sign-in's owner: has she a second factor, how many recovery codes are left, must she have one."""
        must = bool(found.actor.roles & self._rules.factor_roles)
        staff_id = found.actor.staff_id
        return await self._store.read(
            lambda db: (repo_factors.has_factor(db, staff_id), repo_factors.recovery_left(db, staff_id), must)
        )

    async def _count(self, actor: Actor) -> None:
        await self._code_tries.count_one(actor.staff_id)

    def _use(self, tx: Tx, staff_id: str, code: str, *, confirmed: bool) -> None:
        row = repo_factors.factor_of(tx.connection, staff_id)
        if row is None or (row["confirmed_at"] is not None) != confirmed:
            raise WrongCodeError
        if not confirmed and self._is_over(row):
            raise SetUpOverError
        step = step_of(self._secret(row), code, now_s=self._now() // 1000, after=row["last_step"])
        if step is None or not repo_factors.use_step(tx, staff_id, step):
            raise WrongCodeError

    def _secret(self, row: RowMapping) -> str:
        try:
            return self._keyring.open_own(_place(row["staff_id"]), row["sealed_secret"]).decode()
        except UnreadableError as error:
            raise WrongCodeError from error  # another key file: a recovery code or a second admin helps

    def _record(self, tx: Tx, actor: Actor | None, action: str, staff_id: str) -> None:
        by = actor.staff_id if actor else ""
        repo.add_audit(tx, actor=by, action=action, target="staff", target_id=staff_id, now_ms=self._now())


def _proposed(secret: str, row: RowMapping, issuer: str) -> Proposed:
    return Proposed(secret=secret, address=address_of(secret, username=str(row["username"]), issuer=issuer))


def _place(staff_id: str) -> bytes:
    return f"staff_factors.secret|{staff_id}".encode()
