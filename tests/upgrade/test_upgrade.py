"""Databases of earlier releases, frozen in the middle of their life, go on with this one.

While 0.1.0 is not released its schema may still change; then freeze again:
`python -m bot.proof.upgrade tests/upgrade/v0.1.0.tar.xz`
"""

from bot.proof.upgrade import frozen_databases, run_upgrade_drill


def test_every_frozen_database_is_small_and_there_is_one():
    frozen = frozen_databases()

    assert ["v0.1.0.tar.xz"] == [file.name for file in frozen]
    assert all(file.stat().st_size < 200_000 for file in frozen)


def test_whoever_was_in_the_middle_of_a_talk_goes_on_after_the_upgrade_and_nothing_is_lost():
    report = run_upgrade_drill(frozen_databases(), seed=1)

    assert () == report.breaches
    assert (1, 1) == (report.counts["upgrades"], report.counts["crash points"])
