"""What turns and acts rely on, whichever database is below them."""

import threading
from concurrent.futures import wait

import pytest

from bot.core.promise import due_row
from bot.due import plan
from bot.statements import STATEMENTS
from bot.store.crypto import UnreadableError, ephemeral_keyring
from bot.store.vault import contact_key, seal, unseal

NOW = 1_790_000_000_000
PUT = "INSERT INTO meta (key, value) VALUES (?, ?)"


def values(store):
    return dict(store.read_now(lambda db: db.exec_driver_sql("SELECT key, value FROM meta").all()))


def put(key, value="1"):
    return lambda tx: tx.raw.execute(PUT, (key, value))


def contact(tx, name="c1", keyring=None):
    wrapped, key = (keyring or ephemeral_keyring()).new_data_key()
    row = {"id": name, "wrapped_key": wrapped, "key_id": "k", "language": "fa", "created_at": NOW, "seen_at": NOW}
    STATEMENTS["contact_new"].write(tx, [row])
    return key


def case(name="k1", contact_id="c1", **others):
    return {
        "id": name, "code": "12345", "contact_id": contact_id, "session_id": "s1", "channel": "web", "language": "fa",
        "tier": "T2", "kinds": "[]", "cause": "words", "child": 0, "covert": 0, "do_not_contact": 0, "province": "",
        "desk": "EOC", "state": "queued", "token": 0, "opened_at": NOW, "queued_at": NOW, "changed_at": NOW,
        "sealed_summary": b"x", **others,
    }  # fmt: skip


def arrival(number, provider_id="m1"):
    return {
        "id": number, "channel": "web", "provider_id": provider_id, "contact_id": "c1", "address_id": None,
        "kind": "text", "sealed_input": b"\x00\xff", "sealed_raw": None, "received_at": NOW, "sent_at": None,
        "state": "done", "attempts": 0, "due_at": NOW, "done_at": NOW, "error": None, "overtakes": 0,
    }  # fmt: skip


def test_writes_that_wait_together_share_one_commit(store):
    gate = threading.Event()
    first = store.submit(lambda _tx: gate.wait(5))
    others = [store.submit(put(f"k{number}")) for number in range(20)]
    seen_before = values(store)
    gate.set()
    wait([first, *others], timeout=10)

    assert {f"k{number}" for number in range(20)} <= set(values(store))
    assert "k0" not in seen_before


def test_a_write_that_fails_takes_nobody_with_it_and_leaves_nothing(store):
    gate = threading.Event()
    store.submit(lambda _tx: gate.wait(5))

    def broken(tx):
        put("half")(tx)
        raise LookupError

    before, failing, after = store.submit(put("before")), store.submit(broken), store.submit(put("after"))
    gate.set()

    before.result(10)
    after.result(10)
    assert isinstance(failing.exception(10), LookupError)
    assert {"before", "after"} <= set(values(store))
    assert "half" not in values(store)


def test_a_statement_that_the_database_refuses_spoils_only_its_own_write(store):
    gate = threading.Event()
    store.submit(lambda _tx: gate.wait(5))
    first, twice, after = store.submit(put("a")), store.submit(put("a")), store.submit(put("b"))
    gate.set()

    first.result(10)
    after.result(10)
    assert twice.exception(10) is not None
    assert {"a", "b"} <= set(values(store))


def test_what_follows_a_commit_happens_only_when_it_was_kept(store):
    happened = []

    def good(tx):
        tx.after_commit(lambda: happened.append("good"))

    def bad(tx):
        tx.after_commit(lambda: happened.append("bad"))
        raise LookupError

    store.submit(good).result(10)
    assert isinstance(store.submit(bad).exception(10), LookupError)
    assert happened == ["good"]


def test_a_part_that_fails_leaves_the_rest_of_its_write(store):
    def both(tx):
        put("whole")(tx)
        try:
            with tx.part():
                tx.raw.execute("SELECT * FROM nowhere")
        except Exception:  # noqa: BLE001 - each database has its own
            put("went on")(tx)

    store.write_now(both)
    assert {"whole", "went on"} <= set(values(store))


def test_a_message_is_stored_once_whatever_number_it_gets(store):
    store.write_now(lambda tx: STATEMENTS["inbox_new"].write(tx, [arrival(1)]))
    again = store.submit(lambda tx: STATEMENTS["inbox_new"].write(tx, [arrival(2)]))

    assert again.exception(10) is not None
    assert 1 == store.read_now(lambda db: db.exec_driver_sql("SELECT count(*) FROM inbox").scalar())


@pytest.mark.parametrize("count", [1, 3, 17, 90])
def test_any_number_of_rows_is_inserted_in_their_order(store, count):
    rows = [
        {"case_id": "k", "kind": f"e{number}", "actor": "a", "data": "{}", "at": NOW + number}
        for number in range(count)
    ]
    store.write_now(lambda tx: STATEMENTS["case_event_new"].write(tx, rows))
    found = store.read_now(lambda db: db.exec_driver_sql("SELECT kind FROM case_events ORDER BY id").scalars().all())

    assert [row["kind"] for row in rows] == list(found)


def test_numbers_for_new_rows_rise(store):
    first = list(store.write_now(lambda tx: tx.next_ids("inbox", 3)))
    store.write_now(lambda tx: STATEMENTS["inbox_new"].write(tx, [arrival(first[-1])]))
    second = list(store.write_now(lambda tx: tx.next_ids("inbox", 2)))

    assert first == sorted(first)
    assert first[-1] < second[0] < second[1]


def test_a_contact_has_one_open_case_and_its_tier_only_rises(store):
    store.write_now(lambda tx: STATEMENTS["case_open"].write(tx, [case()]))
    store.write_now(lambda tx: STATEMENTS["case_open"].write(tx, [case("k2", tier="T1", child=1)]))
    store.write_now(lambda tx: STATEMENTS["case_open"].write(tx, [case("k3", tier="T3")]))
    rows = store.read_now(lambda db: db.exec_driver_sql("SELECT id, tier, child FROM cases").all())

    assert [("k1", "T1")] == [(row.id, row.tier) for row in rows]


def test_a_claim_that_was_overtaken_writes_nothing(store):
    store.write_now(lambda tx: STATEMENTS["case_open"].write(tx, [case()]))
    claim = "UPDATE cases SET state = 'claimed', token = token + 1 WHERE id = 'k1' AND token = ? AND state = 'queued'"

    assert 1 == store.write_now(lambda tx: tx.raw.execute(claim, (0,)).rowcount)
    assert 0 == store.write_now(lambda tx: tx.raw.execute(claim, (0,)).rowcount)


def test_a_promise_planned_twice_is_one_and_the_earlier_moment_counts(store):
    rows = [due_row("word", "k1", "1", due_at=NOW + later, now_ms=NOW) for later in (9, 5, 7)]
    for row in rows:
        store.write_now(lambda tx, row=row: plan(tx, row))

    assert [(NOW + 5,)] == store.read_now(lambda db: [tuple(r) for r in db.exec_driver_sql("SELECT due_at FROM due")])


def test_what_waits_to_be_said_when_she_leaves_is_closed_and_told_to_her_case(store):
    def lived(tx):
        contact(tx)
        STATEMENTS["case_open"].write(tx, [case()])
        STATEMENTS["outbox_new"].write(tx, [{
            "key": "1.1", "contact_id": "c1", "address_id": "a", "channel": "web", "kind": "reply", "urgent": 0,
            "sealed_body": b"", "state": "queued", "attempts": 0, "created_at": NOW, "due_at": NOW,
            "expires_at": NOW + 9,
        }])  # fmt: skip
        leaves = [{"contact_id": "c1", "why": "left", "at": NOW}]
        STATEMENTS["unsaid_new"].write(tx, leaves)
        STATEMENTS["outbox_left"].write(tx, leaves)

    store.write_now(lived)
    sql = "SELECT json_extract(data, '$.count'), json_extract(data, '$.why') FROM case_events"
    assert [("1", "left")] == store.read_now(lambda db: [(str(a), b) for a, b in db.exec_driver_sql(sql)])
    assert "expired" == store.read_now(lambda db: db.exec_driver_sql("SELECT state FROM outbox").scalar())


def test_sealed_bytes_come_back_as_they_were(store):
    keyring = ephemeral_keyring()

    def write(tx):
        key = contact(tx, keyring=keyring)
        sealed = seal(key, "contacts.safe_contact", {"way": "here"})
        tx.raw.execute("UPDATE contacts SET sealed_safe_contact = ? WHERE id = 'c1'", (sealed,))

    store.write_now(write)
    key = store.read_now(lambda db: contact_key(db, keyring, "c1"))
    sealed = store.read_now(lambda db: db.exec_driver_sql("SELECT sealed_safe_contact FROM contacts").scalar())

    assert {"way": "here"} == unseal(key, "contacts.safe_contact", sealed)
    with pytest.raises(UnreadableError):
        unseal(key, "messages.body", sealed)


def test_a_read_sees_one_moment_and_can_write_nothing(store):
    def look(db):
        first = db.exec_driver_sql("SELECT count(*) FROM meta").scalar()
        store.submit(put("meanwhile")).result(10)
        return first == db.exec_driver_sql("SELECT count(*) FROM meta").scalar()

    assert store.read_now(look)
    with pytest.raises(Exception, match=r"read.?only"):
        store.read_now(lambda db: db.exec_driver_sql("DELETE FROM meta"))


def test_a_place_of_a_value_inside_a_text_is_text(store):
    sql = "SELECT 'is this :one?' || ?"
    assert "is this :one? yes" == store.write_now(lambda tx: tx.raw.execute(sql, (" yes",)).fetchone()[0])
    assert "is this :one? yes" == store.read_now(lambda db: db.exec_driver_sql(sql, (" yes",)).scalar())
