"""The citizens' port as production serves it, in this process: the real application on uvicorn, httptools and uvloop.

Telegram's webhook with its secret, Rasa's with its token; behind them the whole core on a database of its own.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from bot.app import Core
from bot.bench.turns import panah_core
from bot.core.channels import Channel
from bot.handlers.hooks import Door
from bot.handlers.pace import Pace
from bot.service import Service, bind, core_loops, server
from bot.settings import Settings
from bot.web.app import build_citizen
from bot.web.citizen import CitizenDeps

SECRET = "secret-of-the-bench"  # noqa: S105 - of a loopback port that lives for a minute
TOKEN = "424242:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"  # noqa: S105 - the same
TELEGRAM_PATH = "/hooks/telegram/424242"
TELEGRAM_HEADERS = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
RASA_HEADERS = {"Authorization": f"Bearer {SECRET}"}
#: The provider's own limits are not what is measured here.
UNPACED_PER_S = 1_000_000.0


@dataclass(slots=True)
class Site:
    """A port and the core behind it."""

    core: Core
    port: int


@contextlib.asynccontextmanager
async def serve(app: ASGIApp) -> AsyncIterator[int]:
    """Serve an application on a free loopback port as `panah run` does; give the port."""
    listener = bind("127.0.0.1", 0)
    made = server(app)
    task = asyncio.create_task(made.serve(sockets=[listener]))
    try:
        while not made.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        yield int(listener.getsockname()[1])
    finally:
        made.should_exit = True
        with contextlib.suppress(Exception):
            await task
        _shut(listener)


def _shut(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        listener.close()


@contextlib.asynccontextmanager
async def telegram_site(directory: Path, *, provider: int | None) -> AsyncIterator[Site]:
    """Serve Telegram's webhook; with a provider's port replies are sent to it by the outbox's own loop."""
    from bot.handlers.telegram import Telegram, telegram_routes  # noqa: PLC0415 - takes seconds to import

    core = panah_core(directory)
    pace = Pace(core.clock, per_s=UNPACED_PER_S)
    channel = Telegram(token=TOKEN, api=f"http://127.0.0.1:{provider or 9}", clock=core.clock, pace=pace)
    routes = telegram_routes(channel, _door(core), path=TELEGRAM_PATH, secret=SECRET)
    async with _running(core, directory, channel, routes, sends=provider is not None) as site:
        yield site


@contextlib.asynccontextmanager
async def rasa_site(directory: Path) -> AsyncIterator[Site]:
    """Serve Rasa's action webhook, where the reply goes out in the response."""
    from bot.handlers.rasa import RasaChannel, rasa_routes  # noqa: PLC0415 - only for those who have Rasa

    core = panah_core(directory)
    routes = rasa_routes(_door(core), core.keyring, token=SECRET)
    async with _running(core, directory, RasaChannel(), routes, sends=True) as site:
        yield site


def _door(core: Core) -> Door:
    return Door(inbox=core.inbox, store=core.store, bus=core.bus, clock=core.clock, log=core.log, beats=core.beats)


@contextlib.asynccontextmanager
async def _running(
    core: Core, directory: Path, channel: Channel, routes: Sequence[BaseRoute], *, sends: bool
) -> AsyncIterator[Site]:
    settings = Settings(var=directory)
    service = Service(settings, core, core.log)
    if sends:
        service.add_channel(channel)
    deps = CitizenDeps(
        store=core.store, keyring=core.keyring, inbox=core.inbox, bus=core.bus, clock=core.clock, settings=settings
    )
    loops = [asyncio.create_task(loop) for loop in (*service.loops, *core_loops(core))]
    try:
        async with serve(build_citizen(deps, others=routes)) as port:
            yield Site(core, port)
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await channel.close()
        await asyncio.to_thread(core.store.close)
