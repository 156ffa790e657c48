"""The alert loop as a process: killed at each of its crash points, two at once, and left behind by a killed parent."""

import asyncio
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import pytest_asyncio
from fakes.telegram_api import FakeTelegram
from system.harness import ROOT, Panah
from watch.house import House

from escalation.staffbot_words import LABEL_SEEN
from escalation.watch_policy import PACKAGED

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.sqlite]

TOKEN = "444:staff-token"
CHAT = 7


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def telegram():
    async with FakeTelegram(TOKEN) as server:
        yield server


@pytest.fixture
def bot(telegram):
    bot = telegram.bot(TOKEN)
    bot.calls.clear()
    bot.user(CHAT)
    return bot


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The packaged policy with the waits of its first levels taken out."""
    path = tmp_path_factory.mktemp("policy") / "policy.yaml"
    path.write_text(re.sub(r"after_s: (20|60|10)\b", "after_s: 1", PACKAGED.read_text("utf-8")), "utf-8")
    return str(path)


@pytest.fixture
def home(tmp_path):
    """A data directory with a supervisor and an immediate case, whose service a person stopped."""
    house = House(tmp_path)
    house.file.close()
    for left in tmp_path.glob("watch.*"):
        left.unlink()
    house.staff("mina", "supervisor", chat=str(CHAT))
    house.sql("INSERT INTO meta VALUES ('stop', 'clean')")
    house.open("a")
    house.sql("UPDATE cases SET opened_at = 1, queued_at = ?", int(time.time() * 1000))
    house.sql("UPDATE case_events SET at = ?", int(time.time() * 1000))
    return tmp_path


@pytest.fixture
def watch(home, telegram, quick):
    """Give a maker of watch processes on that directory; all are ended with the test."""
    made = []

    def start(**settings):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PANAH_")}
        given = {"VAR": str(home), "STAFFBOT_TOKEN": TOKEN, "STAFFBOT_API": telegram.url, "ALERT_POLICY": quick}
        environment |= {f"PANAH_{name}": value for name, value in (given | settings).items()}
        with (home / "log").open("ab") as log:
            command = [sys.executable, "-m", "bot", "serve", "--role", "watch"]
            made.append(subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log))
        return made[-1]

    yield start
    for process in made:
        process.kill()
        process.wait(10)


async def until(fact, within_s=20.0):
    deadline = time.monotonic() + within_s
    while not (found := fact()):
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.05)
    return found


def texts(bot):
    return [call["text"] for call in bot.sent("sendMessage")]


def attempts(home):
    connection = sqlite3.connect(f"file:{home / 'watch.db'}?mode=ro", uri=True)
    try:
        return connection.execute("SELECT state, error FROM attempts ORDER BY id").fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize(("point", "left"), [("A1", 0), ("A2", 1), ("A3", 1)])
async def test_killed_at_a_crash_point_the_next_process_pages_and_none_is_lost(home, watch, bot, point, left):
    first = watch(FAULT=f"{point}:kill")
    await until(lambda: first.poll() == -signal.SIGKILL)
    assert f"fault {point}" in (home / "log").read_text("utf-8")
    assert [state for state, _ in attempts(home)] == ["trying"] * left
    before = len(texts(bot))

    watch()
    await until(lambda: ("sent", "") in attempts(home))

    assert before == (1 if point == "A3" else 0)
    assert len(texts(bot)) == before + 1
    assert texts(bot)[-1] == "۱ پروندهٔ فوری منتظر است و کسی برنداشته: ۱a"


async def test_of_two_watches_one_waits_and_takes_over_when_the_other_is_killed(home, watch, bot):
    first = watch()
    await until(lambda: texts(bot))
    second = watch()
    await until((home / "watch.wanted").exists)
    looked = (home / "watch.beat").stat().st_mtime_ns
    await until(lambda: (home / "watch.beat").stat().st_mtime_ns > looked)
    assert len(texts(bot)) == 1
    assert (home / "watch.lock").read_text() == str(first.pid)

    first.kill()

    await until(lambda: (home / "watch.lock").read_text() == str(second.pid))
    assert second.poll() is None


async def test_a_stop_is_clean_and_quick(home, watch, bot):
    process = watch()
    await until(lambda: texts(bot))

    process.terminate()

    assert await asyncio.to_thread(process.wait, 5) == 0
    assert "Traceback" not in (home / "log").read_text("utf-8")


async def test_without_a_way_out_it_says_so_in_one_sentence(watch, home):
    process = watch(STAFFBOT_TOKEN="")

    assert await asyncio.to_thread(process.wait, 20) == 2
    assert (home / "log").read_text("utf-8").startswith("panah: no way out for alerts: set ")


def watches(var):
    """Give the watch processes of a data directory, and of no other."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_text().split("\0")
            ours = f"PANAH_VAR={var}\0" in (entry / "environ").read_text()
        except (OSError, UnicodeError):
            continue
        if "watch" in words and ours:
            found.append(int(entry.name))
    return found


def memory_mb(number):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{number}/status").read_text())[1]) / 1024


@pytest_asyncio.fixture(loop_scope="module")
async def panah(tmp_path, telegram, quick):
    """A whole installation with a supervisor who has a chat, and an immediate case."""
    running = Panah(
        tmp_path / "var", PANAH_STAFFBOT_TOKEN=TOKEN, PANAH_STAFFBOT_API=telegram.url, PANAH_ALERT_POLICY=quick
    )
    added = await asyncio.to_thread(running.command, "staff", "add", "mina", "--role", "supervisor")
    assert added.returncode == 0, added.stderr
    with sqlite3.connect(running.var / "panah.db") as connection:
        connection.execute("UPDATE staff SET staffbot_chat = ?", (str(CHAT),))
    connection.close()
    await asyncio.to_thread(running.start)
    yield running
    await asyncio.to_thread(running.stop)
    for number in watches(running.var):
        os.kill(number, signal.SIGKILL)


async def test_a_watch_outlives_its_killed_parent_says_so_and_hands_over_to_the_next(panah, bot):
    [first] = await until(lambda: watches(panah.var))
    await until((panah.var / "watch.beat").exists)
    assert memory_mb(first) < 45

    panah.kill()
    killed_at = time.monotonic()
    await until(lambda: any("ناگهان ایستاده است" in text for text in texts(bot)), within_s=40)
    assert time.monotonic() - killed_at < 40
    assert watches(panah.var) == [first]

    await asyncio.to_thread(panah.start)
    [second] = await until(
        lambda: [number for number in watches(panah.var) if number != first] and watches(panah.var)[-1:]
    )
    await until(lambda: watches(panah.var) == [second])
    await until(lambda: (panah.var / "watch.lock").read_text() == str(second))

    os.kill(second, signal.SIGKILL)  # the parent starts it again
    [third] = await until(lambda: [number for number in watches(panah.var) if number != second])

    assert await asyncio.to_thread(panah.stop) == 0
    await until(lambda: not watches(panah.var))
    assert third != first
    assert not any(LABEL_SEEN in str(call) for call in bot.sent("sendMessage"))  # no case waited
