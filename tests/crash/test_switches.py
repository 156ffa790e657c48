"""What a start forgets of a dead process, and the switches by which a proof moves a running one."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.fault import arm, fault
from bot.faults import arm_from, clock_from
from bot.handlers.telegram_poller import take_lease
from bot.installation import pick_up


@pytest.fixture
def disarmed():
    yield
    arm(None)


def test_a_start_takes_the_lease_of_a_dead_poller_at_once(make_core):
    core = make_core()
    core.store.write_now(lambda tx: take_lease(tx, name="telegram:1", holder="the dead one", now_ms=10_000))
    pick_up(core)

    assert core.store.write_now(lambda tx: take_lease(tx, name="telegram:1", holder="the next", now_ms=10_001))


def test_a_crash_point_is_armed_while_the_program_runs_and_is_met_once(tmp_path, disarmed):
    arm_from(f"dir:{tmp_path}")
    fault("E4")
    (tmp_path / "point").write_text("E4:raise:2:1")
    fault("E4")
    fault("E5")
    with pytest.raises(RuntimeError, match="E4"):
        fault("E4")
    fault("E4")

    assert ["point.hit"] == [path.name for path in tmp_path.iterdir()]


def test_a_crash_point_of_the_environment_is_met_at_its_pass(disarmed):
    arm_from("O2:raise:3")
    fault("O2")
    fault("O2")

    with pytest.raises(RuntimeError, match="O2"):
        fault("O2")


def test_the_clock_is_wrong_by_what_stands_in_the_file(tmp_path):
    clock = clock_from(f"dir:{tmp_path}")
    right = abs(clock.now() - datetime.now(UTC))
    (tmp_path / "clock").write_text("-86400")
    wrong = datetime.now(UTC) - clock.now()

    assert right < timedelta(seconds=5)
    assert timedelta(hours=23) < wrong < timedelta(hours=25)
