"""How the watch is put together: ways from settings, numbers, the lock, the child that is kept alive."""

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
import time

import pytest
from fakes.log import RecordingLog
from system.harness import ROOT

from bot.commands.watch import duty_of, read_policy, ways_of
from bot.commands.watch_child import WatchChild
from bot.commands.watch_lock import WatchLock
from bot.commands.watch_log import AsideStream
from bot.commands.watch_settings import NO_WAY_OUT, what_is_wrong
from bot.errors import CommandError
from bot.settings import Settings, ways_configured
from escalation.watch_policy import PACKAGED, load_policy
from escalation.watch_policy import read_policy as read_text

SMS = {"twilio_account": "AC1", "twilio_token": "t", "twilio_number": "+15005550006"}


@pytest.mark.parametrize(
    ("given", "ways"),
    [
        ({}, ()),
        ({"telegram_token": "1:a"}, ()),
        ({"staffbot_token": "1:a"}, ("staffbot",)),
        (SMS, ()),  # nobody's number is known
        (SMS | {"alert_phones": "+989120000001"}, ("sms",)),
        ({"alert_phones": "+989120000001"}, ()),
        (
            SMS | {"alert_phones": "+989120000001", "staffbot_token": "1:a", "alert_command": "x"},
            ("staffbot", "sms", "command"),
        ),
    ],
)
def test_a_way_is_configured_when_something_can_leave_by_it(given, ways):
    settings = Settings(**given)

    assert ways_configured(settings) == ways
    assert tuple(ways_of(settings)) == ways
    assert (what_is_wrong(settings) == [NO_WAY_OUT]) is (not ways)


@pytest.mark.parametrize(
    "given",
    [{"alert_phones": "0912"}, {"alert_phones": "+98912000000a"}, {"alert_command": '"open'}, {"alert_command": " "}],
)
def test_a_number_or_a_command_of_the_wrong_form_stops_the_start(given):
    with pytest.raises(CommandError):
        what_is_wrong(Settings(**given))


def test_a_wrong_policy_is_told_of_and_the_packaged_one_serves(tmp_path):
    wrong = tmp_path / "policy.yaml"
    wrong.write_text("tiers: {}", encoding="utf-8")
    settings = Settings(alert_policy=wrong, alert_command="x")
    lines = []

    [said] = what_is_wrong(settings)

    assert f"{wrong}:1:" in said
    assert read_policy(settings, RecordingLog(lines)) == load_policy()
    assert [line["event"] for line in lines] == ["alert_policy_wrong"]


def test_the_houses_own_numbers_command_and_the_policys_numbers_can_be_paged():
    text = PACKAGED.read_text("utf-8").replace("{duty: yes}]", '{duty: yes}, {phone: "+989120000009"}]', 1)
    people = duty_of(Settings(alert_phones="+989120000001, +989120000002", alert_command="x"), read_text(text, "p"))

    assert {one.key: dict(one.addresses) for one in people} == {
        "duty:1": {"sms": "+989120000001"},
        "duty:2": {"sms": "+989120000002"},
        "duty:command": {"command": "duty"},
        "phone:+989120000009": {"sms": "+989120000009"},
    }


async def test_an_orphan_hears_a_living_newcomer_and_not_a_dead_ones_wish(tmp_path):
    (tmp_path / "watch.wanted").touch()
    holder, newcomer = (WatchLock(tmp_path / "watch.lock", tmp_path / "watch.beat") for _ in range(2))
    await holder.take()
    (tmp_path / "watch.wanted").touch()
    assert [holder.is_wanted(), holder.is_wanted()] == [False, False]

    asking = asyncio.create_task(newcomer.take())
    deadline = time.monotonic() + 10
    while not holder.is_wanted():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    holder.release()
    await asyncio.wait_for(asking, 10)

    assert (tmp_path / "watch.lock").read_text() == str(os.getpid())
    assert not (tmp_path / "watch.wanted").exists()
    newcomer.release()


HOLDER = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"


def test_only_the_process_that_truly_holds_the_lock_is_ended(tmp_path):
    path = tmp_path / "watch.lock"
    path.touch()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with (
        subprocess.Popen([sys.executable, "-c", HOLDER, path], **pipes) as holder,
        subprocess.Popen([sys.executable, "-c", HOLDER, os.devnull], **pipes) as stranger,
    ):
        assert (holder.stdout.readline(), stranger.stdout.readline()) == (b"\n", b"\n")
        lock = WatchLock(path, tmp_path / "watch.beat")

        path.write_text(str(stranger.pid))  # its number was the holder's once
        lock._kill_holder()
        stranger.stdin.close()
        assert stranger.wait(10) == 0

        path.write_text(str(holder.pid))
        lock._kill_holder()
        assert holder.wait(10) == -signal.SIGKILL


async def test_where_no_lock_file_can_be_made_the_watch_goes_on_without(tmp_path):
    lock = WatchLock(tmp_path / "none" / "watch.lock", tmp_path / "watch.beat")

    await asyncio.wait_for(lock.take(), 5)
    lock.release()


async def test_a_child_that_lived_and_hangs_is_started_again(tmp_path, monkeypatch):
    lines = []
    settings = Settings(var=tmp_path, heartbeat_url="http://127.0.0.1:9/")
    monkeypatch.setenv("PANAH_VAR", str(tmp_path))
    monkeypatch.setenv("PANAH_HEARTBEAT_URL", settings.heartbeat_url)
    child = WatchChild(settings, RecordingLog(lines), hangs_s=4.5)
    keeping = asyncio.create_task(child.run())

    async def until(fact, within_s=40):
        deadline = time.monotonic() + within_s
        while not fact():
            assert time.monotonic() < deadline, lines
            await asyncio.sleep(0.05)

    await until((tmp_path / "watch.beat").exists)
    for _ in range(2):  # until its keeper has seen it alive
        beat = (tmp_path / "watch.beat").stat().st_mtime_ns
        await until(lambda was=beat: (tmp_path / "watch.beat").stat().st_mtime_ns > was)
    first = int((tmp_path / "watch.lock").read_text())
    os.kill(first, signal.SIGSTOP)

    await until(lambda: (tmp_path / "watch.lock").read_text() not in {"", str(first)})

    assert {"watch_hangs", "watch_ended"} <= {line["event"] for line in lines}
    keeping.cancel()
    await child.stop()


def test_a_reader_of_the_log_who_hangs_does_not_hold_the_loop_up():
    code = (
        "import sys; from bot.commands.watch_log import AsideStream; s = AsideStream()\n"
        "for n in range(5000): s.write('x' * 1000)\nprint('done', flush=True)\nimport os; os._exit(0)"
    )
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)

    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=writing, timeout=30, check=True)

    assert done.stdout == b"done\n"
    os.close(reading)
    os.close(writing)
    assert AsideStream().write("") == 0


FAILING_PARENT = """
import asyncio, sys, uvloop
from bot.commands.watch_child import WatchChild
from bot.settings import read_settings
from bot.telemetry import configure

async def fail(settings):
    child = WatchChild(settings, configure())
    keeping = asyncio.create_task(child.run())
    while not (settings.var / "watch.beat").exists():
        await asyncio.sleep(0.02)
    raise RuntimeError("a loop died")

with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(fail(read_settings()))
"""


def test_a_parent_that_fails_by_itself_leaves_its_watch_alive(tmp_path):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PANAH_")}
    environment |= {"PANAH_VAR": str(tmp_path), "PANAH_HEARTBEAT_URL": "http://127.0.0.1:9/", "PYTHONPATH": str(ROOT)}
    failed = subprocess.run(
        [sys.executable, "-c", FAILING_PARENT],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    left = int((tmp_path / "watch.lock").read_text())

    beat = (tmp_path / "watch.beat").stat().st_mtime_ns
    deadline = time.monotonic() + 15
    while (tmp_path / "watch.beat").stat().st_mtime_ns == beat:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(left, signal.SIGTERM)
    assert failed.returncode == 1
