"""When a process that sees the panic lock becomes another one."""

import asyncio

import pytest

from bot import locking
from bot.settings import read_settings


class ReplacedError(Exception):
    """This process is another one now."""


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("PANAH_VAR", str(tmp_path))
    return read_settings()


async def test_whoever_pressed_is_answered_before_the_process_becomes_another(settings, monkeypatch):
    answered = asyncio.Event()

    def replaced():
        raise ReplacedError if answered.is_set() else AssertionError("nobody was told that it is locked")

    async def press():
        await asyncio.to_thread(locking.lock, settings)
        for _ in range(5):  # middleware, headers, body
            await asyncio.sleep(0.01)
        answered.set()

    monkeypatch.setattr(locking, "LOOK_S", 0.001)  # it looks in the very moment in which the file appears
    monkeypatch.setattr(locking, "begin_anew", replaced)
    pressing = asyncio.create_task(press())
    with pytest.raises(ReplacedError):
        await locking.follow(settings, locked=False)
    await pressing


def test_keys_are_gone_within_the_two_seconds_that_are_promised():
    assert 2.0 > locking.LOOK_S + locking.LINGER_S
