"""The peer: aiogram on Redis with AOF always, tuned (StateFilter, async filters, a pool that waits).

The same dialogue, each turn ending in one message to a stub; state and data are kept by aiogram's own RedisStorage.
"""

import json
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from aiogram import Bot, Dispatcher, Router
from aiogram.client.session.base import BaseSession
from aiogram.filters import CommandStart, StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.fsm.storage.redis import RedisStorage
from aiogram.types import Message
from redis.asyncio import BlockingConnectionPool, Redis

_SENT = {"message_id": 7, "date": 1_760_000_000, "chat": {"id": 1, "type": "private"}, "text": "ok"}
_GUIDES = ("راهنمای سطح کم.", "راهنمای سطح متوسط.", "راهنمای سطح زیاد.")
_HEAVY, _SOME = 14, 7


class StubSession(BaseSession):
    """Takes every call and answers at once."""

    answer = Message.model_validate(_SENT)
    calls = 0

    async def close(self) -> None:
        """Hold nothing, let go of nothing."""

    async def make_request(self, bot: Bot, method: Any, timeout: int | None = None) -> Any:  # noqa: ARG002, ASYNC109
        """Count the call."""
        self.calls += 1
        return self.answer

    async def stream_content(self, *_args: Any, **_kwargs: Any) -> Any:
        """Give nothing."""
        yield b""


class _Screening(StatesGroup):
    agree = State()
    age = State()
    q3 = State()
    q4 = State()
    q5 = State()
    q6 = State()
    q7 = State()
    q8 = State()
    q9 = State()
    words = State()


_SCALE = (_Screening.q3, _Screening.q4, _Screening.q5, _Screening.q6, _Screening.q7, _Screening.q8, _Screening.q9)


class RedisServer:
    """A Redis of our own on a free port, AOF always, gone afterwards."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="panah-bench-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        binary = shutil.which("redis-server")
        if binary is None:
            raise FileNotFoundError("redis-server is not installed; the peer needs it (Debian: redis-server)")
        options = ["--port", str(self.port), "--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        command = [binary, *options, "--dir", str(self.directory)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own arguments
        self._wait()

    def _wait(self) -> None:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=0.2).close()
            except OSError:
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """End the server and remove its files."""
        self._process.terminate()
        self._process.wait(5)
        shutil.rmtree(self.directory, ignore_errors=True)


class AiogramPeer:
    """Feeds updates to the dispatcher."""

    def __init__(self, port: int) -> None:
        self._pool = BlockingConnectionPool(host="127.0.0.1", port=port, max_connections=64, timeout=30)
        self._redis = Redis(connection_pool=self._pool)
        self._stub = StubSession()
        self._bot = Bot("42:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", session=self._stub)
        self._dispatcher = Dispatcher(storage=RedisStorage(self._redis))
        self._dispatcher.include_router(screening_router())

    @property
    def calls(self) -> int:
        """How many messages reached the stub."""
        return self._stub.calls

    async def feed(self, raw: bytes) -> None:
        """Handle one update to its end."""
        await self._dispatcher.feed_raw_update(self._bot, json.loads(raw))

    async def close(self) -> None:
        """Let go of connections."""
        await self._redis.aclose()
        await self._pool.aclose()


async def _is_number(message: Message) -> bool:
    return bool(message.text) and str(message.text).isdigit() and len(str(message.text)) < 4


async def _is_yes_no(message: Message) -> bool:
    return message.text in {"بله", "خیر"}


async def _is_scale(message: Message) -> bool:
    return message.text in {"1", "2", "3", "4"}


async def _has_text(message: Message) -> bool:
    return bool(message.text)


def screening_router() -> Router:
    """Give the dialogue as aiogram's handlers."""
    router = Router()

    @router.message(CommandStart())
    async def start(message: Message, state: FSMContext) -> None:
        await state.set_state(_Screening.agree)
        await state.set_data({"score": 0, "answers": []})
        await message.answer("موافقید چند پرسش کوتاه بپرسم؟")

    @router.message(StateFilter(_Screening.agree), _is_yes_no)
    async def agree(message: Message, state: FSMContext) -> None:
        await state.update_data(agree=message.text)
        await state.set_state(_Screening.age)
        await message.answer("چند سال دارید؟")

    @router.message(StateFilter(_Screening.age), _is_number)
    async def age(message: Message, state: FSMContext) -> None:
        await state.update_data(age=int(str(message.text)))
        await state.set_state(_SCALE[0])
        await message.answer("پرسش 3. در دو هفتهٔ گذشته چند بار؟")

    @router.message(StateFilter(_Screening.age))
    async def age_unclear(message: Message) -> None:
        await message.answer("لطفاً سن را با عدد بین 5 تا 120 بنویسید.")

    for number, step in enumerate(_SCALE):
        _scale(router, step, (*_SCALE, _Screening.words)[number + 1], number + 4)

    @router.message(StateFilter(_Screening.words), _has_text)
    async def words(message: Message, state: FSMContext) -> None:
        score = (await state.get_data())["score"]
        await state.clear()
        await message.answer(_GUIDES[2 if score >= _HEAVY else 1 if score >= _SOME else 0])

    return router


def _scale(router: Router, step: State, following: State, number: int) -> None:
    @router.message(StateFilter(step), _is_scale)
    async def answer(message: Message, state: FSMContext) -> None:
        data = await state.get_data()
        data["score"] += int(str(message.text)) - 1
        data["answers"].append(message.text)
        await state.set_data(data)
        await state.set_state(following)
        await message.answer(f"پرسش {number}. در دو هفتهٔ گذشته چند بار؟")
