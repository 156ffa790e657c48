"""Real parts for the channels: a database, a door with a recording inbox, a real HTTP server for our routes."""

import asyncio
import contextlib
from dataclasses import dataclass, field

import pytest
import uvicorn
from fakes.log import RecordingLog
from fakes.telegram_api import FakeTelegram
from fakes.waiting import until
from handlers.telegram_talk import TOKEN
from starlette.applications import Starlette
from stores import STORES

from bot.beats import Beats
from bot.bus import InProcessBus
from bot.core.clock import SystemClock
from bot.handlers.hooks import Door
from bot.handlers.telegram import Telegram
from bot.inbox import Accepted, OverloadedError
from bot.store import schema


@dataclass
class RecordingInbox:
    """Keeps what was accepted; `full` makes it refuse, `answer` is what every turn says."""

    accepted: list = field(default_factory=list)
    full: bool = False
    answer: Accepted = field(default_factory=Accepted)

    async def accept(self, message):
        if self.full:
            raise OverloadedError
        duplicate = any(
            (item.channel, item.provider_id) == (message.channel, message.provider_id) for item in self.accepted
        )
        if not duplicate:
            self.accepted.append(message)
        return self.answer

    async def accept_batch(self, messages):
        return [await self.accept(message) for message in messages]

    @property
    def inputs(self):
        return [message.input for message in self.accepted]


@pytest.fixture
def store(tmp_path):
    store = STORES.open(tmp_path / "panah.db", tables=False)
    schema.metadata.create_all(store.connection)
    yield store
    store.close()


@pytest.fixture
def inbox():
    return RecordingInbox()


@pytest.fixture
def log_lines():
    return []


@pytest.fixture
def door(inbox, store, log_lines):
    log = RecordingLog(log_lines)
    return Door(inbox=inbox, store=store, clock=SystemClock(), log=log, bus=InProcessBus(), beats=Beats(SystemClock()))


@pytest.fixture
async def serve():
    """Serve routes over real HTTP: `url = await serve(routes)`."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(routes):
            config = uvicorn.Config(
                Starlette(routes=routes), host="127.0.0.1", port=0, log_level="critical", lifespan="off", ws="none"
            )
            server = uvicorn.Server(config)
            running = asyncio.create_task(server._serve())
            await until(lambda: server.started)

            async def stop():
                server.should_exit = True
                await running

            stack.push_async_callback(stop)
            return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"

        yield start


@pytest.fixture
async def server():
    """Serve Telegram; a test in which it was asked wrongly fails."""
    async with FakeTelegram(TOKEN) as server:
        yield server
        assert server.bot(TOKEN).problems == []


@pytest.fixture
def bot(server):
    return server.bot(TOKEN)


@pytest.fixture
async def channel(server):
    channel = Telegram(token=TOKEN, api=server.url, clock=SystemClock())
    yield channel
    await channel.close()
