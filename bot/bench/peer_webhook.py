"""The peer behind its own webhook handler: aiogram on aiohttp, state in Redis with AOF always, the same dialogue."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.fsm.storage.redis import RedisStorage
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web
from redis.asyncio import BlockingConnectionPool, Redis

from bot.bench.peer_aiogram import RedisServer, StubSession, screening_router
from bot.bench.site import SECRET, TELEGRAM_PATH, TOKEN


@contextlib.asynccontextmanager
async def aiogram_site(*, provider: int | None) -> AsyncIterator[int]:
    """Serve aiogram's webhook; give the port. Without a provider's port its calls end in a stub, at no cost."""
    redis = await asyncio.to_thread(RedisServer)
    pool = BlockingConnectionPool(host="127.0.0.1", port=redis.port, max_connections=64, timeout=30)
    connection = Redis(connection_pool=pool)
    session = AiohttpSession(api=TelegramAPIServer.from_base(f"http://127.0.0.1:{provider}")) if provider else None
    bot = Bot(TOKEN, session=session or StubSession())
    dispatcher = Dispatcher(storage=RedisStorage(connection))
    dispatcher.include_router(screening_router())
    app = web.Application()
    SimpleRequestHandler(dispatcher, bot, handle_in_background=False, secret_token=SECRET).register(
        app, path=TELEGRAM_PATH
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
        await bot.session.close()
        await connection.aclose()
        await pool.aclose()
        await asyncio.to_thread(redis.stop)
