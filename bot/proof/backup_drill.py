"""The backup drill (S10): back up under load, be killed at it, restore to an empty directory by the CLI alone, go on.

Real processes, a provider each for the old and the new installation. What is asked at the end: nothing committed
before the backup is missing, who was erased stays erased (I27), nothing that was being sent goes out by itself (I29),
`doctor` is content, people are answered, and how long it took.
"""

import asyncio
import contextlib
import shutil
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bot.proof.installation import Installation, until
from bot.proof.ledger import Failure, Ledger
from bot.proof.nursery import Nursery
from bot.proof.part import Found, PartReport, Progress, ignore

_DANGER = "شوهرم داره منو می‌زنه"
_GREETING = "سلام"
_ERASE = ("حذف اطلاعات من", "بله")
_FAREWELL = "پاک می‌شود"
_CITIZENS = 24
_SETTLE_S = 30.0
#: Erasing waits until the farewell is surely out.
_ERASE_AFTER_S = 420.0
_LOAD_PAUSE_S = 0.02
_LATE_CHATS = 50_000
#: Without a way out `doctor` rightly fails.
SETTINGS = {"PANAH_ALERT_COMMAND": shutil.which("true") or "/bin/true"}
_NEW_CHATS = {98, 99}


@dataclass(slots=True)
class _Drill:
    """One drill under way: the old installation, the folder all lies in, and what was broken."""

    folder: Path
    nursery: Nursery
    old: Installation
    found: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    ahead_s: float = 0.0

    def must(self, said: str, *, held: bool) -> None:
        """Note a promise that did not hold."""
        if not held:
            self.found.append(said)


def run_backup_drill(*, seed: int, until: float | None = None, on_progress: Progress = ignore) -> PartReport:
    """Drill once, or again and again until a monotonic moment."""
    began = time.monotonic()
    counts = {"drills": 0}
    found: dict[str, Found] = {}
    while not counts["drills"] or (until is not None and time.monotonic() < until):
        broken, more = asyncio.run(_drill())
        counts = {**counts, **more, "drills": counts["drills"] + 1}
        replay = f"panah prove --only drills --seed {seed}"
        found.update({said: Found(said=said, replay=replay) for said in broken})
        on_progress(f"{counts['drills']} drills, {len(found)} breaches")
    return PartReport(
        name="drills", seed=seed, took_s=time.monotonic() - began, counts=counts, breaches=tuple(found.values())
    )


async def _drill() -> tuple[list[str], dict[str, int]]:
    with tempfile.TemporaryDirectory(prefix="panah-") as name:
        folder = Path(name)
        async with Nursery() as nursery, Ledger() as ledger:
            drill = _Drill(folder, nursery, Installation(folder / "old", nursery, ledger, by_webhook=False, **SETTINGS))
            try:
                await _all_steps(drill)
            finally:
                await drill.old.stop()  # not killed: its alert loop would rightly live on
            return drill.found, drill.counts


async def _all_steps(drill: _Drill) -> None:
    await drill.old.start()
    gone = await _live(drill)
    backup = drill.folder / "copy.db"
    async with _load(drill):
        await _killed_backup(drill, backup)
        before = _names(drill.old.var / "panah.db")
        began = time.monotonic()
        drill.must("the backup under load failed", held=await drill.old.verb("backup", str(backup)) == 0)
        drill.counts["backup ms"] = int((time.monotonic() - began) * 1000)
    drill.must("RPO: what was committed before the backup is not in it", held=before <= _names(backup))
    later = await _erased_later(drill)
    await _restored(drill, backup, gone)
    await _replaced(drill, backup, later)


async def _live(drill: _Drill) -> str:
    """Let people write and one be erased; give the contact of the erased one."""
    ledger = drill.old.ledger
    numbers = [ledger.say(chat, _DANGER if chat % 4 == 0 else _GREETING) for chat in range(1, _CITIZENS)]
    drill.must("people were not answered", held=await _all_heard(ledger, set(range(1, _CITIZENS))))
    await _ask_for_erasure(drill, _CITIZENS)
    drill.must("nobody was erased", held=await until(lambda: _erased(drill.old) == 1, _SETTLE_S))
    drill.must("the queue does not empty", held=await until(lambda: _open(drill.old) == 0, _SETTLE_S))
    drill.counts["messages"] = len(numbers) + len(_ERASE)
    return str(drill.old.rows("SELECT id FROM contacts WHERE erased_at IS NOT NULL")[0][0])


async def _ask_for_erasure(drill: _Drill, chat: int) -> None:
    ledger = drill.old.ledger
    for text in (_GREETING, *_ERASE):
        ledger.say(chat, text)
    farewell = await until(lambda: any(said.text.startswith(_FAREWELL) for said in ledger.heard(chat)), _SETTLE_S)
    drill.must("who asked to be erased heard no farewell", held=farewell)
    await drill.old.stop()  # a clock that moves while it runs is a wrong clock; one that moved meanwhile is time
    drill.ahead_s += _ERASE_AFTER_S
    drill.old.shift_clock(drill.ahead_s)
    await drill.old.start()


async def _all_heard(ledger: Ledger, chats: set[int]) -> bool:
    return await until(lambda: chats <= {said.chat for said in ledger.said}, _SETTLE_S)


@contextlib.asynccontextmanager
async def _load(drill: _Drill) -> AsyncIterator[None]:
    """Let people write all the while; some answers are under way for seconds, so the backup holds rows being sent."""
    ledger = drill.old.ledger
    ledger.fails["sendMessage"] = Failure(delay_s=2.0, accepts=True)

    async def write() -> None:
        chat = _LATE_CHATS
        while True:
            chat += 1
            ledger.say(chat, _GREETING)
            await asyncio.sleep(_LOAD_PAUSE_S)

    task = asyncio.create_task(write())
    await until(lambda: drill.old.counts("SELECT count(*) FROM outbox WHERE state = 'sending'") > 0, _SETTLE_S)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        ledger.fails.clear()


async def _killed_backup(drill: _Drill, backup: Path) -> None:
    """X1: who dies while copying leaves nothing under the wanted name."""
    drill.old.arm("X1")
    code = await drill.old.verb("backup", str(backup))
    met = drill.old.disarm()
    drill.must("X1 was not met", held=met and code < 0)
    drill.must("X1: a killed backup stands under its name", held=not _stands(backup))
    drill.counts["crash points"] = int(met)


async def _erased_later(drill: _Drill) -> str:
    """Somebody is erased after the backup was taken; stop the old installation then."""
    chat = 1
    contact = _contact(drill.old, chat)
    await _ask_for_erasure(drill, chat)
    drill.must("nobody was erased later", held=await until(lambda: _erased(drill.old) == 2, _SETTLE_S))
    await drill.old.stop()
    return contact


async def _restored(drill: _Drill, backup: Path, gone: str) -> None:
    """Restore to an empty directory with nothing but the CLI, start, go on."""
    sending = _ids(backup, "SELECT id FROM outbox WHERE state = 'sending'")
    drill.counts["rows being sent"] = len(sending)
    drill.must("the load left nothing under way: this drill proved little", held=bool(sending))
    new = Installation(drill.folder / "new", drill.nursery, drill.old.ledger, by_webhook=False, **SETTINGS)
    began = time.monotonic()
    code = await _restore(drill, new.var, backup)
    drill.counts["restore ms"] = int((time.monotonic() - began) * 1000)
    drill.must("the restore failed", held=code == 0)
    if code != 0:
        return
    said = len(new.ledger.said)
    new.shift_clock(drill.ahead_s)
    await new.start()
    try:
        await _goes_on(drill, new, sending, said)
        _stays_erased(drill, new.var / "panah.db", gone)
    finally:
        await new.stop()


async def _goes_on(drill: _Drill, new: Installation, sending: set[str], said: int) -> None:
    queued = _ids(drill.folder / "copy.db", "SELECT id FROM outbox WHERE state = 'queued'")
    for chat in _NEW_CHATS:
        new.ledger.say(chat, _DANGER)
    drill.must("after the restore people are not answered", held=await _all_heard(new.ledger, _NEW_CHATS))
    drill.must("after the restore danger makes no case", held=new.counts(_CASE_OF_NEWEST) == 1)
    drill.must("after the restore the queue does not empty", held=await until(lambda: _open(new) == 0, _SETTLE_S))
    unknown = {str(row[0]) for row in new.rows("SELECT id FROM outbox WHERE state = 'unknown'")}
    drill.must("I29: what was being sent is not marked as unknown", held=sending <= unknown)
    newest = max(map(int, _ids(drill.folder / "copy.db", "SELECT id FROM outbox")))
    fresh = new.counts("SELECT count(*) FROM outbox WHERE state = 'sent' AND id > ?", newest)
    drill.must("I29: more was said than waited", held=len(new.ledger.said) - said <= len(queued) + fresh)
    drill.must("doctor fails after the restore", held=await new.verb("doctor") == 0)


async def _replaced(drill: _Drill, backup: Path, later: str) -> None:
    """The same backup over the old database: who was erased since must not come back."""
    code = await drill.old.verb("restore", str(backup), "--replace")
    drill.must("the restore over a database failed", held=code == 0)
    if code == 0:
        _stays_erased(drill, drill.old.var / "panah.db", later)


async def _restore(drill: _Drill, var: Path, backup: Path) -> int:
    """As the runbook has it: the escrow copy of the key in its place, then the one verb."""
    escrow = drill.folder / "escrow.key"
    drill.must("the key was not exported", held=await drill.old.verb("key", "export", str(escrow)) == 0)
    _put_key(escrow, var)
    return await drill.old.verb("restore", str(backup), PANAH_VAR=str(var))


def _stands(file: Path) -> bool:
    return file.exists()


def _put_key(escrow: Path, var: Path) -> None:
    (var / "keys").mkdir(parents=True, mode=0o700)
    var.chmod(0o700)
    shutil.copyfile(escrow, var / "keys" / "panah.key")
    (var / "keys" / "panah.key").chmod(0o600)


def _stays_erased(drill: _Drill, database: Path, contact: str) -> None:
    left = _ids(database, "SELECT id FROM contacts WHERE wrapped_key IS NOT NULL")
    words = _ids(database, "SELECT contact_id FROM messages UNION SELECT contact_id FROM turns")
    drill.must("I27: who was erased came back", held=contact not in left | words)


_CASE_OF_NEWEST = (
    "SELECT count(*) FROM cases WHERE state <> 'closed' AND contact_id = (SELECT contact_id FROM inbox"
    " WHERE channel = 'telegram' ORDER BY id DESC LIMIT 1)"
)


def _open(installation: Installation) -> int:
    sql = (
        "SELECT (SELECT count(*) FROM inbox WHERE state = 'waiting') + (SELECT count(*) FROM outbox"
        " WHERE state IN ('queued', 'sending'))"
    )
    return installation.counts(sql)


def _erased(installation: Installation) -> int:
    return installation.counts("SELECT count(*) FROM contacts WHERE erased_at IS NOT NULL")


def _contact(installation: Installation, update: int) -> str:
    sql = "SELECT contact_id FROM inbox WHERE channel = 'telegram' AND provider_id LIKE ?"
    return str(installation.rows(sql, f"%:{update}")[0][0])


def _names(database: Path) -> set[str]:
    return _ids(database, "SELECT provider_id FROM inbox WHERE state = 'done'")


def _ids(database: Path, sql: str) -> set[str]:
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10.0)) as connection:
        return {str(row[0]) for row in _rows(connection, sql)}


def _rows(connection: sqlite3.Connection, sql: str) -> Iterator[tuple[str]]:
    yield from connection.execute(sql)
