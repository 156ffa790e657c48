"""The drill of the runbook, on real processes: back up under load, die at it, restore elsewhere by the CLI, go on."""

from bot.proof.backup_drill import run_backup_drill


def test_a_backup_under_load_is_restored_by_the_command_line_and_nothing_is_missing_or_said_twice():
    report = run_backup_drill(seed=1)

    assert () == report.breaches
    assert (1, 1) == (report.counts["drills"], report.counts["crash points"])
    assert report.counts["restore ms"] < 60_000
