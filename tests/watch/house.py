"""A real main database, a watch on virtual time beside it, and ways that keep what they were given."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field

import psycopg
from fakes.log import RecordingLog
from stores import STORES
from watch.towns import START, person

from bot.core.clock import VirtualClock
from bot.store import schema
from bot.store.database import Store
from escalation.watch import Duties, Watch
from escalation.watch_file import WatchFile
from escalation.watch_policy import load_policy
from escalation.watch_ways import WayError


@dataclass
class KeptWay:
    """Keeps each page; `fails` makes it refuse, `hangs` makes it wait for the event."""

    pages: list = field(default_factory=list)
    fails: Exception | None = None
    hangs: asyncio.Event | None = None

    async def send(self, address, page):
        if self.hangs is not None:
            await self.hangs.wait()
        if self.fails is not None:
            raise self.fails
        self.pages.append((address, tuple(line.id for line in page.lines)))


@dataclass
class KeptHeart:
    """Keeps whether the last beat said that pages leave."""

    beats: list = field(default_factory=list)
    people: int = 0

    def beat(self, *, reaching, people):
        self.beats.append(reaching)
        self.people = people


class House:
    """One installation as the watch sees it."""

    def __init__(self, home):
        self.home = home
        self.database = home / "panah.db" if STORES.kind == "sqlite" else STORES.database(home / "panah.db")
        if STORES.kind == "sqlite":
            store = Store(self.database, threaded=False)
            store.connection.exec_driver_sql("BEGIN")
            schema.metadata.create_all(store.connection)
            store.connection.exec_driver_sql("COMMIT")
            store.close()
        self.clock = VirtualClock(START)
        self.lines = []
        self.ways = {"staffbot": KeptWay(), "command": KeptWay()}
        self.heart = KeptHeart()
        self.duty = [person("duty:command", duty=True, ways=("command",))]
        self.start()

    def start(self):
        """Start a watch as a new process would."""
        log = RecordingLog(self.lines)
        self.file = WatchFile(self.home / "watch.db", log, self.now)
        self.watch = Watch(
            Duties(
                database=self.database, file=self.file, ways=self.ways, policy=load_policy(), duty=self.duty,
                heart=self.heart, clock=self.clock, log=log,
            )
        )  # fmt: skip

    @property
    def now(self):
        return int(self.clock.now().timestamp() * 1000)

    @property
    def pages(self):
        return self.ways["staffbot"].pages

    @property
    def events(self):
        return [line["event"] for line in self.lines]

    def sql(self, statement, *values):
        if isinstance(self.database, str):
            with psycopg.connect(self.database, autocommit=True) as there:
                found = there.execute(statement.replace("?", "%s"), values)
                return found.fetchall() if found.description else []
        with closing(sqlite3.connect(self.database, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=OFF")
            return connection.execute(statement, values).fetchall()

    def own(self, statement):
        """Run a statement on the watch's own file."""
        with closing(sqlite3.connect(self.home / "watch.db", isolation_level=None)) as connection:
            return connection.execute(statement).fetchall()

    def staff(self, name, *roles, province="", chat=None, on_shift=False):
        listed = "[" + ",".join(f'"{role}"' for role in roles or ("counsellor",)) + "]"
        self.sql(
            "INSERT INTO staff (id, username, name, roles, province, staffbot_chat, created_at) VALUES (?,?,?,?,?,?,0)",
            f"id-{name}", name, name, listed, province, chat,
        )  # fmt: skip
        if on_shift:
            self.sql("INSERT INTO shifts VALUES (?, ?, ?)", f"id-{name}", self.now, self.now + 86_400_000)

    def open(self, case_id, *, tier="T1", desk="EOC"):
        self.sql(
            "INSERT INTO cases (id, code, contact_id, session_id, channel, tier, kinds, cause, desk, state, opened_at,"
            " queued_at, changed_at) VALUES (?, ?, ?, 's', 'web', ?, '[]', 'words', ?, 'queued', ?, ?, ?)",
            case_id, f"1{case_id}", case_id, tier, desk, self.now, self.now, self.now,
        )  # fmt: skip
        self.event(case_id, "opened", tier=tier)

    def event(self, case_id, kind, *, tier=None):
        data = "{}" if tier is None else f'{{"tier": "{tier}"}}'
        self.sql(
            "INSERT INTO case_events (case_id, kind, actor, data, at) VALUES (?, ?, 'x', ?, ?)",
            case_id, kind, data, self.now,
        )  # fmt: skip

    def beat(self):
        self.sql(
            "INSERT INTO beats (name, at, detail) VALUES ('worker', ?, '{}')"
            " ON CONFLICT (name) DO UPDATE SET at = excluded.at",
            self.now,
        )

    async def pass_(self, seconds, *, beats=True):
        """Let time pass, with a look every two seconds."""
        for beat in range(int(seconds / 2)):
            self.clock.advance(2)
            if beats and beat % 5 == 0 and self.is_there:
                self.beat()
            await self.look()

    @property
    def is_there(self):
        """False while the database's file is away."""
        return isinstance(self.database, str) or self.database.is_file()

    async def look(self):
        while await self.watch.cycle():
            await self.watch.settle()


REFUSED = WayError("status_403")
