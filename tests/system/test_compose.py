"""The services of deploy/compose.yaml as real processes, without Docker: started in their order, asked, torn down.

Commands, order and settings are read from the files themselves; three services are started by the ExecStart line of
their systemd unit instead. Only places are put in: directories, addresses, ports. The proxy is played by the clients:
they say what deploy/nginx/panah.conf has it say.
"""

import asyncio
import os
import re
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
from configparser import RawConfigParser
from pathlib import Path

import aiohttp
import pytest
from fakes.telegram_api import FakeTelegram
from ruamel.yaml import YAML
from stores import stores_of
from system.desk import PASSWORD, Desk
from system.harness import ROOT, free_port
from system.visitor import Visitor

DEPLOY = ROOT / "deploy"
SERVICES = YAML(typ="safe").load(DEPLOY / "compose.yaml")["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "panah"}
BY_UNIT = {"door-2": "panah-door@", "sender": "panah-sender@", "watch": "panah-watch"}
PANAH = str(Path(sys.executable).with_name("panah"))
TOKEN, STAFF_TOKEN = "444:compose-token", "445:staff-token"
CRY, ANSWER = "شوهرم داره منو می‌زنه", "سلام، من مینا هستم. جایتان امن است؟"


def unit_of(name):
    """Give the [Service] part of a unit."""
    read = RawConfigParser(strict=True)
    read.optionxform = str
    read.read_string((DEPLOY / f"systemd/{name}.service").read_text(encoding="utf-8"))
    return read["Service"]


def settings_in(name):
    lines = (DEPLOY / f"{name}.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


class Stack:
    """Every service as a process; what an address inside the network is, here is a port of this machine."""

    def __init__(self, tmp_path, places, own):
        self._directory = tmp_path
        self._places = {"/var/lib/panah": str(tmp_path / "var"), "/srv/panah-keys": str(tmp_path / "keys"), **places}
        self._own = own
        self.running = {}
        self.ports = {name: (free_port(), free_port()) for name in OURS}

    def environment(self, name):
        """Give the settings of a service: its env file, filled in, and its own on top; or those of its unit."""
        service = OURS[name]
        given = settings_in(service["env_file"])
        given |= {key: self._own[key] for key in given.keys() & self._own.keys()}
        mine = "PANAH_STAFFBOT" if name == "staffbot" else "PANAH"
        given |= {key: value for key, value in self._own.items() if key.endswith("_API") and key.startswith(mine)}
        unset = unit_of(BY_UNIT[name]).get("UnsetEnvironment", "").split() if name in BY_UNIT else ()
        given = {key: value for key, value in (given | service["environment"]).items() if key not in unset}
        for inside, here in self._places.items():
            given = {key: re.sub(inside, lambda _, here=here: here, value) for key, value in given.items()}
        web, console = self.ports[name]
        return given | {"PANAH_WEB_PORT": str(web), "PANAH_CONSOLE_PORT": str(console)}

    def command(self, name):
        """Give the words of the service's command, or of its unit's ExecStart line."""
        if name not in BY_UNIT:
            return [PANAH, *OURS[name]["command"]]
        line = unit_of(BY_UNIT[name])["ExecStart"].replace("/opt/panah/.venv/bin/panah", PANAH)
        return shlex.split(line.replace("813%i", str(self.ports[name][0])))

    def start(self, name):
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PANAH_")}
        with (self._directory / f"{name}.log").open("wb") as log:
            self.running[name] = subprocess.Popen(
                self.command(name),
                cwd=ROOT,
                env=clean | self.environment(name) | {"PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )

    def log(self, name):
        return (self._directory / f"{name}.log").read_text(encoding="utf-8")

    def wait(self, name, fact):
        end = time.monotonic() + 120
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

    def invite(self, username):
        """Run `panah staff add` beside the console; give the path of the link."""
        words = [PANAH, "staff", "add", username, "--role", "counsellor"]
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PANAH_")}
        made = subprocess.run(
            words, cwd=ROOT, env=clean | self.environment("console"), capture_output=True, text=True, check=True
        )
        return re.search(r"/invite/\S+", made.stdout)[0]

    def stop(self):
        for process in self.running.values():
            process.terminate()
        return {name: process.wait(60) for name, process in self.running.items()}


class Site:
    """One address behind the proxy, as Visitor and Desk want it."""

    def __init__(self, port):
        self.web = self.console = f"http://127.0.0.1:{port}"


def proxied(port):
    """Give a client that says what the proxy would say: whose address it is, and that the outside spoke TLS."""
    return aiohttp.ClientSession(
        cookie_jar=aiohttp.CookieJar(unsafe=True, treat_as_secure_origin=f"http://127.0.0.1:{port}"),
        headers={
            "Origin": f"https://127.0.0.1:{port}",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": "203.0.113.7",
        },
    )


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
    """Start Redis by the compose file's own words, on a port of ours."""
    port = free_port()
    words = [*SERVICES["redis"]["command"], "--port", str(port), "--bind", "127.0.0.1"]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    yield f"redis://127.0.0.1:{port}/0"
    server.terminate()
    assert 0 == server.wait(10)


def checked_database(stores):
    """Make a database on a server that knows and takes what the compose file asks of one."""
    program, *options = SERVICES["postgres"]["command"]
    asked = dict(word.split("=", 1) for word in options if word != "-c")
    known = {name for (name,) in stores.cluster.execute("SELECT name FROM pg_settings")}
    assert ("postgres", set()) == (program, asked.keys() - known)
    url = stores.cluster.create(f"compose{os.getpid()}", template="panah_template")
    stores.cluster.execute(
        f"ALTER DATABASE compose{os.getpid()} SET synchronous_commit = {asked['synchronous_commit']}"
    )
    return url


async def cries_and_is_answered(stack):
    """She cries at one door, is seen at the console and reads the answer at the other door."""
    first, other, console = (stack.ports["door-1"][0], stack.ports["door-2"][0], stack.ports["console"][1])
    she, mina = Visitor(Site(first)), Desk(Site(console))
    async with proxied(first) as she._session, proxied(console) as mina._session:
        page = await she.say(CRY)
        assert "110" in page
        assert "123" in page
        link = await asyncio.to_thread(stack.invite, "mina")
        await mina.get(link)
        await mina.post(link, password=PASSWORD, again=PASSWORD)
        assert "/" == await mina.post("/login", username="mina", password=PASSWORD, next="/")
        await mina.begin_shift()
        case_id = await mina.take()
        assert CRY in await mina.read(case_id)
        await mina.write(case_id, ANSWER, "a" * 32)
        cookies = {cookie.key: cookie.value for cookie in she._session.cookie_jar}
        assert all(name.startswith("__Host-") for name in cookies)
        there = Visitor(Site(other))
        async with proxied(other) as there._session:
            there._session.cookie_jar.update_cookies(cookies)
            assert ANSWER in await there.say("بله")
        assert "بله" in await mina.read(case_id)


@pytest.mark.timeout(300)
async def test_every_service_comes_up_a_cry_is_answered_across_them_and_all_end_cleanly(tmp_path, redis_url):
    with stores_of("postgres") as stores:
        async with FakeTelegram(TOKEN, STAFF_TOKEN) as telegram:
            places = {
                r"postgresql://.*": checked_database(stores),
                r"redis://.*": redis_url,
                r"0\.0\.0\.0": "127.0.0.1",
                SERVICES["proxy"]["networks"]["inside"]["ipv4_address"].replace(".", r"\."): "127.0.0.1",
            }
            own = {
                "PANAH_TELEGRAM_TOKEN": TOKEN,
                "PANAH_TELEGRAM_API": telegram.url,
                "PANAH_STAFFBOT_TOKEN": STAFF_TOKEN,
                "PANAH_STAFFBOT_API": telegram.url,
                "PANAH_ALERT_COMMAND": "/bin/true",
            }
            stack = Stack(tmp_path, places, own)
            try:
                await asyncio.to_thread(bring_up, stack, telegram.bot(STAFF_TOKEN))
                await cries_and_is_answered(stack)
                assert {name: process.poll() for name, process in stack.running.items()} == dict.fromkeys(OURS)
            finally:
                ended = await asyncio.to_thread(stack.stop)
    assert ended == dict.fromkeys(OURS, 0)
    assert not re.search("[\u0600-\u06ff]", "".join(map(stack.log, OURS)))
