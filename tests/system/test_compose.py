"""The services of deploy/compose.yaml as real processes, without Docker: started in their order, asked, torn down."""

import asyncio
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from fakes.telegram_api import FakeTelegram
from ruamel.yaml import YAML
from stores import stores_of
from system.harness import ROOT, free_port
from system.visitor import Visitor

SERVICES = YAML(typ="safe").load(ROOT / "deploy/compose.yaml")["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "panah"}
TOKEN, STAFF_TOKEN = "444:compose-token", "445:staff-token"
CRY = "شوهرم داره منو می‌زنه"


class Stack:
    """Every service as a process; what an address inside the network is, here is a port of this machine."""

    def __init__(self, tmp_path, **settings):
        self._directory = tmp_path
        self._settings = {"PANAH_VAR": str(tmp_path / "var"), "PANAH_KEY_FILE": str(tmp_path / "keys/key"), **settings}
        self.running = {}
        self.ports = {name: (free_port(), free_port()) for name in OURS}

    def start(self, name):
        web, console = self.ports[name]
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PANAH_")}
        asked = OURS[name]["environment"]
        given = {key: value for key, value in self._settings.items() if name != "staffbot" or key in asked}
        if name == "staffbot":
            given |= {key: value for key, value in self._settings.items() if key.startswith("PANAH_STAFFBOT")}
        ports = {"PANAH_WEB_PORT": str(web), "PANAH_CONSOLE_PORT": str(console)}
        with (self._directory / f"{name}.log").open("wb") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "bot", *OURS[name]["command"]],
                cwd=ROOT,
                env=clean | given | ports,
                stdout=log,
                stderr=log,
            )

    def log(self, name):
        return (self._directory / f"{name}.log").read_text(encoding="utf-8")

    def wait(self, name, fact):
        end = time.monotonic() + 60
        while not fact():
            assert self.running[name].poll() is None, self.log(name)
            assert time.monotonic() < end, self.log(name)
            time.sleep(0.1)

    def is_ready(self, name):
        port = self.ports[name][name == "console"]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def stop(self):
        for process in self.running.values():
            process.terminate()
        return {name: process.wait(30) for name, process in self.running.items()}


def bring_up(stack, staff_bot):
    stack.start("console")
    stack.wait("console", lambda: stack.is_ready("console"))
    for name in OURS.keys() - {"console"}:
        assert "console" in OURS[name]["depends_on"]
        stack.start(name)
    for name in ("door-1", "door-2"):
        stack.wait(name, lambda name=name: stack.is_ready(name))
    for name in ("poller", "sender"):
        stack.wait(name, lambda name=name: "is up" in stack.log(name))
    stack.wait("watch", lambda: "watch_started" in stack.log("watch"))
    stack.wait("staffbot", lambda: staff_bot.polls > 0)


@pytest.fixture
def redis_url():
    port = free_port()
    server = subprocess.Popen(["redis-server", "--port", str(port), "--save", ""], stdout=subprocess.DEVNULL)
    yield f"redis://127.0.0.1:{port}/0"
    server.terminate()
    server.wait(10)


@pytest.mark.timeout(180)
async def test_every_service_of_the_compose_file_comes_up_takes_a_message_and_ends_cleanly(tmp_path, redis_url):
    with stores_of("postgres") as stores:
        async with FakeTelegram(TOKEN, STAFF_TOKEN) as telegram:
            stack = Stack(
                tmp_path,
                PANAH_DATABASE=stores.cluster.create(f"compose{os.getpid()}", template="panah_template"),
                PANAH_REDIS_URL=redis_url,
                PANAH_TELEGRAM_TOKEN=TOKEN,
                PANAH_TELEGRAM_API=telegram.url,
                PANAH_STAFFBOT_TOKEN=STAFF_TOKEN,
                PANAH_STAFFBOT_API=telegram.url,
                PANAH_ALERT_COMMAND="/bin/true",
            )
            try:
                await asyncio.to_thread(bring_up, stack, telegram.bot(STAFF_TOKEN))
                for name in ("door-1", "door-2"):
                    stack.web = f"http://127.0.0.1:{stack.ports[name][0]}"
                    async with Visitor(stack) as she:
                        assert "123" in await she.say(CRY)
                assert {name: process.poll() for name, process in stack.running.items()} == dict.fromkeys(OURS)
            finally:
                ended = await asyncio.to_thread(stack.stop)
    assert ended == dict.fromkeys(OURS, 0)
