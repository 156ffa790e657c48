"""kill -9 at every crash point of the one path, with real processes: nothing is lost, nothing has its effect twice.

The machinery is `bot.proof`, the same that `panah prove` runs for hours; here are its short form, and proofs that its
oracle sees what it is there to see.
"""

import asyncio
import contextlib
import json
import re
import socket
import sqlite3
import time
from pathlib import Path

import pytest

from bot.proof.crash import run_kill_rounds
from bot.proof.crash_check import Books, Kill, breaches, fresh_breaches
from bot.proof.crash_points import POINTS, TRIED, plan
from bot.proof.installation import HeldPort, Installation, StartError, until
from bot.proof.ledger import TOKEN, Ledger
from bot.proof.nursery import Nursery
from bot.service import bind

ROOT = Path(__file__).resolve().parent.parent.parent
ROUNDS = 300
#: Passed only while the key is rotated: killed there by the tests of rotation.
OF_A_ROTATION = {"K1", "K2", "K3"}
DANGER = "شوهرم داره منو می‌زنه"


@pytest.mark.timeout(1_400)
def test_three_hundred_kills_at_every_point_lose_and_double_nothing():
    report = run_kill_rounds(ROUNDS, seed=20261122)

    assert [] == [f"{found.said} ({found.replay})" for found in report.breaches]
    assert ROUNDS == report.counts["kills"]
    assert [] == [point for point, met in report.covered.items() if not met]


@pytest.mark.timeout(1_400)
def test_sixty_kills_on_postgresql_and_blows_at_the_server_itself_lose_and_double_nothing():
    report = run_kill_rounds(60, seed=20261122, on="postgres")

    assert [] == [f"{found.said} ({found.replay})" for found in report.breaches]
    assert 60 == report.counts["kills"]
    assert [] == [point for point, met in report.covered.items() if not met]


@pytest.mark.timeout(1_400)
def test_sixty_kills_while_redis_is_away_flushed_or_slow_lose_and_double_nothing():
    report = run_kill_rounds(60, seed=20261122, on="redis")

    assert [] == [f"{found.said} ({found.replay})" for found in report.breaches]
    assert 60 == report.counts["kills"]
    assert [] == [point for point, met in report.covered.items() if not met]


def test_every_crash_point_of_the_program_is_in_the_list():
    sources = [path for folder in ("bot", "escalation") for path in (ROOT / folder).rglob("*.py")]
    found = {
        point
        for path in sources
        for point in re.findall(r'\bfault(?:\(|, )"([A-Z]\d)"', path.read_text("utf-8"))
        if path.parent.name != "core"
    }

    assert set(POINTS) | OF_A_ROTATION == found


def test_a_seed_and_a_number_always_give_the_same_round():
    assert [plan(7, number) for number in range(60)] == [plan(7, number) for number in range(60)]
    assert set(POINTS) <= {plan(7, number).point for number in range(60)}
    for on, tried in TRIED.items():
        assert [plan(7, number, on) for number in range(60)] == [plan(7, number, on) for number in range(60)]
        assert set(tried) <= {plan(7, number, on).point for number in range(60)}


@pytest.fixture
async def settled(tmp_path):
    """An installation that two people wrote to, one of them of danger; all is answered and its process was killed."""
    async with Nursery() as nursery, Ledger() as ledger:
        installation = Installation(tmp_path / "a", nursery, ledger, by_webhook=False)
        await installation.start()
        numbers = [ledger.say(1, "سلام"), ledger.say(2, DANGER)]
        assert await until(lambda: len(ledger.heard(2)) >= 3 and set(numbers) <= set(ledger.confirmed), 20)
        assert await until(lambda: installation.counts("SELECT count(*) FROM outbox WHERE state <> 'sent'") == 0, 20)
        await installation.stop()
        yield installation, Books(dangers={2})


def change(installation: Installation, sql: str) -> None:
    with sqlite3.connect(installation.var / "panah.db") as connection:
        connection.execute(sql)
    connection.close()


#: What could go wrong in the tables, and the invariant under which the oracle must report it.
SABOTAGE = {
    "DELETE FROM inbox WHERE id = 1": "I1",
    "UPDATE inbox SET provider_id = '424242:99' WHERE id = 1": "I1",
    "DELETE FROM turns WHERE inbox_id = 1": "I2",
    "UPDATE inbox SET state = 'waiting' WHERE id = 1": "I11",
    "DELETE FROM cases": "I6",
    "UPDATE cases SET tier = 'T3'": "I6",
    "UPDATE outbox SET state = 'failed' WHERE id = 1": "I13",
    "DELETE FROM outbox WHERE id = 1": "I13",
    "DELETE FROM publications": "I19",
}


async def test_the_oracle_is_content_with_what_is_whole_and_sees_what_was_lost_or_doubled(settled):
    installation, books = settled
    database = installation.var / "panah.db"
    whole = database.read_bytes()
    content = list(breaches(installation, books))
    blind = []
    for sql, invariant in SABOTAGE.items():
        change(installation, sql)
        if not any(said.startswith(invariant) for said in breaches(installation, books)):
            blind.append(sql)
        database.write_bytes(whole)
    installation.ledger.note_said(1, "سلام")
    twice = [fresh_breaches(installation, books), fresh_breaches(installation, books)]

    assert [] == content
    assert [] == blind
    assert [["I13: chat 1 heard 1 texts twice; kills and time-outs explain 0"], []] == twice


async def test_a_text_said_twice_is_explained_by_a_kill_in_which_it_was_under_way_or_by_a_client_that_had_gone(settled):
    installation, books = settled
    ledger = installation.ledger
    number = ledger.note_said(1, "سلام")  # a deadline of an earlier round, or a first answer of this one
    explained = {}
    for name, wrote in (("of this round", {1}), ("of an earlier round", {2})):
        books.kills = [Kill(at=time.monotonic(), may_double=False, chats=frozenset(wrote))]
        explained[name] = not list(breaches(installation, books))
    books.kills = [Kill(at=time.monotonic() + 60.0, may_double=True)]
    explained["long before the kill"] = not list(breaches(installation, books))
    ledger.unheard.add(str(number))
    explained["its client had gone"] = not list(breaches(installation, books))

    assert {
        "of this round": False,
        "of an earlier round": True,
        "long before the kill": False,
        "its client had gone": True,
    } == explained


async def test_the_ledger_notes_whom_it_could_not_tell_that_a_text_was_taken():
    body = json.dumps({"chat_id": 5, "text": "x"}).encode()
    head = f"POST /bot{TOKEN}/sendMessage HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    async with Ledger() as ledger:
        for stays in (True, False):
            reader, writer = await asyncio.open_connection("127.0.0.1", ledger.port)
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            if stays:
                await reader.readline()
            writer.transport.abort() if not stays else writer.close()
            assert await until(lambda stays=stays: len(ledger.said) == (1 if stays else 2), 5)
        assert await until(lambda: bool(ledger.unheard), 5)

        assert {"2"} == ledger.unheard


def test_a_port_of_an_installation_is_taken_by_nobody_else_while_its_process_is_down():
    held = HeldPort()
    with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
        stranger.bind(("127.0.0.1", held.number))
    with contextlib.closing(bind("127.0.0.1", held.number)) as listener:
        listener.listen()
        with contextlib.closing(socket.create_connection(("127.0.0.1", held.number), timeout=5)):
            pass


async def test_a_message_that_kills_the_process_three_times_ends_as_a_case(tmp_path):
    async with Nursery() as nursery, Ledger() as ledger:
        installation = Installation(tmp_path / "a", nursery, ledger, by_webhook=True)
        await installation.start()
        await installation.kill()
        number = ledger.say(7, "پیامی که می‌کشد")
        for _ in range(3):
            installation.arm("E2")
            with contextlib.suppress(StartError):  # it may die before its ports are open
                await installation.start()
            assert await until(lambda: not installation.is_alive, 20)
            assert installation.disarm()
        await installation.start()
        assert await until(lambda: bool(ledger.heard(7)), 20)

        assert [("quarantined",)] == installation.rows(f"SELECT state FROM inbox WHERE provider_id LIKE '%:{number}'")
        assert [("T2", "failure")] == installation.rows("SELECT tier, cause FROM cases")
        assert number in ledger.confirmed
        await installation.kill()
