"""The upgrade drill (S9): a database frozen in the middle of its life, and the way of this release with it.

`python -m bot.proof.upgrade FILE` lets this release live for a few seconds on real processes, kills it, and packs its
data directory (made-up people, a key of its own) as FILE. The drill unpacks such files of earlier releases, dies once
in the migration (X2), starts again, lets everybody go on, and asks `doctor` and its own books what was lost.
"""

import asyncio
import contextlib
import json
import sqlite3
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.proof.backup_drill import SETTINGS
from bot.proof.counsellor import Counsellor
from bot.proof.crash_alert import end_watch
from bot.proof.installation import Installation, StartError, until
from bot.proof.ledger import Failure, Ledger
from bot.proof.nursery import Nursery
from bot.proof.part import Found, PartReport, Progress, ignore
from bot.store.migrate import HEAD

_DANGER = "شوهرم داره منو می‌زنه"
#: What people said before the freeze, by chat: each stands at another place of a script.
_TALKS: dict[int, tuple[str, ...]] = {
    1: ("سلام",), 2: ("سلام", "بله"), 3: ("سلام", "خیر", "خیر"), 4: ("سلام", "حالم خوب نیست"), 5: ("سلام", "کمک"),
    6: ("میخوام خودمو بکشم",), 7: (_DANGER,), 8: (_DANGER, "بله"), 9: ("سلام", "حذف اطلاعات من", "بله"), 10: ("سلام", "رد"),
}  # fmt: skip
_HELD, _CLOSED = 7, 8
#: Updates after the freeze begin here, so that none has the number of one before it.
_LATER = 1_000
_SETTLE_S = 30.0
_PACKED = ("panah.db", "keys/panah.key")
#: Where the checkout keeps them; an installed package has none.
FROZEN = Path(__file__).parent.parent.parent / "tests" / "upgrade"

_KEPT = {
    "contacts": "SELECT id FROM contacts",
    "cases": "SELECT id FROM cases",
    "words": "SELECT m.id FROM messages m JOIN contacts c ON c.id = m.contact_id AND c.erase_due_at IS NULL",
    "audit": "SELECT id FROM audit",
    "arrivals": "SELECT provider_id FROM inbox",
    "publications": "SELECT id FROM publications",
}
_LOWERED = "SELECT id || tier FROM cases"


def frozen_databases() -> list[Path]:
    """Give the frozen databases of earlier releases that are at hand."""
    return sorted(FROZEN.glob("*.tar.xz"))


async def freeze(target: Path) -> None:
    """Live a little with this release and pack what is there when it is killed."""
    with tempfile.TemporaryDirectory(prefix="panah-") as name:
        async with Nursery() as nursery, Ledger() as ledger:
            installation = Installation(Path(name), nursery, ledger, by_webhook=False, **SETTINGS)
            await installation.start()
            try:
                await _live(installation)
            finally:
                await installation.kill()
                await end_watch(installation)
            _pack(installation.var, target)


async def _live(installation: Installation) -> None:
    ledger = installation.ledger
    for turn in range(max(map(len, _TALKS.values()))):
        for chat, texts in _TALKS.items():
            if turn < len(texts):
                ledger.say(chat, texts[turn])
        await until(lambda: _waiting(installation) == 0 and len(ledger.confirmed) == len(ledger.wrote), _SETTLE_S)
    async with Counsellor(installation) as who:
        await who.sign_in()
        for chat in (_HELD, _CLOSED):
            case_id = _case(installation, chat)
            await who.claim(case_id)
            token = await who.token(case_id)
            await who.say(case_id, token, "من این‌جا هستم", who.new_command())
            if chat == _CLOSED:
                await who.close_case(case_id, token)
    await until(lambda: _waiting(installation) == 0, _SETTLE_S)
    ledger.fails["sendMessage"] = Failure(delay_s=30.0)
    ledger.say(2, "سلام")
    await until(lambda: installation.counts("SELECT count(*) FROM outbox WHERE state = 'sending'") > 0, _SETTLE_S)


def _waiting(installation: Installation) -> int:
    return installation.counts(
        "SELECT (SELECT count(*) FROM inbox WHERE state = 'waiting')"
        " + (SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending'))"
    )


def _case(installation: Installation, chat: int) -> str:
    update = next(number for number, who in installation.ledger.wrote.items() if who == chat)
    sql = "SELECT k.id FROM cases k JOIN inbox i ON i.contact_id = k.contact_id WHERE i.provider_id LIKE ?"
    return str(installation.rows(sql, f"%:{update}")[0][0])


def _pack(var: Path, target: Path) -> None:
    """Fold the log into the database, leave out what is free, and pack it with its key."""
    with contextlib.closing(sqlite3.connect(var / "panah.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("UPDATE versions SET sources = x''")  # the texts of the scripts, for diff and rollback only
        for row_id, compiled in connection.execute("SELECT id, compiled FROM versions").fetchall():
            loose = zlib.compress(zlib.decompress(compiled), 0)  # the archive packs it tighter than zlib did
            connection.execute("UPDATE versions SET compiled = ? WHERE id = ?", (loose, row_id))
        connection.execute("VACUUM")
        connection.execute("PRAGMA journal_mode=DELETE")
    with tarfile.open(target, "w:xz") as archive:
        for name in _PACKED:
            archive.add(var / name, arcname=name, filter=_nameless)


def _nameless(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


@dataclass(slots=True)
class _Books:
    found: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def must(self, said: str, *, held: bool) -> None:
        if not held:
            self.found.append(said)


def run_upgrade_drill(
    frozen: Sequence[Path], *, seed: int, until: float | None = None, on_progress: Progress = ignore
) -> PartReport:
    """Bring each frozen database to this release; once, or again and again until a monotonic moment."""
    began = time.monotonic()
    books = _Books(counts={"drills": 0})
    while not books.counts["drills"] or (until is not None and time.monotonic() < until):
        asyncio.run(_first_start(books))
        for file in frozen:
            asyncio.run(_drill(file, books))
            books.counts["upgrades"] = books.counts.get("upgrades", 0) + 1
        books.counts["drills"] += 1
        on_progress(f"{books.counts['drills']} drills, {len(books.found)} breaches")
    replay = f"panah prove --only drills --seed {seed}"
    found = tuple(Found(said=said, replay=replay) for said in dict.fromkeys(books.found))
    return PartReport(name="drills", seed=seed, took_s=time.monotonic() - began, counts=books.counts, breaches=found)


async def _first_start(books: _Books) -> None:
    """An empty directory: the migrations from nothing, killed behind their first step, then whole."""
    with tempfile.TemporaryDirectory(prefix="panah-") as name:
        async with Nursery() as nursery, Ledger() as ledger:
            installation = Installation(Path(name), nursery, ledger, by_webhook=False, **SETTINGS)
            installation.arm("X2")
            with contextlib.suppress(StartError):
                await installation.start()
            books.must("first start: X2 was not met", held=installation.disarm())
            await installation.kill()
            left = installation.counts("SELECT count(*) FROM sqlite_master WHERE name = 'inbox'")
            books.must("first start: half a migration was kept", held=left == 0)
            await installation.start()
            books.must("first start: it did not come to the newest schema", held=_revision(installation) == HEAD)
            await installation.stop()
            books.counts["crash points"] = books.counts.get("crash points", 0) + 1


async def _drill(file: Path, books: _Books) -> None:
    with tempfile.TemporaryDirectory(prefix="panah-") as name:
        async with Nursery() as nursery, Ledger(_number=_LATER) as ledger:
            installation = Installation(Path(name), nursery, ledger, by_webhook=False, **SETTINGS)
            _unpack(file, installation.var)
            before = _kept(installation.var / "panah.db")
            await _die_in_migration(installation, books, file.name)
            began = time.monotonic()
            await installation.start()
            books.counts["upgrade ms"] = int((time.monotonic() - began) * 1000)
            try:
                await _go_on(installation, books, file.name)
            finally:
                await installation.stop()
            _compare(before, _kept(installation.var / "panah.db"), books, file.name)


def _unpack(file: Path, var: Path) -> None:
    (var / "keys").mkdir(parents=True, mode=0o700)
    var.chmod(0o700)
    with tarfile.open(file, "r:xz") as archive:
        for name in _PACKED:
            member = archive.extractfile(name)
            assert member is not None
            (var / name).write_bytes(member.read())
            (var / name).chmod(0o600)


async def _die_in_migration(installation: Installation, books: _Books, name: str) -> None:
    """X2: who dies between two steps finds the old schema, whole, and the next start goes the whole way."""
    revision = _revision(installation)
    if revision == HEAD:
        return
    installation.arm("X2")
    with contextlib.suppress(StartError):
        await installation.start()
    books.must(f"{name}: X2 was not met", held=installation.disarm())
    await installation.kill()
    books.must(f"{name}: a killed migration left another schema", held=_revision(installation) == revision)
    books.counts["crash points"] = books.counts.get("crash points", 0) + 1


async def _go_on(installation: Installation, books: _Books, name: str) -> None:
    """Everybody writes once more, and is answered; then the installation is sound."""
    ledger = installation.ledger
    books.must(f"{name}: it is not at this release's schema", held=_revision(installation) == HEAD)
    quarantined = installation.counts("SELECT count(*) FROM inbox WHERE state = 'quarantined'")
    talkers = [chat for chat in _TALKS if chat not in {_HELD, 9}]
    for chat in talkers:
        ledger.say(chat, "سلام")
    answered = await until(lambda: set(talkers) <= {said.chat for said in ledger.said}, _SETTLE_S)
    books.must(f"{name}: a conversation that was under way is not answered", held=answered)
    books.must(f"{name}: the queue does not empty", held=await until(lambda: _waiting(installation) == 0, _SETTLE_S))
    now = installation.counts("SELECT count(*) FROM inbox WHERE state = 'quarantined'")
    books.must(f"{name}: messages were given up after the upgrade", held=now == quarantined)
    failed = installation.counts("SELECT count(*) FROM cases WHERE cause = 'failure'")
    books.must(f"{name}: a script failed after the upgrade", held=failed == 0)
    sound = await _doctor(installation)
    books.must(f"{name}: doctor fails after the upgrade", held=sound)


async def _doctor(installation: Installation) -> bool:
    """What fell due while it was frozen has a minute to be done."""
    for _ in range(10):
        if await installation.verb("doctor") == 0:
            return True
        await asyncio.sleep(2.0)
    return False


def _compare(before: dict[str, set[str]], after: dict[str, set[str]], books: _Books, name: str) -> None:
    for what in _KEPT:
        lost = before[what] - after[what]
        books.must(f"{name}: {len(lost)} {what} are gone", held=not lost)
    tiers = {row[:-2]: row[-2:] for row in after["tiers"]}
    lower = [row for row in before["tiers"] if tiers.get(row[:-2], "T9") > row[-2:]]
    books.must(f"{name}: {len(lower)} cases stand lower", held=not lower)


def _kept(database: Path) -> dict[str, set[str]]:
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10.0)) as connection:
        queries = {**_KEPT, "tiers": _LOWERED}
        return {what: {str(row[0]) for row in connection.execute(sql)} for what, sql in queries.items()}


def _revision(installation: Installation) -> str:
    rows: list[tuple[Any, ...]] = installation.rows("SELECT version_num FROM alembic_version")
    return str(rows[0][0]) if rows else ""


if __name__ == "__main__":
    asyncio.run(freeze(Path(sys.argv[1])))
    print(json.dumps({"frozen": sys.argv[1], "bytes": Path(sys.argv[1]).stat().st_size}))  # noqa: T201 - a script
