"""A counsellor at the console of an installation, over HTTP as her browser would speak.

She keeps her sign-in over the restarts of the process, sends an act again when no answer came, under the same command
and token, and remembers what she said: her words are part of the ledger.
"""

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable
from typing import Any, Self

import aiohttp

from bot import control
from bot.proof.installation import Installation

_PASSWORD = "a long phrase for the proof"  # noqa: S105 - of an account that lives for a minute
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_TOKEN = re.compile(r'name="token" value="(\d+)"')
_TIMEOUT_S = 10.0


class RefusedError(Exception):
    """The console said no. `is_ours`: the fault is the server's (5xx), and the same may be asked again."""

    def __init__(self, said: str, *, is_ours: bool = False) -> None:
        super().__init__(said)
        self.is_ours = is_ours


class Counsellor:
    """One person with an account at the national desk."""

    def __init__(self, installation: Installation, name: str = "mina") -> None:
        self._installation = installation
        self._name = name
        self._commands = itertools.count(1)
        self._csrf = ""
        self.words: dict[str, int] = {}  #: what she said, and to which chat

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        self._http = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.CookieJar(unsafe=True))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def sign_in(self) -> None:
        """Get an account by invitation, set its password, sign in."""
        code = await control.call_async(
            self._installation.socket,
            "staff_add",
            username=self._name,
            name=self._name,
            roles=["counsellor", "supervisor", "reviewer"],
            province="",
        )
        await self._form(f"/invite/{code}", {"password": _PASSWORD, "again": _PASSWORD})
        await self._form("/login", {"username": self._name, "password": _PASSWORD})
        page = await self._get("/")
        self._csrf = _found(_CSRF, page)

    async def queue(self) -> str:
        """Give the queue's page."""
        return await self._get("/")

    async def claim(self, case_id: str) -> None:
        """Take a case."""
        await self._act(f"/cases/{case_id}/claim", {})

    async def say(self, case_id: str, token: int, text: str, command: str) -> None:
        """Write to her; the same command again is the same message."""
        await self._act(f"/cases/{case_id}/messages", {"token": str(token), "text": text, "command": command})

    async def close_case(self, case_id: str, token: int) -> None:
        """End a case."""
        await self._act(
            f"/cases/{case_id}/close", {"token": str(token), "outcome": "counselled", "reason": "گفت‌وگو کردیم."}
        )

    def new_command(self) -> str:
        """Give the name of a new message."""
        return f"proof-{self._name}-{next(self._commands):06d}"

    async def token(self, case_id: str) -> int:
        """Read the claim's number off the case's page."""
        return int(_found(_TOKEN, await self._get(f"/cases/{case_id}")))

    async def again(self, act: Any, *, seconds: float = 20.0) -> None:
        """Do an act until it is answered, as a person presses again.

        Raises:
            RefusedError, TimeoutError: it was refused, or nobody answers.
        """
        async with asyncio.timeout(seconds):
            while True:
                try:
                    await act()
                except (aiohttp.ClientError, OSError):
                    await asyncio.sleep(0.05)
                else:
                    return

    async def until_answered(self, act: Callable[[], Awaitable[Any]], *, seconds: float = 40.0) -> Any:
        """Do an act until the console answers it, also while its database is away; give what it gives.

        Raises:
            RefusedError, TimeoutError: it was refused, or nobody answers.
        """
        async with asyncio.timeout(seconds):
            while True:
                try:
                    return await act()
                except RefusedError as error:
                    if not error.is_ours:
                        raise
                except (aiohttp.ClientError, OSError):
                    pass
                await asyncio.sleep(0.1)

    @property
    def http(self) -> aiohttp.ClientSession:
        """Her browser, signed in."""
        return self._http

    @property
    def _base(self) -> str:
        return f"http://127.0.0.1:{self._installation.console_port}"

    async def _get(self, path: str) -> str:
        async with self._http.get(self._base + path) as answer:
            if answer.status != 200:
                raise RefusedError(f"GET: {answer.status}", is_ours=answer.status >= 500)
            return await answer.text()

    async def _form(self, path: str, fields: dict[str, str]) -> None:
        async with self._http.get(self._base + path) as page:
            csrf = _found(_CSRF, await page.text())
        await self._post(path, {**fields, "csrf": csrf})

    async def _act(self, path: str, fields: dict[str, str]) -> None:
        await self._post(path, {**fields, "csrf": self._csrf})

    async def _post(self, path: str, fields: dict[str, str]) -> None:
        async with self._http.post(
            self._base + path, data=fields, headers={"Origin": self._base}, allow_redirects=False
        ) as answer:
            await answer.read()
            if answer.status not in {200, 204, 303}:
                raise RefusedError(f"POST: {answer.status}", is_ours=answer.status >= 500)


def _found(pattern: re.Pattern[str], page: str) -> str:
    found = pattern.search(page)
    if found is None:
        raise RefusedError("the page is not what it was")
    return found.group(1)
