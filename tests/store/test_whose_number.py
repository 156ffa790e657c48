"""A process's number tells whether it is gone only to who sees the same numbers, and only of the process that had it."""

import os
import subprocess
import sys

import pytest

from bot.processes import LEASE_MS, Process, holder_of

NOW = 1_000_000


@pytest.fixture
def gone():
    """Give how a process was called that is not there any more."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    holder = holder_of(process.pid)
    process.communicate(b"\n")
    return holder


def died(store, holder, *, later_ms=0):
    """Give what a new process is told, beside a row of one of its kind."""
    row = ("process:door:before", holder, NOW + LEASE_MS)
    store.write_now(lambda tx: tx.raw.execute("INSERT INTO leases (name, holder, lease_until) VALUES (?, ?, ?)", row))
    return store.write_now(lambda tx: Process("door", "now").begin(tx, NOW + later_ms))


def renamed(holder, part, name):
    parts = holder.split(":")
    parts[part] = name
    return ":".join(parts)


def test_one_that_is_gone_is_seen_at_once(store, gone):
    assert died(store, gone)


def test_one_that_lives_is_left_alone(store):
    assert not died(store, holder_of(os.getpid()))


def test_a_container_that_shares_our_name_and_not_our_numbers_lives_until_its_lease_ends(store, gone):
    boot, _, _ = gone.split(":")[1].partition(".")
    assert not died(store, renamed(gone, 1, f"{boot}.1"))


@pytest.mark.parametrize("part", [0, 1])
def test_of_another_machine_or_boot_only_the_lease_tells(store, gone, part):
    elsewhere = renamed(gone, part, "other")

    assert not died(store, elsewhere)
    assert store.write_now(lambda tx: Process("door", "later").begin(tx, NOW + LEASE_MS))


def test_a_place_that_cannot_be_told_is_nobodys(store, gone):
    assert not died(store, renamed(gone, 1, ""))


def test_a_number_that_another_process_has_now_does_not_keep_the_dead_one_alive(store):
    assert died(store, renamed(holder_of(os.getpid()), 3, "1"))


def test_a_name_from_before_says_nothing(store):
    assert not died(store, "machine:1")
