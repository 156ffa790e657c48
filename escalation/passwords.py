"""Passwords (argon2id) and the limits that stand before hashing, so that guessing never costs us a processor.

Hashing runs in a pool of one thread, never on the event loop and never on the writer; people we know go before
strangers. A user name that does not exist costs the same work and gets the same answer as a wrong password (T25, T26).
"""

import asyncio
import base64
import hashlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property, partial
from itertools import count
from queue import PriorityQueue
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bot.live import Limit, Live
from escalation.guessable import is_guessable

PASSWORD_CHARS_MIN = 10
PASSWORD_CHARS_MAX = 256
#: Tries allowed within the window: in all, for one account, from one address.
TRIES_IN_ALL = 120
TRIES_PER_ACCOUNT = 8
TRIES_PER_ADDRESS = 24
#: Tries of a second code: whoever tries it knows the password already.
TRIES_PER_CODE = 5
WINDOW_S = 300.0


class TooManyTriesError(Exception):
    """Too many tries; wait five minutes."""


class WeakPasswordError(Exception):
    """A password needs 10 to 256 characters and must not be what is tried first."""


def check_password(password: str, username: str) -> None:
    """Refuse a password that is too short, too long or easily guessed.

    Raises:
        WeakPasswordError: choose another.
    """
    right_size = PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX
    if not right_size or len(set(password)) < 4 or is_guessable(password, username):
        raise WeakPasswordError


def new_token(random_bytes: Callable[[int], bytes], size: int) -> str:
    """Draw a token of `size` random bytes: lower-case letters and digits, easy to type and safe in a link."""
    return base64.b32encode(random_bytes(size)).decode("ascii").rstrip("=").lower()


def hash_token(token: str) -> str:
    """Give what is stored of a token or code. Its randomness is the salt; case and spaces round it do not count."""
    return hashlib.sha256(token.strip().lower()[:200].encode("utf-8", "surrogatepass")).hexdigest()


class Hashing:
    """The one thread that hashes: who is known comes next, whoever guesses waits."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="argon2")
        self._numbers = count()
        self._waiting: PriorityQueue[tuple[bool, int, Future[Any], Callable[[], Any]]] = PriorityQueue()

    async def hash(self, password: str) -> str:
        """Give the argon2id hash of a password; whoever sets one proved before that she may."""
        hashed: str = await self._run(partial(self._hasher.hash, _bytes(password)), known=True)
        return hashed

    async def matches(self, password_hash: str, password: str, *, known: bool) -> bool:
        """True when the password fits. An empty hash fits nothing and costs as much.

        `known`: a device or a sign-in says that she was here before; she does not wait behind those who guess.
        """
        fits: bool = await self._run(partial(self._verify, password_hash, password), known=known)
        return fits

    def close(self) -> None:
        """Stop the thread after the hash it is at; who waits for one is told that it is over."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        while not self._waiting.empty():
            self._waiting.get_nowait()[2].cancel()

    async def _run(self, work: Callable[[], Any], *, known: bool) -> Any:
        future: Future[Any] = Future()
        self._waiting.put((not known, next(self._numbers), future, work))
        self._pool.submit(self._next)
        return await asyncio.wrap_future(future)

    def _next(self) -> None:
        _, _, future, work = self._waiting.get_nowait()
        if not future.set_running_or_notify_cancel():
            return  # she went away meanwhile
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001 - it is raised where the hash is awaited
            future.set_exception(error)

    @cached_property
    def _decoy(self) -> str:
        """The hash that a password for an unknown name is checked against; made at the first sign-in, not at start."""
        return self._hasher.hash("a decoy for user names that do not exist")

    def _verify(self, password_hash: str, password: str) -> bool:
        decoy = self._decoy  # made here for every name, or the first unknown one would take twice as long
        try:
            return self._hasher.verify(password_hash or decoy, _bytes(password)) and bool(password_hash)
        except (VerificationError, InvalidHashError):
            return False


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")


class Tries:
    """How often something was tried lately, everywhere that processes can tell each other; `what` keeps kinds apart."""

    def __init__(self, live: Live, what: str = "sign in", *, per_account: int = TRIES_PER_ACCOUNT) -> None:
        self._live = live
        self._what = what
        self._per_account = per_account

    async def count(self, *, username: str, address: str) -> None:
        """Count one try before anything is hashed.

        Raises:
            TooManyTriesError: one of the three limits is reached.
        """
        allowed = await self._live.try_once(
            Limit(name=self._what, most=TRIES_IN_ALL),
            Limit(name=self._account(username), most=self._per_account),
            Limit(name=f"{self._what} address {address[:64]}", most=TRIES_PER_ADDRESS),
            window_s=WINDOW_S,
        )
        if not allowed:
            raise TooManyTriesError

    async def count_one(self, account: str) -> None:
        """Count one try of somebody who is known: neither addresses nor the total of strangers stand in her way.

        Raises:
            TooManyTriesError: her own limit is reached.
        """
        limit = Limit(name=self._account(account), most=self._per_account)
        if not await self._live.try_once(limit, window_s=WINDOW_S):
            raise TooManyTriesError

    async def forgive(self, *, username: str) -> None:
        """Forget an account's tries once its password was right."""
        await self._live.forgive(self._account(username))

    def _account(self, username: str) -> str:
        return f"{self._what} account " + hashlib.sha256(username.encode("utf-8", "surrogatepass")).hexdigest()
