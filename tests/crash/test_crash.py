"""kill -9 at every crash point of the one path, with real processes: nothing is lost, nothing has its effect twice."""

import random

import pytest
from crash.driver import Provider

#: W: taking in, E: running and committing, O: sending. «:n» passes the point n-1 times first.
POINTS = ["W1", "W2", "W4", "E1", "E2", "E3", "E4", "E5", "E6", "O1", "O2", "O3", "O4"]
ROUNDS = 100
DANGER = "شوهرم داره منو می‌زنه"


@pytest.fixture
def provider(tmp_path):
    made = Provider(tmp_path)
    yield made
    made.close()


def assert_nothing_lost_or_doubled(provider: Provider) -> None:
    numbers = {int(row[0]) for row in provider.rows("SELECT provider_id FROM inbox WHERE channel = 'telegram'")}
    assert set(provider.acknowledged) <= numbers
    assert [] == provider.rows("SELECT provider_id FROM inbox WHERE state <> 'done'")
    assert [] == provider.rows("SELECT inbox_id FROM turns GROUP BY inbox_id HAVING count(*) > 1")
    assert [] == provider.rows(
        "SELECT id FROM inbox i WHERE NOT EXISTS (SELECT 1 FROM turns t WHERE t.inbox_id = i.id)"
    )
    keys = {row[0] for row in provider.rows("SELECT key FROM outbox")}
    copies = provider.copies()
    assert keys == set(copies)
    assert [("ok",)] == provider.rows("PRAGMA integrity_check")


@pytest.mark.timeout(600)
def test_a_hundred_kills_at_every_point_lose_and_double_nothing(provider):
    dice = random.Random(20261122)
    provider.start()
    provider.deliver_until_acknowledged(1, "سلام")
    sending_kills = 0
    for number in range(ROUNDS):
        point = POINTS[number % len(POINTS)]
        person = 100 + number
        provider.stop()
        provider.start(f"{point}:kill:{dice.choice([1, 1, 2])}")
        provider.deliver_until_acknowledged(person, DANGER if number % 2 else "سلام")
        provider.settle()
        sending_kills += point.startswith("O")
    provider.settle()

    assert provider.deaths >= ROUNDS * 0.6
    assert_nothing_lost_or_doubled(provider)
    doubled = sum(count - 1 for count in provider.copies().values())
    assert doubled <= sending_kills + ROUNDS  # only a kill between the provider's yes and our record sends again
    cases = provider.rows("SELECT contact_id FROM cases")
    assert len(cases) == len(set(cases)) == ROUNDS // 2
    assert {("T1",)} == set(provider.rows("SELECT tier FROM cases"))


@pytest.mark.timeout(120)
def test_a_message_that_kills_the_process_three_times_ends_as_a_case(provider):
    provider.start()
    provider.deliver_until_acknowledged(7, "سلام")
    provider.kill()
    number, raw = provider.update(7, "پیامی که می‌کشد")
    for _ in range(3):
        provider.start("E2:kill")
        provider.deliver(number, raw, "")
        provider.wait_for_death()
    provider.start()
    provider.settle()

    assert [("quarantined",)] == provider.rows(f"SELECT state FROM inbox WHERE provider_id = '{number}'")
    assert [("T2", "failure")] == provider.rows("SELECT tier, cause FROM cases")
