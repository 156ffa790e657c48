"""Each promise that is broken by hand is found by its own check and by no content; a sound database breaks none."""

import re
from datetime import UTC, datetime

import pytest

from bot.bus import InProcessBus
from bot.core.ids import seeded_ids
from bot.core.messages import InboundMsg, TextInput
from bot.proof.invariants import INVARIANTS, check
from escalation import acts
from escalation.office import Office
from escalation.policy import Actor

NOW = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
LATE = NOW_MS - 600_000
CRY = "شوهرم داره منو میزنه کمک"


def execute(core, sql, *values):
    core.store.write_now(lambda tx: tx.raw.execute(sql, values))


@pytest.fixture
def lived(core, clock):
    """Give a core in which a person cried for help and a counsellor claimed, wrote and noted."""
    message = InboundMsg(channel="web", external_id="a", provider_id="1", input=TextInput(CRY), received_at=clock.now())
    core.inbox.put(message).done.result()
    execute(core, "INSERT INTO staff (id, username, name, roles, created_at) VALUES ('sara', 'sara', 'sara', '[]', 1)")
    office = Office(keyring=core.keyring, bus=InProcessBus(), new_id=seeded_ids(1))
    actor = Actor(staff_id="sara", name="sara", roles=frozenset({"counsellor"}), province="")
    case_id = core.store.read_now(lambda db: db.exec_driver_sql("SELECT id FROM cases").scalar())
    wanted = {"actor": actor, "case_id": case_id, "now_ms": NOW_MS}
    claim = core.store.write_now(lambda tx: acts.claim_case(tx, office, **wanted))
    core.store.write_now(
        lambda tx: acts.close_case(tx, office, **wanted, token=claim.token, outcome="safe_now", reason="با همسایه است")
    )
    core.store.write_now(lambda tx: acts.undo_close(tx, office, **wanted))
    return core


def broken(core, **wanted):
    return {f"{breach.promise.name} {breach.promise.code}" for breach in breaches(core, **wanted)}


def breaches(core, **wanted):
    return core.store.read_now(lambda db: check(db, NOW_MS, **wanted))


def test_a_sound_database_breaks_no_promise(lived):
    assert [] == breaches(lived)


BROKEN = {
    "inbox I11": "UPDATE inbox SET state = 'waiting', due_at = {late}",
    "turns I2": "DELETE FROM turns",
    "states I2": "UPDATE inbox SET state = 'quarantined', done_at = {now}",
    "given up I3": "UPDATE inbox SET state = 'quarantined', done_at = {now}; DELETE FROM cases",
    "unsaid I3": "UPDATE outbox SET state = 'expired', kind = 'reply'; DELETE FROM cases",
    "outbox states I13": "UPDATE outbox SET state = 'sent', sent_at = NULL",
    "transcript I13": "DELETE FROM outbox",
    "outbox I13": "UPDATE outbox SET state = 'queued', due_at = {late}",
    "timers I11": "UPDATE sessions SET silence_at = {late}",
    "promises I11": "INSERT INTO due (kind, subject, step, state, planned_at, due_at)"
    " VALUES ('word', 'c', '1', 'planned', 0, {late})",
    "erasures I27": "INSERT INTO due (kind, subject, step, contact_id, state, planned_at, due_at)"
    " SELECT 'erase', id, '1', id, 'planned', 0, {late} FROM contacts; DELETE FROM cases",
    "one case I6": "DROP INDEX case_open_one; CREATE TABLE twin AS SELECT * FROM cases; UPDATE twin SET id = 'second';"
    "INSERT INTO cases SELECT * FROM twin",
    "case states I6": "UPDATE cases SET state = 'closed', closed_at = {now}, outcome = NULL",
    "escalations I6": "UPDATE sessions SET not_taken_at = {now}; DELETE FROM cases",
    "closings I8": "UPDATE cases SET state = 'closed', closed_at = {now}, outcome = 'safe_now';"
    "UPDATE case_events SET actor = 'bot' WHERE kind = 'closed'",
    "tiers I8": "UPDATE cases SET tier = 'T3'",
    "tokens I9": "UPDATE case_events SET data = '{{\"token\": 1}}' WHERE kind IN ('claimed', 'reopened')",
    "holders I9": "INSERT INTO case_events (case_id, kind, actor, at) SELECT id, 'wrote', 'mina', 1 FROM cases",
    "holds I11": "UPDATE cases SET holder = NULL",
    "claims I11": "UPDATE cases SET lease_until = {late}",
    "resting cases I11": "UPDATE cases SET state = 'waiting'",
    "audited acts I26": "DROP TRIGGER audit_stays; UPDATE audit SET actor = 'mina' WHERE action = 'claimed'",
    "audited versions I26": "INSERT INTO publications (version, action, \"by\", at) VALUES ('v', 'publish', 'mina', {now})",
    "audit numbers I26": "DROP TRIGGER audit_kept; DELETE FROM audit WHERE action = 'claimed'",
}


def by_hand(core, sql):
    """Say it as whoever owns a PostgreSQL would."""
    if core.store.is_shared and sql.startswith("DROP TRIGGER"):
        return ["ALTER TABLE audit DISABLE TRIGGER ALL"]
    if core.store.is_shared and "publications" in sql:
        return ["ALTER TABLE publications DISABLE TRIGGER ALL", sql]
    return [sql]


def test_every_promise_is_broken_by_hand_below():
    assert {f"{promise.name} {promise.code}" for promise in INVARIANTS} == set(BROKEN)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_promise_is_found_by_its_own_check(lived, name):
    for sql in BROKEN[name].format(late=LATE, now=NOW_MS).split(";"):
        for said in by_hand(lived, sql):
            execute(lived, said)

    assert name in broken(lived)
    assert not any(CRY in str(breach) for breach in breaches(lived))


def test_rows_cut_off_the_end_of_the_audit_are_missed(lived):
    for sql in by_hand(lived, "DROP TRIGGER audit_kept"):
        execute(lived, sql)
    execute(lived, "DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)")

    assert "audit numbers I26" in broken(lived)


def test_who_was_erased_breaks_nothing(lived):
    execute(lived, "DELETE FROM turns")
    execute(lived, "UPDATE contacts SET erased_at = 1, wrapped_key = NULL")

    assert "turns I2" not in broken(lived)


def test_what_is_only_late_is_no_breach_of_safety(lived):
    execute(lived, "UPDATE inbox SET state = 'waiting', due_at = ?", LATE)
    execute(lived, "DELETE FROM turns")

    assert set() == broken(lived, only="safety")
    assert {"inbox I11"} == broken(lived, only="liveness")


def test_only_the_newest_rows_are_looked_at_when_asked(lived):
    execute(lived, "UPDATE case_events SET data = '{\"token\": 9}' WHERE kind = 'claimed'")

    assert "tokens I9" in broken(lived)
    assert "tokens I9" not in broken(lived, newest=0)


@pytest.mark.sqlite
def test_no_check_reads_a_whole_table(core):
    """With a million closed cases `doctor` is to be done in two seconds: rowids, indexes, or the few open rows."""
    steps = []
    for promise in INVARIANTS:
        sql = re.sub(r":(now|late|sending_late|newest)\b", "1", promise.sql)
        found = core.store.read_now(lambda db, sql=sql: db.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}").all())
        steps += [f"{promise.name}: {row[3]}" for row in found if row[3].startswith("SCAN")]
    few = ("USING INDEX outbox_due", "USING INDEX case_open_one", "SCAN (subquery-1)")

    assert [] == [step for step in steps if not step.endswith(few)]
