"""Somebody at the citizen's page without scripts: forms and cookies over plain HTTP."""

import html
import re
import secrets
from typing import Self

import aiohttp


class Visitor:
    """One browser of one person."""

    def __init__(self, panah):
        self._web = panah.web

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"Origin": self._web})
        return self

    async def __aexit__(self, *_):
        await self._session.close()

    async def say(self, text, message_id=""):
        """Send a text; give the page that follows as plain text."""
        status, page = await self.post({"t": text, "n": message_id or secrets.token_hex(16)})
        assert status == 200, status
        return page

    async def post(self, form):
        """Send a form, or bytes as they are; give the HTTP status and the page as plain text."""
        async with self._session.post(f"{self._web}/", data=form) as answer:
            page = await answer.text()
            return answer.status, html.unescape(re.sub(r"<[^>]+>", " ", page))
