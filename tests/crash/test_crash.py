"""kill -9 at every crash point of the one path, with real processes: nothing is lost, nothing has its effect twice.

The machinery is `bot.proof`, the same that `panah prove` runs for hours; here are its short form, and proofs that its
oracle sees what it is there to see.
"""

import contextlib
import re
import sqlite3
from pathlib import Path

import pytest

from bot.proof.crash import run_kill_rounds
from bot.proof.crash_check import Books, breaches
from bot.proof.crash_points import POINTS, plan
from bot.proof.installation import Installation, StartError, until
from bot.proof.ledger import Ledger
from bot.proof.nursery import Nursery

ROOT = Path(__file__).resolve().parent.parent.parent
ROUNDS = 300
DANGER = "شوهرم داره منو می‌زنه"


@pytest.mark.timeout(900)
def test_three_hundred_kills_at_every_point_lose_and_double_nothing():
    report = run_kill_rounds(ROUNDS, seed=20261122)

    assert [] == [f"{found.said} ({found.replay})" for found in report.breaches]
    assert ROUNDS == report.counts["kills"]
    assert [] == [point for point, met in report.covered.items() if not met]


def test_every_crash_point_of_the_program_is_in_the_list():
    sources = [path for folder in ("bot", "escalation") for path in (ROOT / folder).rglob("*.py")]
    found = {
        point
        for path in sources
        for point in re.findall(r'\bfault(?:\(|, )"([A-Z]\d)"', path.read_text("utf-8"))
        if path.parent.name != "core"
    }

    assert set(POINTS) == found


def test_a_seed_and_a_number_always_give_the_same_round():
    assert [plan(7, number) for number in range(60)] == [plan(7, number) for number in range(60)]
    assert set(POINTS) <= {plan(7, number).point for number in range(60)}


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
    twice = list(breaches(installation, books))

    assert [] == content
    assert [] == blind
    assert ["I13: chat 1 heard 1 texts twice; the kills explain 0"] == twice


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
