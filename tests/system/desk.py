"""A colleague at the console over its HTTP, as her browser would speak it: cookies, the form token, one origin."""

import asyncio
import html
import re
from typing import Self

import aiohttp

PASSWORD = "ماه پشت ابر نمی‌ماند"


class Desk:
    """One browser of one colleague."""

    def __init__(self, panah):
        self._panah = panah
        self.page = ""

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"Origin": self._panah.console}
        )
        return self

    async def __aexit__(self, *_):
        await self._session.close()

    async def get(self, path):
        """Open a page; give its HTML."""
        address = path if path.startswith("http") else self._panah.console + path
        async with self._session.get(address) as answer:
            self.page = await answer.text()
            assert answer.status == 200, (path, answer.status)
        return self.page

    async def post(self, path, **fields):
        """Send a form of the page that is open; give the path it led to."""
        found = re.search(r'<meta name="csrf" content="([^"]+)"', self.page)
        assert found, self.page[:300]
        form = {"csrf": found.group(1), **fields}
        async with self._session.post(self._panah.console + path, data=form) as answer:
            self.page = await answer.text()
            assert answer.status == 200, (path, answer.status, self.page[-600:])
            return answer.url.path

    async def open_account(self):
        """Use the first admin's one-time link as it stands, with what is ticked on it; she is signed in afterwards."""
        link = self._panah.first_link
        page = await self.get(link)
        ticked = {
            re.search(r'name="([^"]+)"', box).group(1): "1" for box in re.findall(r"<input[^>]*checked[^>]*>", page)
        }
        path = link.removeprefix(self._panah.console)
        await self.post(path, name="مینا", username="mina", password=PASSWORD, again=PASSWORD, **ticked)
        return self

    async def join(self, username, *roles):
        """Be invited by the command line, set a password by the link, sign in."""
        wanted = [part for role in roles or ("counsellor",) for part in ("--role", role)]
        added = await asyncio.to_thread(self._panah.command, "staff", "add", username, *wanted)
        assert added.returncode == 0, added.stderr
        link = added.stdout.strip()
        await self.get(link)
        await self.post(link.removeprefix(self._panah.console), password=PASSWORD, again=PASSWORD)
        assert await self.post("/login", username=username, password=PASSWORD, next="/") == "/"
        return self

    async def begin_shift(self):
        """Begin the shift, as the button at the top does."""
        await self.get("/")
        await self.post("/shift", to="on")

    async def take(self):
        """Take the most urgent case; give its id."""
        await self.get("/")
        path = await self.post("/take", command="t" * 32)
        assert path.startswith("/cases/"), path
        return path.removeprefix("/cases/")

    async def read(self, case_id):
        """Give a case's page as text without marks."""
        return html.unescape(re.sub(r"<[^>]+>", " ", await self.get(f"/cases/{case_id}")))

    async def act(self, case_id, act, **fields):
        """Do one act on a case that she holds; give the path it led to."""
        page = await self.get(f"/cases/{case_id}")
        token = re.search(r'name="token" value="(\d+)"', page)
        return await self.post(f"/cases/{case_id}/{act}", token=token.group(1) if token else "", **fields)

    async def write(self, case_id, text, command):
        """Say something to the person."""
        await self.act(case_id, "messages", text=text, command=command)
