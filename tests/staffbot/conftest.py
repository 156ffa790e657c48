"""A staff bot on a fake Telegram with a desk on a real database, and colleagues with chats."""

import asyncio
import json

import pytest
from fakes.log import RecordingLog
from fakes.telegram_api import FakeTelegram
from staffbot.desk import CASE, TOKEN
from stores import STORES

from bot.beats import Beats
from bot.bus import InProcessBus
from bot.core.clock import SystemClock
from bot.core.ids import system_ids
from bot.store import schema
from bot.store.crypto import ephemeral_keyring
from escalation.office import Office
from escalation.staffbot import StaffBot
from escalation.staffbot_alert import DeskAwayError, alert_from_json
from escalation.staffbot_desk import DatabaseDesk


@pytest.fixture
def store(tmp_path):
    store = STORES.open(tmp_path / "panah.db", tables=False)
    schema.metadata.create_all(store.connection)
    yield store
    store.close()


@pytest.fixture
def log_lines():
    return []


@pytest.fixture
async def server():
    async with FakeTelegram(TOKEN) as server:
        yield server
        assert server.bot(TOKEN).problems == []


@pytest.fixture
def bot(server):
    return server.bot(TOKEN)


class Line:
    """The desk as the staff bot reaches it: by verbs that answer plain JSON, over a line that can be cut."""

    def __init__(self, desk):
        self._verbs = desk.verbs()
        self.is_away = False

    async def _call(self, verb, *wanted):
        if self.is_away:
            raise DeskAwayError
        return json.loads(json.dumps(await self._verbs[verb](*wanted)))

    async def link(self, code, chat_id):
        return await self._call("staffbot_link", code, chat_id)

    async def accept(self, chat_id, case_id):
        return await self._call("staffbot_accept", chat_id, case_id)

    async def see(self, chat_id, case_id):
        return await self._call("staffbot_see", chat_id, case_id)

    async def see_waiting(self, chat_id, until_ms):
        return await self._call("staffbot_see_waiting", chat_id, until_ms)

    async def alerts(self, after):
        return [alert_from_json(item) for item in await self._call("staffbot_alerts", after)]

    async def told(self, event_id):
        await self._call("staffbot_told", event_id)


@pytest.fixture
def desk(store):
    office = Office(keyring=ephemeral_keyring(), bus=InProcessBus(), new_id=system_ids)
    return Line(DatabaseDesk(store, office, SystemClock(), Beats(SystemClock())))


@pytest.fixture
def log(log_lines):
    return RecordingLog(log_lines)


@pytest.fixture
async def start(server, desk, log):
    """Start the staff bot; starting again is a restart of its process."""
    running = []

    async def stop():
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        running.clear()

    async def begin():
        await stop()
        staffbot = StaffBot(token=TOKEN, api=server.url, desk=desk, log=log)
        running.append(asyncio.create_task(staffbot.run(wait=lambda _: asyncio.sleep(0.02))))

    yield begin
    await stop()


@pytest.fixture
async def colleague(store, bot):
    """Give a linked colleague: `await colleague(7, province="")`."""

    async def add(chat_id, province="", *, linked=True, on_shift=False, role="counsellor"):
        def write(tx):
            tx.raw.execute(
                "INSERT INTO staff (id, username, name, roles, province, staffbot_chat, created_at)"
                " VALUES (?, ?, 'n', ?, ?, ?, 0)",
                (f"s{chat_id}", f"u{chat_id}", f'["{role}"]', province, str(chat_id) if linked else None),
            )
            if on_shift:
                now_ms = int(SystemClock().now().timestamp() * 1000)
                tx.raw.execute("INSERT INTO shifts VALUES (?, ?, ?)", (f"s{chat_id}", now_ms, now_ms))

        await store.write(write)
        return bot.user(chat_id)

    return add


@pytest.fixture
async def add_case(store):
    """Put a case in the queue: `await add_case(tier="T1")`; again with a kind adds an event."""

    async def add(case_id=CASE, *, tier="T1", desk="IR-23", kind="opened"):
        def write(tx):
            tx.raw.execute(
                "INSERT INTO cases (id, code, contact_id, session_id, channel, tier, kinds, cause, desk, state,"
                " opened_at, queued_at, changed_at) VALUES (?, '12345', ?, 's', 'web', ?, '[\"suicide\"]', 'words', ?,"
                " 'queued', 0, 0, 0) ON CONFLICT (id) DO UPDATE SET tier = excluded.tier, state = 'queued'",
                (case_id, f"c-{case_id}", tier, desk),
            )
            tx.raw.execute(
                "INSERT INTO case_events (case_id, kind, actor, at) VALUES (?, ?, 'bot', 0)", (case_id, kind)
            )

        await store.write(write)

    return add
