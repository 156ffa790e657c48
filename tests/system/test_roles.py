"""The product in pieces on PostgreSQL: doors, a poller, senders, a console, each a process, killed and started anew."""

import asyncio
import os
import subprocess
import sys
import time

import psycopg
import pytest
import pytest_asyncio
from fakes.telegram_api import FakeTelegram
from stores import stores_of
from system.desk import Desk
from system.harness import ROOT, Panah

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]  # five processes start in it

TOKEN = "333:roles-token"
CRY = "شوهرم داره منو می‌زنه"


class Role(Panah):
    """One process of one role."""

    def __init__(self, var, role, **settings):
        super().__init__(var, program=("-m", "bot", "serve", "--role", role), **settings)
        self._role = role
        self._log = var.parent / f"{role}-{time.monotonic_ns()}.log"

    def start(self, wait_s=60.0):
        before = self.log.count("is up") if self._log.exists() else 0
        with self._log.open("ab") as log:
            command = [sys.executable, *self._program]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)
        until = time.monotonic() + wait_s
        while self.log.count("is up") == before:
            assert self.process.poll() is None, self.log
            assert time.monotonic() < until, self.log
            time.sleep(0.05)
        return self


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with stores_of("postgres") as stores:
        yield stores.cluster.create(f"roles{os.getpid()}", template="panah_template")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def telegram():
    async with FakeTelegram(TOKEN) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(url, telegram, tmp_path_factory):
    """Give every role, the console first: it makes the key file that the others share."""
    var = tmp_path_factory.mktemp("roles") / "var"
    settings = {"PANAH_DATABASE": url, "PANAH_TELEGRAM_TOKEN": TOKEN, "PANAH_TELEGRAM_API": telegram.url}
    made = {}
    for name in ("console", "poller", "poller 2", "sender", "door"):
        made[name] = Role(var, name.split()[0], **settings)
    await asyncio.to_thread(made["console"].start)
    await asyncio.gather(*(asyncio.to_thread(role.start) for name, role in made.items() if name != "console"))
    yield made
    for role in made.values():
        if role.process.poll() is None:
            assert 0 == await asyncio.to_thread(role.stop), role.log


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mina(town):
    async with Desk(town["console"]) as desk:
        yield await desk.join("mina")


@pytest.fixture
def bot(telegram):
    return telegram.bot(TOKEN)


def rows(url, sql):
    with psycopg.connect(url) as connection:
        return connection.execute(sql.encode()).fetchall()


async def until(fact, wait_s=30.0):
    end = time.monotonic() + wait_s
    while not fact():
        assert time.monotonic() < end
        await asyncio.sleep(0.1)


async def test_a_cry_and_its_answer_pass_through_five_processes(bot, town, mina, url):
    she = bot.user(7001)
    await mina.begin_shift()
    she.say(CRY)
    await she.sees(lambda: any("110" in text and "123" in text for text in she.texts))
    await until(lambda: rows(url, "SELECT tier, channel FROM cases") == [("T1", "telegram")])
    case_id = await mina.take()
    assert CRY in await mina.read(case_id)
    await mina.write(case_id, "سلام، من مینا هستم. جایتان امن است؟", "a" * 32)
    await she.sees(lambda: "سلام، من مینا هستم. جایتان امن است؟" in she.texts)


@pytest.mark.timeout(180)
async def test_when_the_polling_process_is_killed_another_polls_and_nothing_is_lost(bot, town, url):
    she = bot.user(7002)
    [(holder,)] = rows(url, "SELECT count(*) FROM leases WHERE name LIKE 'process:poller:%'")
    assert holder == 2
    for name in ("poller", "sender"):
        town[name].kill()
    she.say(CRY)
    for name in ("poller", "sender"):
        await asyncio.to_thread(town[name].start)
    await until(lambda: any("110" in text and "123" in text for text in she.texts), 60.0)

    [(turns, arrivals)] = rows(
        url, "SELECT (SELECT count(*) FROM turns), (SELECT count(*) FROM inbox WHERE channel = 'telegram')"
    )
    assert turns >= arrivals


async def test_every_process_stopped_is_a_service_stopped(town, url):
    for role in town.values():
        assert 0 == await asyncio.to_thread(role.stop), role.log

    assert [("clean",)] == rows(url, "SELECT value FROM meta WHERE key = 'stop'")


async def test_a_door_of_its_own_needs_postgresql(tmp_path):
    door = Role(tmp_path / "var", "door")
    refused = await asyncio.to_thread(door.command, "serve", "--role", "door")

    assert refused.returncode == 2
    assert refused.stderr.strip().count("\n") == 0
    assert "needs PostgreSQL" in refused.stderr
