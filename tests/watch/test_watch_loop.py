"""The loop over a real database: what it reads, what it survives, what it remembers."""

import asyncio
import contextlib
import sqlite3
from datetime import timedelta

import pytest
from watch.house import REFUSED, House, KeptWay

from escalation.watch_rows import look
from escalation.watch_ways import WayError


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    house.staff("mina", chat="7", on_shift=True)
    yield house
    house.file.close()


async def test_an_untaken_case_is_told_and_told_again_until_it_is_claimed(house):
    house.open("a")
    await house.pass_(18)
    assert house.pages == []
    await house.pass_(130)
    assert house.pages == [("7", ("a",)), ("7", ("a",))]

    house.sql("UPDATE cases SET state = 'claimed', holder = 'x', token = 1, lease_until = ?", house.now + 45_000)
    house.event("a", "claimed")
    await house.pass_(40)
    assert len(house.pages) == 2

    await house.pass_(80)  # nobody renewed the claim, and the last page is two minutes old
    assert len(house.pages) == 3


async def test_what_grew_worse_in_somebodys_hands_is_new_to_all_once_her_claim_is_lost(house):
    house.open("a", tier="T2")
    house.open("b")
    house.event("a", "claimed")
    house.event("a", "raised", tier="T1")
    house.sql("UPDATE cases SET tier = 'T1', state = 'claimed', lease_until = ? WHERE id = 'a'", house.now)
    await house.pass_(24)  # her console was away for a while
    assert house.pages == [("7", ("a", "b"))]
    for _ in range(4):
        house.sql("UPDATE cases SET lease_until = ? WHERE id = 'a'", house.now + 45_000)
        await house.pass_(32)
    assert house.pages[1:] == [("7", ("b",))]

    house.sql("UPDATE cases SET state = 'queued', lease_until = NULL WHERE id = 'a'")
    house.event("a", "lease_lost", tier="T1")
    await house.pass_(58)
    assert [set(cases) for _, cases in house.pages[2:]] == [{"a", "b"}]


async def test_seen_keeps_it_quiet_until_nobody_came(house):
    house.open("a")
    await house.pass_(24)
    house.event("a", "seen")

    await house.pass_(310)
    assert len(house.pages) == 1
    await house.pass_(20)
    assert len(house.pages) == 2


async def test_a_case_that_grew_worse_is_not_what_was_seen(house):
    house.open("a", tier="T2")
    house.event("a", "seen")
    await house.pass_(4)
    house.sql("UPDATE cases SET tier = 'T1'")
    house.event("a", "raised", tier="T1")

    await house.pass_(22)

    assert house.pages == [("7", ("a",))]


async def test_who_is_away_disabled_or_not_linked_costs_no_wait(house):
    house.sql("UPDATE staff SET disabled_at = 1")
    house.staff("sara", "supervisor")
    house.staff("lena", "counsellor", chat="9")
    house.open("a")

    await house.pass_(22)

    assert house.ways["command"].pages == [("duty:command@command", ("a",))]
    await house.pass_(42)
    assert house.pages == [("9", ("a",))]


async def test_a_failing_way_is_followed_by_another_and_every_attempt_is_on_record(house):
    house.staff("sara", "supervisor", chat="8")
    house.ways["staffbot"].fails = REFUSED
    house.open("a")

    await house.pass_(24)

    assert house.ways["command"].pages == [("duty:command@command", ("a",))]
    rows = house.own("SELECT person, way, state, error FROM attempts")
    assert ("mina", "staffbot", "failed", "status_403") in rows
    assert ("duty:command", "command", "sent", "") in rows


async def test_a_way_that_breaks_in_an_unknown_manner_is_a_failed_way(house):
    house.ways["staffbot"].fails = RuntimeError("anything")
    house.open("a")

    await house.pass_(24)

    assert house.ways["command"].pages
    assert "RuntimeError" in [line.get("code") for line in house.lines]


async def test_a_hanging_way_holds_up_nobody_else(house):
    house.staff("sara", "supervisor", chat="8")
    house.ways["staffbot"].hangs = asyncio.Event()
    house.open("a")
    for _ in range(40):
        house.clock.advance(2)
        house.beat()
        await house.watch.cycle()
        await asyncio.sleep(0)

    assert house.ways["command"].pages
    house.ways["staffbot"].hangs.set()
    await house.watch.settle()


async def test_a_provider_that_asks_to_be_left_alone_is(house):
    house.ways["staffbot"].fails = WayError("status_429", 60.0)
    house.open("a")
    await house.pass_(24)
    house.ways["staffbot"].fails = None

    await house.pass_(50)
    assert house.pages == []
    await house.pass_(30)
    assert house.pages != []


async def test_trouble_is_told_while_the_service_is_silent_and_not_after(house):
    house.staff("ada", "admin", chat="3")
    await house.pass_(20)
    await house.pass_(44, beats=False)
    assert [("3", ("service:silent",))] == house.pages[:1]
    told = len(house.pages)

    await house.pass_(200)
    assert len(house.pages) == told


@pytest.mark.sqlite
@pytest.mark.parametrize("harm", ["missing", "garbage", "empty", "other"])
async def test_without_a_readable_database_what_is_known_is_still_told_and_the_loss_of_sight_too(house, harm):
    house.open("a")
    await house.pass_(10)
    for end in ("-wal", "-shm"):
        house.database.with_name(f"panah.db{end}").unlink(missing_ok=True)
    match harm:
        case "missing":
            house.database.unlink()
        case "garbage":
            house.database.write_bytes(b"x" * 8192)
        case "empty":
            house.database.write_bytes(b"")
        case "other":
            house.database.unlink()
            house.sql("CREATE TABLE cases (id TEXT)")

    await house.pass_(40, beats=False)

    assert (house.pages[0][0], house.pages[0][1][0]) == ("7", "a")
    assert any("service:database" in page for _, page in house.ways["command"].pages)


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE case_events SET data = '[]' WHERE case_id = 'b'",
        "UPDATE cases SET queued_at = 'soon' WHERE id = 'b'; DELETE FROM case_events WHERE case_id = 'b'",
        "UPDATE staff SET roles = '3'",
    ],
)
async def test_rows_that_make_no_sense_stop_no_page(house, harm):
    house.open("a")
    await house.pass_(10)
    house.open("b")
    with contextlib.closing(sqlite3.connect(house.database)) as connection:
        connection.executescript(harm)

    await house.pass_(40)

    assert (house.pages[0][0], house.pages[0][1][0]) == ("7", "a")
    assert any("service:database" in page for _, page in house.ways["command"].pages)


@pytest.mark.sqlite
async def test_a_locked_database_stops_no_alert(house):
    house.open("a")
    await house.pass_(18)
    writer = sqlite3.connect(house.database, isolation_level=None)
    writer.execute("PRAGMA journal_mode=DELETE")
    writer.execute("BEGIN EXCLUSIVE")

    house.clock.advance(4)
    await house.look()

    assert house.pages == [("7", ("a",))]
    assert "database_unreadable" in house.events
    writer.execute("ROLLBACK")
    writer.close()


async def test_the_watch_alerts_from_memory_when_its_own_file_cannot_be_used(tmp_path):
    (tmp_path / "watch.db").mkdir()
    house = House(tmp_path)
    house.staff("mina", chat="7", on_shift=True)
    house.open("a")

    await house.pass_(150)

    assert house.pages == [("7", ("a",)), ("7", ("a",))]
    assert "watch_file_away" in house.events


async def test_a_full_disk_under_its_own_file_stops_no_alert(house):
    house.file._connection.execute("PRAGMA max_page_count = 1")
    for number in range(40):
        house.open(f"a{number:02}")

    await house.pass_(150)

    assert [len(cases) for _, cases in house.pages] == [40, 40]
    assert "watch_file_failed" in house.events


async def test_a_damaged_own_file_is_set_aside(house):
    house.file.close()
    for end in ("-wal", "-shm"):
        (house.home / f"watch.db{end}").unlink(missing_ok=True)
    (house.home / "watch.db").write_bytes(b"no database at all" * 1000)
    house.start()
    house.open("a")

    await house.pass_(22)

    assert house.pages == [("7", ("a",))]
    assert (house.home / "watch.damaged").is_file()
    assert house.own("SELECT state FROM attempts") == [("sent",)]


async def test_a_new_process_knows_what_was_told_and_tells_again_what_may_not_have_arrived(house):
    house.staff("sara", "supervisor", chat="8")
    house.open("a")
    await house.pass_(64)
    assert [chat for chat, _ in house.pages] == ["7", "8"]
    house.file.close()
    house.own("UPDATE attempts SET state = 'trying' WHERE person = 'sara'")

    house.start()
    await house.pass_(20)

    assert [chat for chat, _ in house.pages] == ["7", "8", "8"]


@pytest.mark.sqlite
async def test_a_new_process_that_cannot_read_the_database_uses_what_the_old_one_saw(house):
    house.open("a")
    await house.pass_(4)
    house.file.close()
    house.database.unlink()

    house.start()
    await house.pass_(24, beats=False)

    assert [(chat, cases[0]) for chat, cases in house.pages] == [("7", "a")]


async def test_a_clock_that_jumps_a_day_calls_nobody_twice_and_forgets_nobody(house):
    house.staff("sara", "supervisor", chat="8")
    house.open("a")
    await house.pass_(24)
    for days in (1, -2, 1):
        house.clock._now += timedelta(days=days)
        await house.pass_(10)
    assert [chat for chat, _ in house.pages] == ["7"]

    await house.pass_(12)

    assert [chat for chat, _ in house.pages] == ["7", "8"]


async def test_the_outside_watcher_hears_nothing_more_once_no_page_leaves(house):
    await house.pass_(4)
    assert house.heart.beats[-1]
    house.open("a")
    for way in house.ways.values():
        way.fails = REFUSED
    await house.pass_(60)
    assert house.heart.beats[-1]
    await house.pass_(40)
    assert not house.heart.beats[-1]

    house.ways["command"] = KeptWay()
    house.watch._duties.ways["command"] = house.ways["command"]
    await house.pass_(40)
    assert house.heart.beats[-1]


async def test_the_outside_watcher_hears_nothing_more_once_somebody_waits_and_nobody_can_be_told(tmp_path):
    house = House(tmp_path)
    house.duty = []
    house.start()
    house.staff("mina", on_shift=True)  # a staff bot, and nobody has linked a chat with it
    await house.pass_(4)
    assert (house.heart.beats[-1], house.heart.people) == (True, 0)
    house.open("a")

    await house.pass_(100)

    assert house.pages == []
    assert not house.heart.beats[-1]
    assert house.events.count("nobody_to_tell") == 1

    house.sql("UPDATE staff SET staffbot_chat = '7'")
    await house.pass_(4)
    assert house.pages == [("7", ("a",))]
    assert (house.heart.beats[-1], house.heart.people) == (True, 1)


async def test_pages_for_one_desk_do_not_hide_that_another_has_nobody(tmp_path):
    house = House(tmp_path)
    house.duty = []
    house.start()
    house.staff("mina", province="IR-23", chat="7", on_shift=True)
    house.open("a", desk="IR-23")
    house.open("b", desk="EOC")

    await house.pass_(400)

    assert {cases for _, cases in house.pages} == {("a",)}
    assert not any(house.heart.beats[60:])


async def test_a_case_that_waits_for_the_end_of_a_gap_between_pages_is_no_loss(house):
    house.duty.clear()
    house.open("a")
    await house.pass_(24)
    house.open("b")

    await house.pass_(200)

    assert all(house.heart.beats)
    assert ("7", ("a", "b")) in house.pages
    assert "nobody_to_tell" not in house.events


async def test_a_kill_right_after_a_page_is_told_within_a_minute_to_the_only_person_there_is(tmp_path):
    house = House(tmp_path)
    house.open("a")
    await house.pass_(22)
    assert house.ways["command"].pages == [("duty:command@command", ("a",))]
    house.watch.parent_gone()

    await house.pass_(60, beats=False)

    assert [cases for _, cases in house.ways["command"].pages] == [("a",), ("a", "service:parent")]
    assert "nobody_to_tell" not in house.events
    house.file.close()


@pytest.mark.sqlite
def test_a_look_takes_no_lock_and_no_sealed_column(house):
    writer = sqlite3.connect(house.database, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO meta VALUES ('x', 'y')")

    seen = look(house.database, house.now)

    assert [one.key for one in seen.people] == ["mina"]
    writer.execute("COMMIT")
    writer.close()
