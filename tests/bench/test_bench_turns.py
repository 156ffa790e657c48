"""The bench measures what it says: every turn's rows are there, and the peer does the same dialogue."""

from bot.bench.dialogue import TURNS, script
from bot.bench.turns import Plan, run


def test_the_bench_counts_every_row_of_every_turn_beside_the_peer():
    report = run(Plan(contacts=4, rounds=1, peer="aiogram"))

    turns = (4 * 2 + 4) * TURNS * 2  # closed and open loop; one round warms up
    assert turns == report["rows"]["inbox"] == report["rows"]["turns"]
    assert report["rows"]["outbox"] >= turns - report["rows"]["sessions"]
    assert 0 == report["rows"]["cases"]
    assert report["panah"]["turns_per_s"]["median"] > 0
    assert report["aiogram_redis_always"]["times_slower"]["median"] > 0
    assert report["aiogram_redis_always_uvloop"]["times_slower"]["median"] > 0


def test_a_dialogue_has_twelve_turns_of_which_one_is_rejected():
    assert TURNS == len(script(1))
    assert "abc" in script(1)
