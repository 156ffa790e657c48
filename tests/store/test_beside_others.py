"""Several processes on one PostgreSQL: two doors, two senders, two sweepers, as cores that share nothing but the rows."""

import asyncio
import itertools
import subprocess
import sys
import threading
import time
from functools import partial

import psycopg
import pytest
from fakes.waiting import until
from stores import stores_of

from bot.app import build_core
from bot.bus import InProcessBus
from bot.content import OneVersion, lines_of
from bot.core.ids import system_ids
from bot.core.messages import InboundMsg, TextInput
from bot.core.promise import due_row
from bot.due import plan
from bot.erasing import erase
from bot.outbox_claim import Wanted, claim
from bot.processes import Process, holder_of
from bot.store import settled
from bot.store.crypto import ephemeral_keyring
from bot.store.postgres import PostgresStore
from bot.telemetry import configure
from escalation.repo import add_event
from escalation.repo_read import newest_event

CRY = "شوهرم داره منو می‌زنه"


@pytest.fixture
def stores():
    with stores_of("postgres") as made:
        yield made


@pytest.fixture
def make_door(stores, tmp_path, bundle, screener, clock):
    keyring, opened = ephemeral_keyring(), []

    def make(store=None, *, threaded=False):
        store = store or stores.open(tmp_path / "one", threaded=threaded)
        opened.append(store)
        return build_core(
            store=store, keyring=keyring, bus=InProcessBus(), clock=clock, ids=system_ids, screener=screener,
            versions=OneVersion(bundle), lines=lambda: lines_of(bundle), log=configure(),
            staff_on=lambda _tx, _now: True,
        )  # fmt: skip

    yield make
    for store in opened:
        store.close()


_numbers = itertools.count(1)


def offer(door, text, *, who="u", provider_id=None, channel="telegram"):
    message = InboundMsg(
        channel=channel, external_id=who, provider_id=provider_id or f"p{next(_numbers)}", input=TextInput(text),
        received_at=door.clock.now(),
    )  # fmt: skip
    return door.inbox.put(message).done


def say(door, text, **how):
    return offer(door, text, **how).result(20)


def rows(door, sql, *values):
    return [tuple(row) for row in door.store.read_now(lambda db: db.exec_driver_sql(sql, values).all())]


def together(*acts):
    """Let acts run at the same moment, each in a thread of its own."""
    gate = threading.Barrier(len(acts))
    found = [None] * len(acts)

    def run(at, act):
        gate.wait(10)
        try:
            found[at] = act()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            found[at] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def test_what_one_door_did_the_other_goes_on_from(make_door):
    one, two = make_door(), make_door()
    first = say(one, "سلام")
    second = say(two, "1")
    third = say(one, CRY)
    fourth = say(two, "سلام")

    assert {first.contact_id} == {second.contact_id, third.contact_id, fourth.contact_id}
    assert [("T1",)] == rows(one, "SELECT tier FROM cases")
    [(turns,)] = rows(one, "SELECT turns FROM sessions WHERE ended_at IS NULL")
    assert turns == 4


def test_a_redelivery_to_another_door_is_known(make_door):
    one, two = make_door(), make_door()
    say(one, CRY, provider_id="same")

    assert say(two, CRY, provider_id="same").duplicate
    assert [(1,)] == rows(one, "SELECT count(*) FROM turns")


def test_one_message_at_two_doors_at_once_is_one_turn(make_door):
    one, two = make_door(), make_door()
    for number in range(15):
        how = {"who": f"u{number}", "provider_id": f"at-once-{number}"}
        together(*(partial(say, door, CRY, **how) for door in (one, two)))

    assert [(15,)] == rows(one, "SELECT count(*) FROM turns")
    assert [(15,)] == rows(one, "SELECT count(*) FROM cases")
    assert [(15,)] == rows(one, "SELECT count(*) FROM contacts")


def test_two_messages_of_one_person_at_two_doors_at_once_are_two_turns_of_one_contact(make_door):
    one, two = make_door(), make_door()
    for number in range(10):
        found = together(*(partial(say, door, "سلام", who=f"v{number}") for door in (one, two)))
        assert not [one for one in found if isinstance(one, Exception)]

    assert [(10,)] == rows(one, "SELECT count(*) FROM contacts")
    assert [(2,)] * 10 == rows(one, "SELECT turns FROM sessions WHERE ended_at IS NULL")


def test_many_people_at_two_doors_lose_no_turn(make_door):
    one, two = make_door(threaded=True), make_door(threaded=True)
    people = [f"w{number}" for number in range(12)]
    waiting = [offer(door, text, who=who) for text in ("سلام", "1", "2") for who in people for door in (one, two)]
    results = [done.result(60) for done in waiting]

    assert len(results) == len([one for one in results if one.contact_id])
    assert [(72,)] == rows(one, "SELECT count(*) FROM turns")
    assert [(72,)] == rows(one, "SELECT sum(turns) FROM (SELECT count(*) AS turns FROM turns GROUP BY contact_id) AS t")
    assert [(12,)] == rows(one, "SELECT count(*) FROM contacts")


def test_two_senders_never_take_the_same_row(make_door):
    one, two = make_door(), make_door()
    for number in range(20):
        say(one, "سلام", who=f"s{number}")
    now = int(one.clock.now().timestamp() * 1000)

    def take(door, holder):
        wanted = Wanted(channel="telegram", holder=holder, now_ms=now, urgent=64, bulk=64)
        return door.store.write_now(lambda tx: claim(tx, door.keyring, wanted))

    taken = together(lambda: take(one, "a"), lambda: take(two, "b"))
    ids = [row_id for leased in taken for item in leased for row_id, _ in item.rows]

    assert len(ids) == len(set(ids))
    assert len(ids) >= 20


def test_what_a_process_was_sending_as_it_died_goes_out_again_at_once(make_door):
    door = make_door()
    say(door, CRY)
    dead, lives = Process("sender", "d1"), Process("sender", "a2")
    until = 10**13
    gone = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    holder = holder_of(gone.pid)
    gone.communicate(b"\n")

    def leave(tx):
        tx.raw.execute("INSERT INTO leases VALUES (?, ?, ?)", ("process:sender:d1", holder, until))
        tx.raw.execute("UPDATE outbox SET state = 'sending', lease_until = ?, lease_by = 'd1/telegram-1'", (until,))
        tx.raw.execute("UPDATE outbox SET lease_by = 'a2/telegram-1' WHERE id = (SELECT max(id) FROM outbox)")

    door.store.write_now(leave)
    door.store.write_now(lambda tx: lives.renew(tx, 1))
    states = [state for (state,) in rows(door, "SELECT state FROM outbox ORDER BY id")]

    assert ["queued"] * (len(states) - 1) + ["sending"] == states
    assert door.store.write_now(lambda tx: Process("sender", "a3").begin(tx, 2))  # and the next one is careful
    assert dead.leases == "d1/"


def test_a_promise_is_kept_by_one_of_two_sweepers(make_door):
    one, two = make_door(), make_door()
    known = say(one, CRY)
    now = int(one.clock.now().timestamp() * 1000)
    [(case_id,)] = rows(one, "SELECT id FROM cases")
    row = due_row("overflow", case_id, "0:near", due_at=now, now_ms=now, contact_id=known.contact_id)
    one.store.write_now(lambda tx: plan(tx, row))
    one.clock.advance(60)
    together(one.timers.fire_due, two.timers.fire_due)

    assert [(1,)] == rows(one, "SELECT count(*) FROM case_events WHERE kind = 'overflowed'")


def test_a_waiting_row_is_run_by_one_of_two_processes(make_door):
    one, two = make_door(), make_door()
    one.worker.be_careful()
    assert say(one, CRY).deferred
    together(one.waiting.run_due, two.waiting.run_due)

    assert [("done", 1)] == rows(one, "SELECT state, attempts FROM inbox")
    assert [(1,)] == rows(one, "SELECT count(*) FROM turns")


class Interrupted(PostgresStore):
    """A store beside which something happens once, right after its next write."""

    act = None

    def submit(self, fn):
        done = super().submit(fn)
        act, self.act = self.act, None
        if act:
            act()
        return done


@pytest.fixture
def interrupted(make_door, stores, tmp_path):
    """Give a door with one waiting row, beside whose next write something may happen."""
    door = make_door(Interrupted(stores.database(tmp_path / "one"), threaded=False))
    door.worker.be_careful()
    assert say(door, "سلام").deferred
    return door


def test_a_row_that_another_process_has_done_meanwhile_is_not_given_up(interrupted, make_door):
    other = make_door()
    other.store.write_now(lambda tx: tx.raw.execute("UPDATE inbox SET attempts = 3") and None)
    done = "UPDATE inbox SET state = 'done', done_at = 1"
    interrupted.store.act = lambda: other.store.write_now(lambda tx: tx.raw.execute(done) and None)
    interrupted.waiting.run_due()

    assert [("done",)] == rows(other, "SELECT state FROM inbox")
    assert [(0,)] == rows(other, "SELECT count(*) FROM cases")


def test_a_turn_that_never_began_is_not_counted_and_another_ones_is(interrupted, make_door, stores, tmp_path):
    other = make_door()
    interrupted.store.write_now(lambda tx: tx.raw.execute("SET lock_timeout = 50") and None)
    tried = "UPDATE inbox SET attempts = attempts + 1"
    interrupted.store.act = lambda: other.store.write_now(lambda tx: tx.raw.execute(tried) and None)
    with psycopg.connect(stores.database(tmp_path / "one")) as busy:
        busy.execute(
            "INSERT INTO lanes (contact_id, changes) SELECT contact_id, 1 FROM inbox"
            " ON CONFLICT (contact_id) DO UPDATE SET changes = lanes.changes + 1"
        )
        interrupted.waiting.run_due()

    assert [("waiting", 1)] == rows(other, "SELECT state, attempts FROM inbox")


def test_a_contact_erased_by_one_process_is_nobody_to_the_other(make_door):
    one, two = make_door(), make_door()
    before = say(one, "سلام").contact_id
    say(two, "1")
    one.store.write_now(lambda tx: erase(tx, contact_id=before, now_ms=0))

    assert before != say(two, "سلام").contact_id


def end_connections(url, process):
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s)", (process,))


def test_a_lost_connection_costs_nothing(make_door, stores, tmp_path):
    door = make_door()
    say(door, "سلام")
    mine = door.store.write_now(lambda tx: tx.raw.execute("SELECT pg_backend_pid()").fetchone()[0])
    end_connections(stores.database(tmp_path / "one"), mine)
    say(door, "1")

    assert [(2,)] == rows(door, "SELECT count(*) FROM turns")


class LosesAnAnswer(PostgresStore):
    """A store whose connection breaks once between a COMMIT and its answer."""

    lost = False

    def _commit(self, tx):
        super()._commit(tx)
        if not self.lost:
            self.lost = True
            end_connections(self._url, self._driver.info.backend_pid)
            tx.raw.execute("SELECT 1")


def test_a_commit_whose_answer_was_lost_is_not_done_twice(make_door, stores, tmp_path):
    door = make_door(LosesAnAnswer(stores.database(tmp_path / "one"), threaded=False))
    accepted = say(door, CRY)

    assert door.store.lost
    assert not accepted.duplicate
    assert accepted.tier == "T1"
    assert [(1,)] == rows(door, "SELECT count(*) FROM turns")


class LosesAConnection(PostgresStore):
    """A store whose connection breaks once just before COMMIT."""

    lost = False

    def _commit(self, tx):
        if not self.lost:
            self.lost = True
            end_connections(self._url, self._driver.info.backend_pid)
        super()._commit(tx)


def test_a_commit_that_never_arrived_is_done_again(make_door, stores, tmp_path):
    door = make_door(LosesAConnection(stores.database(tmp_path / "one"), threaded=False))
    accepted = say(door, CRY)

    assert door.store.lost
    assert not accepted.duplicate
    assert [(1,)] == rows(door, "SELECT count(*) FROM turns")


def test_a_group_that_met_a_deadlock_is_run_again(stores, tmp_path):
    one, two = stores.open(tmp_path / "dead"), stores.open(tmp_path / "dead")
    for key in ("a", "b"):
        one.write_now(lambda tx, key=key: tx.raw.execute("INSERT INTO meta (key, value) VALUES (?, '0')", (key,)))
    meet = threading.Barrier(2, timeout=10)
    met = []

    def both(first, second, name):
        def act(tx):
            tx.raw.execute("UPDATE meta SET value = value || ? WHERE key = ?", (name, first))
            if name not in met:
                met.append(name)
                meet.wait()
            tx.raw.execute("UPDATE meta SET value = value || ? WHERE key = ?", (name, second))

        return act

    futures = [one.submit(both("a", "b", "1")), two.submit(both("b", "a", "2"))]
    for future in futures:
        future.result(30)
    found = one.read_now(lambda db: db.exec_driver_sql("SELECT value FROM meta ORDER BY key").scalars().all())
    one.close()
    two.close()

    assert [sorted(value) for value in found] == [["0", "1", "2"]] * 2


def test_a_reader_of_the_feed_never_passes_over_a_number_that_is_still_being_written(stores, tmp_path):
    one, two = stores.open(tmp_path / "feed"), stores.open(tmp_path / "feed")
    begun, go_on, now = threading.Event(), threading.Event(), time.time_ns() // 1_000_000

    def slow(tx):
        number = add_event(tx, case_id="k", kind="opened", actor="a", now_ms=now)
        begun.set()
        go_on.wait(10)
        return number

    early = one.submit(slow)
    begun.wait(10)
    late = two.write_now(lambda tx: add_event(tx, case_id="k", kind="claimed", actor="b", now_ms=now + 1))
    meanwhile = one.read_now(newest_event)
    go_on.set()
    first = early.result(10)

    assert meanwhile < first < late
    assert late == one.read_now(newest_event)
    one.close()
    two.close()


def test_what_somebody_leaves_open_in_another_database_holds_the_feed_up_for_two_minutes_at_most(stores, tmp_path):
    store = stores.open(tmp_path / "feed")
    now = time.time_ns() // 1_000_000
    with psycopg.connect(stores.database(tmp_path / "elsewhere")) as other:
        other.execute("SELECT pg_current_xact_id()")
        old = store.write_now(
            lambda tx: add_event(tx, case_id="k", kind="opened", actor="a", now_ms=now - settled.OLD_MS - 60_000)
        )
        new = store.write_now(lambda tx: add_event(tx, case_id="k", kind="claimed", actor="b", now_ms=now + 3_600_000))
        meanwhile = store.read_now(newest_event)
    asyncio.run(until(lambda: new == store.read_now(newest_event)))
    store.close()

    assert old == meanwhile < new
