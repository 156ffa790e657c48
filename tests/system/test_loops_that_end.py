"""Only a signal is a clean stop: a loop that ends in any other way ends the process unclean, and the watch goes on."""

import asyncio
import json
import os
import signal
import sqlite3
import time

import pytest
from fakes.log import RecordingLog
from fakes.waiting import until
from system.harness import Panah

from bot.service import LoopEndedError, Service, bind, serve_until_stopped
from bot.settings import Settings

#: `panah run` with one loop more, which ends by itself after the start.
RUN = """
import asyncio, sys
from bot.cli import main
from bot.commands import service
from bot.service import serve_until_stopped

async def ends(): {body}

async def serve(made, *rest):
    made.loops.append(ends())
    await serve_until_stopped(made, *rest)

service.serve_until_stopped = serve
sys.argv = ["panah", "run"]
raise SystemExit(main())
"""
RETURNS = RUN.format(body="await asyncio.sleep(1)")


async def _page(_scope, _receive, _send):
    pass


async def _returns():
    await asyncio.sleep(0)


async def _is_cancelled():
    raise asyncio.CancelledError


async def _fails():
    raise KeyError("canary")


@pytest.mark.parametrize(
    ("loop", "how"), [(_returns, "returned"), (_is_cancelled, "cancelled"), (_fails, "KeyError")], ids=str
)
async def test_a_loop_that_ends_is_no_wish_to_stop(core, tmp_path, loop, how):
    lines = []
    service = Service(Settings(var=tmp_path), core, RecordingLog(lines), loops=[loop()])

    with pytest.raises(LoopEndedError):
        await asyncio.wait_for(serve_until_stopped(service, [(_page, bind("127.0.0.1", 0))], {}), 20)

    assert [(line["code"], line["error"]) for line in lines if line["event"] == "loop_ended"] == [(loop.__name__, how)]


async def test_a_signal_is_a_wish_to_stop(core, tmp_path):
    lines = []
    service = Service(Settings(var=tmp_path), core, RecordingLog(lines))
    serving = asyncio.create_task(serve_until_stopped(service, [(_page, bind("127.0.0.1", 0))], {}))
    await until((tmp_path / "panah.sock").exists)

    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(serving, 20)

    assert [line for line in lines if line["event"] == "loop_ended"] == []


def test_the_process_then_stops_unclean_and_its_watch_lives_on(tmp_path):
    panah = Panah(tmp_path / "var", program=("-c", RETURNS), PANAH_ALERT_COMMAND="true")
    panah.start()
    lock = panah.var / "watch.lock"
    deadline = time.monotonic() + 20
    assert panah.process.wait(30) == 1
    while not (lock.exists() and lock.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    watch = int(lock.read_text())

    try:
        with sqlite3.connect(panah.var / "panah.db") as connection:
            assert connection.execute("SELECT value FROM meta WHERE key = 'stop'").fetchone() == ("running",)
        connection.close()
        os.kill(watch, 0)
        told = [json.loads(line) for line in panah.log.splitlines() if line.startswith("{")]
        assert {"loop_ended"} <= {line["event"] for line in told}
    finally:
        os.kill(watch, signal.SIGTERM)
