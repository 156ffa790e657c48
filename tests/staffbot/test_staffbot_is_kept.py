"""The staff bot's process is begun again after each end, more and more slowly, and ends with the service."""

import asyncio
import os
import sys

import pytest
from fakes.log import RecordingLog
from fakes.waiting import until

from bot.commands.staffbot_child import StaffBotChild

#: Writes its number down, and ends by itself or waits as a staff bot does.
LIFE = "import os, sys; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); sys.stdin.read() if sys.argv[2] == 'stays' else sys.exit(3)"


@pytest.fixture
def keep(tmp_path):
    """Keep a program running; give the task, the log and the lives it had."""
    lives = tmp_path / "lives"

    def begin(*words, pause_s=0.02):
        lines = []
        words = words or (sys.executable, "-c", LIFE, str(lives), "ends")
        child = StaffBotChild(RecordingLog(lines), words=words, pause_s=pause_s)
        task = asyncio.create_task(child.run())
        return task, lines, lambda: lives.read_text().split() if lives.exists() else []

    return begin


async def cancel(task):
    task.cancel()
    await asyncio.wait([task], timeout=10)
    assert task.cancelled()


async def test_one_that_ends_is_begun_again(keep):
    task, lines, lives = keep()

    await until(lambda: len(lives()) >= 3)

    assert [(line["event"], line["code"], line["attempts"]) for line in lines[:2]] == [
        ("staffbot_ended", 3, 1),
        ("staffbot_ended", 3, 2),
    ]
    await cancel(task)


async def test_it_is_begun_again_more_slowly_each_time(keep):
    task, lines, _ = keep(pause_s=0.2)
    loop = asyncio.get_running_loop()
    ended = []
    for count in (1, 2, 3):
        await until(lambda wanted=count: len(lines) >= wanted)
        ended.append(loop.time())

    assert ended[2] - ended[1] >= 0.35
    await cancel(task)


async def test_one_that_cannot_be_started_is_tried_again(keep):
    task, lines, _ = keep("/nowhere/at/all")

    await until(lambda: len(lines) >= 2)

    assert {line["event"] for line in lines} == {"staffbot_not_started"}
    await cancel(task)


async def test_it_ends_with_the_service(keep, tmp_path):
    task, lines, lives = keep(sys.executable, "-c", LIFE, str(tmp_path / "lives"), "stays")
    await until(lives)

    await cancel(task)

    assert lines == []
    with pytest.raises(ProcessLookupError):
        os.kill(int(lives()[0]), 0)
