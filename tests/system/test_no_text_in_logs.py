"""No exception's text reaches any output of a process, whoever raised it and whoever tells of it (I25)."""

import subprocess
import sys

import pytest
from system.harness import ROOT

CANARY = "راز-canary"

#: A process set up as `panah run` is, in which everything fails that can, each time with a person's words.
PROGRAM = """
import asyncio, gc, logging, sys, threading, urllib.request
from bot.service import bind, server
from bot.telemetry import configure, guard_loop, guard_process

WORDS = "راز-canary"
log = configure()
guard_process(log)

async def app(scope, receive, send):
    raise KeyError(WORDS)

async def fails():
    raise ValueError(WORDS)

def thread():
    raise OSError(WORDS)

class Dying:
    def __del__(self):
        raise IndexError(WORDS)

def ask(url):
    try:
        urllib.request.urlopen(url, timeout=10)
    except urllib.error.HTTPError as error:
        assert error.code == 500
        error.close()

async def main():
    guard_loop(log)
    listener = bind("127.0.0.1", 0)
    made = server(app)
    serving = asyncio.create_task(made.serve(sockets=[listener]))
    while not made.started:
        await asyncio.sleep(0.01)
    await asyncio.to_thread(ask, "http://127.0.0.1:%d/" % listener.getsockname()[1])
    asyncio.get_running_loop().call_soon(thread)
    lost = asyncio.create_task(fails(), name=WORDS)
    await asyncio.wait([lost])
    del lost
    gc.collect()
    made.should_exit = True
    await serving

asyncio.run(main())
running = threading.Thread(target=thread, name=WORDS)
running.start()
running.join()
Dying()
try:
    thread()
except OSError:
    logging.getLogger("a.library").exception("it said %s", WORDS, stack_info=True)
log.error("ours", error=WORDS)
raise RuntimeError(WORDS)
"""


def test_what_nobody_caught_is_told_by_type_and_place():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    said = done.stdout + done.stderr

    assert done.returncode == 1
    assert CANARY not in said
    assert "Traceback" not in said
    for told in ("KeyError", "ValueError", "IndexError", "a.library OSError", "thread_failed", "process_failed"):
        assert told in said, said
    assert said.count("task_failed") == 2


@pytest.mark.parametrize("role", [("run",), ("serve", "--role", "watch"), ("serve", "--role", "staffbot")])
def test_every_long_running_process_is_guarded(role, tmp_path):
    program = (
        "import sys, bot.telemetry as t\n"
        "def told(log): print('GUARDED', flush=True); raise SystemExit(0)\n"
        "t.guard_process = told\n"
        "from bot.cli import main\n"
        "sys.argv = ['panah', *sys.argv[1:]]\n"
        "main()\n"
    )
    settings = {"PANAH_VAR": str(tmp_path / "var"), "PANAH_ALERT_COMMAND": "true", "PANAH_STAFFBOT_TOKEN": "1:a"}
    ports = {"PANAH_WEB_PORT": "0", "PANAH_CONSOLE_PORT": "0", "PYTHONPATH": str(ROOT)}

    done = subprocess.run(
        [sys.executable, "-c", program, *role],
        cwd=ROOT,
        env=settings | ports,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout == "GUARDED\n", done.stderr
