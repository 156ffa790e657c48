"""One kill round: bring a real process to a crash point, kill it there, start it again, let all settle, ask the oracle.

A round is one kill -9 of one process of one installation and the one start (or the one verb) that follows it. Rounds
follow each other on the same data, so a later one finds what earlier ones left.
"""

import asyncio
import contextlib
import itertools
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp

from bot import control
from bot.proof.counsellor import Counsellor, RefusedError
from bot.proof.crash_alert import Duty, alert_round, end_watch
from bot.proof.crash_backup import backup_breaches
from bot.proof.crash_check import Books, Kill, contact_of, fresh_breaches, open_work
from bot.proof.crash_points import Lane, Plan
from bot.proof.crash_server import LOST_COMMITS, strike
from bot.proof.crash_timers import erasure_round
from bot.proof.ground import Ground, Reader
from bot.proof.installation import Installation, StartError, until
from bot.proof.ledger import Ledger
from bot.proof.nursery import Nursery

DANGER = "شوهرم داره منو می‌زنه"
GREETING = "سلام"
_DEATH_S = 10.0
_SETTLE_S = 60.0  # a busy machine starts slowly
_CHATS = itertools.count(1_000)


class Rounds:
    """One installation on which rounds follow each other, by webhook or by polling."""

    def __init__(self, directory: Path, nursery: Nursery, ledger: Ledger, ground: Ground, *, kind: Lane) -> None:
        self._ground = ground
        self._places = contextlib.ExitStack()
        settings, reader = self._places.enter_context(ground.place())
        self.installation = Installation(directory, nursery, ledger, by_webhook=kind == "webhook", **settings)
        self.installation.reader = reader
        self.books = Books()
        self._counsellor = Counsellor(self.installation)
        self._numbers: list[int] = []
        self._nursery = nursery
        self._fresh = itertools.count()
        self._met = False
        self._first = 0  #: how many had written before this round

    async def open(self) -> None:
        """Start for the first time; a counsellor signs in."""
        await self.installation.start()
        await self._counsellor.__aenter__()
        await self._counsellor.sign_in()

    async def close(self) -> None:
        """Let go of everything."""
        await self._counsellor.__aexit__()
        await self.installation.kill()
        self._places.close()

    async def run(self, plan: Plan) -> tuple[bool, list[str]]:
        """Carry out one round; give whether its point was met, and what was broken.

        What Redis suffers, it suffers until all is settled: so all that had to go on went on by looking.
        """
        await self._ground.ail(plan.trouble)
        try:
            return await self._run(plan)
        finally:
            await self._ground.heal()

    async def _run(self, plan: Plan) -> tuple[bool, list[str]]:
        self._first = len(self._numbers)
        if plan.way == "first start":
            return await self._first_start(plan)
        if plan.way == "timer":
            return await self._timer(plan)
        if plan.way == "alert":
            return await self._alert(plan)
        if plan.way == "server":
            return await self._server(plan)
        if plan.is_ordinary and plan.way != "backup":
            await self.installation.stop()
            await self.installation.start()
        match plan.way:
            case "message":
                met = await self._messages(plan)
            case "rollback":
                met = await self._rollback(plan)
            case "backup":
                met, found = await self._backup(plan)
                return met, [*found, *await self._settled()]
            case _:
                met = await self._with_counsellor(plan)
        return met, await self._settled()

    async def _messages(self, plan: Plan) -> bool:
        if plan.point:
            self.installation.arm(plan.point, plan.times)
        for _ in range(plan.citizens):
            self._say(is_danger=plan.is_danger)
        return await self._die(plan, after_s=0.0 if plan.point else plan.after_s)

    def _say(self, *, is_danger: bool) -> int:
        chat = next(_CHATS)
        if is_danger:
            self.books.dangers.add(chat)
        self._numbers.append(self.installation.ledger.say(chat, DANGER if is_danger else GREETING))
        return chat

    async def _die(self, plan: Plan, *, after_s: float) -> bool:
        """Wait for the armed death, or kill at the random moment; then start again."""
        await asyncio.sleep(after_s)
        if plan.point:
            await until(lambda: not self.installation.is_alive, _DEATH_S)
        met = self.installation.disarm() or not plan.point
        await self.installation.kill()
        wrote = frozenset(self.installation.ledger.wrote[number] for number in self._numbers[self._first :])
        self.books.kills.append(Kill(at=time.monotonic(), may_double=plan.may_double, chats=wrote))
        await self.installation.start()
        return met

    async def _rollback(self, plan: Plan) -> bool:
        """The pointer of publications is moved by a person's act while somebody writes."""
        sql = "SELECT version FROM publications ORDER BY id DESC LIMIT 1"
        version = self.installation.rows(sql)[0][0]
        self.installation.arm(plan.point)
        with contextlib.suppress(control.NotRunningError):
            await control.call_async(
                self.installation.socket, "flows_rollback", by="mina", reason="proof", version=version
            )
        self._say(is_danger=plan.is_danger)
        return await self._die(plan, after_s=0.0)

    async def _with_counsellor(self, plan: Plan) -> bool:
        """Claim, write and close one case; the process dies behind one of the three and the act is pressed again."""
        chat = self._say(is_danger=True)
        if await self._unsettled():
            return False
        who, number = self._counsellor, self._numbers[-1]
        case_id = self._case_of(number)
        await self._pressed(plan, "C1", lambda: who.claim(case_id))
        token = await who.token(case_id)
        text, command = f"من این‌جا هستم {plan.number}", who.new_command()
        self.books.words[text] = chat
        await self._pressed(plan, "C2", lambda: who.say(case_id, token, text, command))
        await self._pressed(plan, "C3", lambda: who.close_case(case_id, token))
        self.books.closed.add(case_id)
        return self._met

    async def _pressed(self, plan: Plan, point: str, act: Callable[[], Awaitable[None]]) -> None:
        if plan.point != point:
            await act()
            return
        self.installation.arm(point)
        with contextlib.suppress(aiohttp.ClientError, OSError):
            await act()
        self._met = await self._die(plan, after_s=0.0)
        with contextlib.suppress(RefusedError):  # a case that is closed cannot be closed again
            await self._counsellor.again(act)

    def _case_of(self, number: int) -> str:
        contact_id = contact_of(self.installation, number)
        return str(self.installation.rows("SELECT id FROM cases WHERE contact_id = ?", contact_id)[0][0])

    async def _backup(self, plan: Plan) -> tuple[bool, list[str]]:
        self._say(is_danger=plan.is_danger)
        self.installation.arm(plan.point)
        folder = self.installation.directory / f"backups-{plan.number}"
        folder.mkdir()
        code = await self.installation.verb("backup", str(folder / "copy.db"))
        met = self.installation.disarm()
        return met and code < 0, await backup_breaches(self.installation, folder)

    async def _alert(self, plan: Plan) -> tuple[bool, list[str]]:
        """On an installation of its own, since one person is paged at most once in half a minute."""
        async with self._empty() as (directory, ledger, settings, reader):
            duty = Duty(directory)
            fresh = Installation(directory, self._nursery, ledger, by_webhook=False, **duty.settings, **settings)
            fresh.reader = reader
            try:
                return await alert_round(fresh, duty, plan.point, DANGER)
            finally:
                await fresh.stop()
                await end_watch(fresh)

    async def _timer(self, plan: Plan) -> tuple[bool, list[str]]:
        async with self._empty() as (directory, ledger, settings, reader):
            by_webhook = plan.lane == "webhook"
            fresh = Installation(directory, self._nursery, ledger, by_webhook=by_webhook, **settings)
            fresh.reader = reader
            return await erasure_round(fresh, plan.point)

    async def _first_start(self, plan: Plan) -> tuple[bool, list[str]]:
        """An installation that dies while it makes its tables or publishes for the first time."""
        directory = self.installation.directory / f"fresh-{next(self._fresh)}"
        async with self._cleared(directory), Ledger() as ledger:
            lane = Rounds(directory, self._nursery, ledger, self._ground, kind=plan.lane)
            lane.installation.arm(plan.point)
            with contextlib.suppress(StartError):
                await lane.installation.start()
            met = lane.installation.disarm()
            await lane.installation.kill()
            await lane.installation.start()
            lane._say(is_danger=plan.is_danger)
            found = await lane._settled()
            await lane.installation.kill()
            lane._places.close()
        return met, found

    async def _server(self, plan: Plan) -> tuple[bool, list[str]]:
        """Strike PostgreSQL, or the wire to it, while people write and a counsellor presses; whoever ended is started."""
        chat = self._say(is_danger=True)
        if broken := await self._unsettled():
            return False, broken
        case_id = self._case_of(self._numbers[-1])
        for _ in range(plan.citizens):
            self._say(is_danger=plan.is_danger)
        acting = asyncio.create_task(self._acts(plan, chat, case_id))
        met = await strike(self._ground, plan)
        if plan.point not in LOST_COMMITS:
            self.books.kills.append(Kill(at=time.monotonic(), may_double=True))
        while not acting.done():
            await asyncio.wait([acting], timeout=0.2)
            if not self.installation.is_alive:
                await self.installation.start()
        acting.result()
        return met, await self._settled()

    async def _acts(self, plan: Plan, chat: int, case_id: str) -> None:
        """Claim, write and close one case, each pressed until it is answered."""
        who = self._counsellor
        await who.until_answered(lambda: who.claim(case_id))
        token = int(await who.until_answered(lambda: who.token(case_id)))
        text, command = f"من این‌جا هستم {plan.number}", who.new_command()
        self.books.words[text] = chat
        await who.until_answered(lambda: who.say(case_id, token, text, command))
        with contextlib.suppress(RefusedError):  # the answer to an earlier pressing was lost: it is closed
            await who.until_answered(lambda: who.close_case(case_id, token))
        self.books.closed.add(case_id)

    @contextlib.asynccontextmanager
    async def _empty(self) -> AsyncIterator[tuple[Path, Ledger, dict[str, str], Reader | None]]:
        """Give what an installation of its own needs, for a round that cannot be repeated on a used one."""
        directory = self.installation.directory / f"fresh-{next(self._fresh)}"
        async with self._cleared(directory), Ledger() as ledger:
            with self._ground.place() as (settings, reader):
                yield directory, ledger, settings, reader

    @contextlib.asynccontextmanager
    async def _cleared(self, directory: Path) -> AsyncIterator[None]:
        try:
            yield
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    async def _settled(self) -> list[str]:
        """Wait until nothing is under way, then ask the oracle."""
        return await self._unsettled() or fresh_breaches(self.installation, self.books)

    async def _unsettled(self) -> list[str]:
        ledger = self.installation.ledger
        if await until(self._is_settled, _SETTLE_S):
            return []
        waiting = len(set(self._numbers) - set(ledger.confirmed))
        open_rows = open_work(self.installation)
        alive = "lives" if self.installation.is_alive else "is dead"
        return [f"I11: {waiting} updates are not confirmed and {open_rows} rows wait; the process {alive}"]

    def _is_settled(self) -> bool:
        ledger = self.installation.ledger
        return (
            set(self._numbers) <= set(ledger.confirmed)
            and all(ledger.heard(ledger.wrote[number]) for number in self._numbers[-8:])
            and open_work(self.installation) == 0
        )
