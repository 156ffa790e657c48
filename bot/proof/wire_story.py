"""What happens to one person while a fault lasts: she tells of danger before, at or after it strikes.

Judged by the ledger, by the queue's page as a counsellor sees it, and by what reached whoever is on call.
"""

import asyncio
import itertools
import time
from contextlib import suppress
from random import Random
from typing import Literal

import aiohttp

from bot.proof.counsellor import RefusedError
from bot.proof.crash_alert import ALERT_S
from bot.proof.crash_check import Kill, breaches, contact_of, open_work
from bot.proof.installation import until
from bot.proof.wire_faults import Fault
from bot.proof.wire_site import Site

Moment = Literal["before", "at", "after"]
MOMENTS: tuple[Moment, ...] = ("before", "at", "after")
DANGER = "شوهرم داره منو می‌زنه"
_MORE = "تو رو خدا کمکم کنید"
#: So many signs that cannot be packed tighter make a message longer than a page of the database.
_FILLER = 3900
_VISIBLE_S = 10.0
#: So soon health says what it must say (I30).
_RED_S = 30.0
#: How much longer a fault lasts than it should, until it has struck something.
_BITES_S = 10.0
#: A half-open poll is given up after 45 seconds, a wait between tries lasts a few.
_SETTLE_S = 75.0
#: How long the loops have after the healing to set right what the fault left.
_MEND_S = 20.0
#: Promises about time; all others hold at every moment.
_LATE = "I11"
_CHATS = itertools.count(989_120_000_000)


class Story:
    """One fault on one installation, at its three moments."""

    def __init__(self, fault: Fault, site: Site, dice: Random) -> None:
        self.restarts = 0
        self._fault = fault
        self._site = site
        self._dice = dice
        self._numbers: list[int] = []
        self._told_at: dict[Moment, tuple[int, float]] = {}

    async def tell(self, moment: Moment) -> list[str]:
        """Live through one moment; give what was broken."""
        fault, site = self._fault, self._site
        chat = next(_CHATS)
        site.books.dangers.add(chat)
        found: list[str] = []
        if moment != "before":
            await self._say(moment, chat)
        if moment == "after" and not await until(lambda: self._is_settled(chat), _SETTLE_S):
            return ["I3: she is not answered although nothing is broken yet"]
        if moment == "at" and fault.reddens and not await self._is_ready(yes=True):
            found.append("I30: the process says that it cannot take a message in although nothing is broken yet")
        if moment == "at":
            await asyncio.sleep(self._dice.random() * 0.2)
        struck, said_before = time.monotonic(), self._log()
        await fault.strike(site)
        if moment == "before":
            await self._say(moment, chat)
        if moment == "after":
            await self._say("after", chat, _MORE)
        if fault.is_open and not await self._is_on_the_queue(chat):
            found.append("I7: her case is not on the queue's page while the fault lasts")
        await asyncio.sleep(max(0.0, struck + fault.lasts_s - time.monotonic()))
        if (
            moment != "at"
            and fault.shows
            and not await until(lambda: fault.shows in self._log()[len(said_before) :], _BITES_S)
        ):
            found.append("the fault has struck nothing")
        if moment == "at" and fault.reddens and not await self._is_ready(yes=False):
            found.append("I30: the process says all the while that it can take a message in")
        await self._heal(struck)
        found += await self._after(chat)
        early, site.ledger.early_calls = site.ledger.early_calls, 0
        return [*found, *([f"I16: {early} calls before the moment that the provider had named"] if early else [])]

    async def _is_ready(self, *, yes: bool) -> bool:
        """True when the process says so, or that it is not, to whoever watches from outside, within thirty seconds."""
        url = f"http://127.0.0.1:{self._site.installation.web_port}/readyz"
        deadline = time.monotonic() + _RED_S
        while time.monotonic() < deadline:
            with suppress(aiohttp.ClientError, OSError, TimeoutError):
                async with self._site.counsellor.http.get(url) as answer:
                    if answer.status == (200 if yes else 503):
                        return True
            await asyncio.sleep(0.2)
        return False

    def _log(self) -> str:
        log = self._site.installation.log
        return log.read_text("utf-8", "replace") if log.exists() else ""

    async def called(self) -> list[tuple[Moment, str]]:
        """Wait for what is still to reach whoever is on call; give the moments of which she heard late or not at all."""
        found: list[tuple[Moment, str]] = []
        for moment, (number, said_at) in self._told_at.items():
            left_s = max(1.0, said_at + ALERT_S - time.time())
            code = self._code(number)
            await until(lambda code=code: self._site.duty.told_at(code) is not None, left_s)  # type: ignore[misc]
            told_at = self._site.duty.told_at(code)
            if told_at is None or told_at - said_at > ALERT_S + 1:
                found.append((moment, f"I7: nobody on call heard of her within {ALERT_S:.0f} seconds"))
        return found

    async def _say(self, moment: Moment, chat: int, text: str = DANGER) -> None:
        said_at = time.time()
        number = await self._site.say(chat, f"{text} {self._filler()}" if self._fault.is_wordy else text)
        self._numbers.append(number)
        self._told_at.setdefault(moment, (number, said_at))

    def _filler(self) -> str:
        return "".join(chr(0x4E00 + self._dice.randrange(20_000)) for _ in range(_FILLER))

    async def _heal(self, struck: float) -> None:
        """Take the fault away; a process that ended under it is started again, as its supervisor would."""
        fault, site = self._fault, self._site
        site.tools.close()
        await fault.heal(site)
        if not site.installation.is_alive:
            self.restarts += 1
            await site.installation.start()
        healed = time.monotonic()
        # our own time-outs end up to a quarter of a minute later, and what they give up may be said again
        window = Kill(at=healed + 15.0, may_double=fault.may_double, under_way_s=healed - struck + 18.0)
        site.books.kills.append(window)

    async def _after(self, chat: int) -> list[str]:
        if not await until(lambda: self._is_settled(chat), _SETTLE_S):
            waiting = len(set(self._numbers) - set(self._site.ledger.confirmed))
            return [f"I11: {waiting} updates are not confirmed, {open_work(self._site.installation)} rows wait"]
        found = [said for said in breaches(self._site.installation, self._site.books) if not said.startswith(_LATE)]
        # what a wrong clock put off or brought forward is planned anew by the loops within seconds
        await until(lambda: not list(breaches(self._site.installation, self._site.books)), _MEND_S)
        found += [said for said in breaches(self._site.installation, self._site.books) if said not in found]
        if not await self._is_on_the_queue(chat):
            found.append("I7: her case is not on the queue's page after the healing")
        return found

    def _is_settled(self, chat: int) -> bool:
        ledger = self._site.ledger
        return (
            set(self._numbers) <= set(ledger.confirmed)
            and (bool(ledger.heard(chat)) or self._fault.may_expire)
            and open_work(self._site.installation) == 0
        )

    async def _is_on_the_queue(self, chat: int) -> bool:
        deadline = time.monotonic() + _VISIBLE_S
        while time.monotonic() < deadline:
            case_id = self._case_of(chat)
            with suppress(aiohttp.ClientError, OSError, RefusedError, TimeoutError):
                if case_id and f"/cases/{case_id}" in await self._site.counsellor.queue():
                    return True
            await asyncio.sleep(0.1)
        return False

    def _case_of(self, chat: int) -> str:
        number = next(number for number, writer in self._site.ledger.wrote.items() if writer == chat)
        return self._found("id", number)

    def _code(self, number: int) -> str:
        return self._found("code", number)

    def _found(self, column: Literal["id", "code"], number: int) -> str:
        contact_id = contact_of(self._site.installation, number)
        sql = {"id": "SELECT id FROM cases WHERE contact_id = ?", "code": "SELECT code FROM cases WHERE contact_id = ?"}
        found = self._site.installation.rows(sql[column], contact_id)
        return str(found[0][0]) if found else ""
