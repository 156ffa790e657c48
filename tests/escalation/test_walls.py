"""The wall between provinces in PostgreSQL itself: what a query without any WHERE gives to whom."""

from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from stores import stores_of

import escalation.console
from bot.commands.doctor_rows import check_rows
from bot.store import migrate, schema
from bot.store.postgres import PostgresStore
from bot.store.trouble import StoreUnwritableError
from bot.store.vault import seal
from bot.store.walls import LISTS, Sight, wall
from bot.store.walls_ddl import POLICIES, breaches
from escalation import acts, reading, relay, repo, repo_read
from escalation.case import NoSuchCaseError
from escalation.page import read_case
from escalation.policy import sight_of

TEHRAN, QOM, FARS = "IR-23", "IR-25", "IR-07"  # Qom is Tehran's neighbour, Fars is not
#: What hangs on a case, by the column that says on whose.
HANGING = {name: "case_id" if name in {"case_events", "case_notes"} else "contact_id" for name in POLICIES}
HANGING |= {"cases": "contact_id", "contacts": "id"}


@pytest.fixture
def house(make_house):
    with stores_of("postgres"):
        made = make_house()
    yield made
    made.store.close()


@pytest.fixture
def three(house):
    """Give a case in each of three provinces, with everything that may hang on one; cases by contact."""
    cases = {}
    for name, province in (("t", TEHRAN), ("q", QOM), ("f", FARS)):
        cases[name] = house.escalate(house.contact(name), "T1", province=province)
        _fill(house, name, cases[name])
    return cases


def _fill(house, name, case_id):
    at = {"contact_id": name, "at": house.now}
    body = seal(house.key(name), "case_notes.body", {"text": "..."})
    house.put(schema.case_notes, id=f"{name}.n", case_id=case_id, staff_id="x", sealed_body=body, at=house.now)
    house.put(schema.consents, id=f"{name}.c", purpose="talk", given=1, text_hash="h", **at)
    house.put(schema.assessments, id=f"{name}.r", session_id="s", name="phq9", version="1", **at)
    house.put(schema.referrals, id=f"{name}.f", session_id="s", to_type="shelter", state="made", **at)
    house.put(schema.turns, session_id="s", inbox_id=ord(name), version="v", lexicon="l", **at)
    house.put(
        schema.inbox, channel="x", provider_id=name, contact_id=name, kind="text", state="done", received_at=1, due_at=1
    )
    house.put(
        schema.outbox, key=name, contact_id=name, address_id="a", channel="x", kind="reply", state="sent", created_at=1,
        due_at=1, expires_at=1,
    )  # fmt: skip
    house.put(
        schema.due, kind="word", subject=case_id, step="9", contact_id=name, state="planned", planned_at=1, due_at=1
    )


def everything(house, sight, table="cases", column="contact_id"):
    """Read a whole table with no WHERE at all, as a careless query would."""

    def careless(connection):
        with wall(connection, sight):
            return {row[0] for row in connection.execute(text(f"SELECT {column} FROM {table}"))}

    return house.store.read_now(careless)


def test_a_counsellor_who_asks_for_every_case_gets_her_provinces(house, three):
    assert {"t"} == everything(house, sight_of(house.staff("mina", province=TEHRAN), house.now))
    assert {"f"} == everything(house, sight_of(house.staff("sara", province=FARS), house.now))
    assert {"t", "q", "f"} == everything(house, sight_of(house.staff("nima"), house.now))


@pytest.mark.parametrize("table", sorted(HANGING))
def test_what_hangs_on_a_case_is_behind_the_same_wall(house, three, table):
    mine = {three["t"]} if HANGING[table] == "case_id" else {"t"}

    assert mine == everything(house, sight_of(house.staff("mina", province=TEHRAN), house.now), table, HANGING[table])


def test_a_case_nobody_took_in_time_is_shown_to_the_neighbours_and_to_nobody_else(house, three):
    mina, sara = house.staff("mina", province=TEHRAN), house.staff("sara", province=FARS)
    house.advance(301)

    assert {"t", "q"} == everything(house, sight_of(mina, house.now))
    assert {"f"} == everything(house, sight_of(sara, house.now))


def test_whose_province_is_not_said_sees_nothing(house, three):
    assert set() == everything(house, Sight())
    assert set() == everything(house, Sight(staff_id="mina"), "messages")


def test_a_queue_whose_where_was_forgotten_is_caught(house, three):
    mina = house.staff("mina", province=TEHRAN)
    found = house.see(lambda db, now_ms: repo_read.open_cases(db, desks=None, staff_id=""), sight_of(mina, house.now))

    assert {three["t"]} == {row["id"] for row in found}


def test_a_transcript_asked_for_by_a_foreign_contact_is_empty(house, three):
    mine = sight_of(house.staff("mina", province=TEHRAN), house.now)
    asked = [
        house.see(lambda db, now_ms, one=one: repo_read.messages_after(db, one, since=0, most=9), mine) for one in "tf"
    ]

    assert [1, 0] == [len(rows) for rows in asked]


def test_a_change_that_forgot_its_where_reaches_no_foreign_case(house, three):
    mina = house.staff("mina", province=TEHRAN)

    def careless(tx, office, *, actor, now_ms):
        return tx.connection.execute(text("UPDATE cases SET tier = 'T4'")).rowcount

    assert 1 == house.do(careless, actor=mina)
    assert ["T4", "T1", "T1"] == [house.case(three[name])["tier"] for name in "tqf"]


def test_nothing_can_be_written_about_a_case_out_of_sight(house, three):
    mina = house.staff("mina", province=TEHRAN)

    def careless(tx, office, *, actor, now_ms):
        return repo.add_event(tx, case_id=three["f"], kind="claimed", actor="mina", now_ms=now_ms)

    with pytest.raises(DBAPIError, match="row-level security"):
        house.do(careless, actor=mina)
    with pytest.raises(NoSuchCaseError):
        house.do(acts.claim_case, actor=mina, case_id=three["f"])


def test_who_hands_a_case_to_another_desk_writes_its_end_and_then_sees_it_no_more(house, three):
    mina = house.staff("mina", province=TEHRAN)
    token = house.do(acts.claim_case, actor=mina, case_id=three["t"]).token
    house.do(acts.transfer_case, actor=mina, case_id=three["t"], token=token, desk=FARS)

    assert "transferred" in house.kinds_of(three["t"])
    assert set() == everything(house, sight_of(mina, house.now))


def test_the_page_of_a_case_still_tells_of_her_earlier_one_elsewhere(house, three):
    mina, sara = house.staff("mina", province=TEHRAN), house.staff("sara", province=FARS)
    token = house.do(acts.claim_case, actor=sara, case_id=three["f"]).token
    house.do(relay.add_note, actor=sara, case_id=three["f"], text="یادداشت")
    house.do(acts.close_case, actor=sara, case_id=three["f"], token=token, outcome="counselled", reason="پایان")
    again = house.escalate("f", "T1", province=TEHRAN)
    house.do(acts.claim_case, actor=mina, case_id=again)
    page = house.do(read_case, actor=mina, case_id=again)

    assert [three["f"]] == [one.id for one in page.earlier]
    assert "یادداشت" in [one.text for one in page.notes]


def test_the_look_that_all_streams_share_reads_codes_of_all_and_content_of_nobody(house, three):
    assert {"t", "q", "f"} == everything(house, LISTS)
    assert 3 == len(house.see(lambda db, now_ms: reading.look_after(db, 0), LISTS).urgent)
    for table, column in (("cases", "sealed_summary"), ("messages", "id"), ("contacts", "wrapped_key")):
        with pytest.raises(DBAPIError, match="permission denied"):
            everything(house, LISTS, table, column)


@pytest.mark.parametrize("secret", ["staff.password_hash", "staff_sessions.token_hash", "staff_factors.sealed_secret"])
def test_the_desk_reads_no_way_of_signing_in(house, secret):
    table, column = secret.split(".")

    with pytest.raises(DBAPIError, match="permission denied"):
        everything(house, Sight(everything=True), table, column)


def test_the_wall_is_down_again_after_an_act_and_after_one_that_failed(house, three):
    mina = house.staff("mina", province=TEHRAN)
    house.do(acts.claim_case, actor=mina, case_id=three["t"])
    with pytest.raises(NoSuchCaseError):
        house.do(acts.claim_case, actor=mina, case_id=three["f"])

    assert 3 == len(house.rows(schema.cases))
    assert "panah" == house.store.write_now(lambda tx: tx.raw.execute("SELECT current_user").fetchone()[0])


def test_pages_of_cases_ask_only_behind_the_wall():
    pages = Path(escalation.console.__file__).parent.glob("*.py")
    past_it = {page.name for page in pages if "deps.store." in page.read_text(encoding="utf-8")}

    assert past_it == {"health_routes.py", "own_routes.py", "people_routes.py"}  # accounts and the audit of a lock


def test_every_table_with_a_case_or_a_contact_in_it_is_behind_the_wall():
    ours = {
        name
        for name, table in schema.metadata.tables.items()
        if {"contact_id", "case_id"} & {one.name for one in table.c}
    }

    assert ours | {"cases", "contacts"} == set(POLICIES)


def test_the_doctor_sees_a_wall_that_was_taken_down(house):
    whole = house.store.read_now(breaches)
    for sql in ("ALTER TABLE messages DISABLE ROW LEVEL SECURITY", "CREATE POLICY all_see ON cases USING (true)"):
        house.store.connection.exec_driver_sql(sql)
    found = house.store.read_now(lambda db: list(check_rows(db, None, house.clock.now())))

    assert [] == whole
    assert [("fail", True)] == [(one.state, "cases, messages" in one.said) for one in found if one.name == "provinces"]


def test_a_user_who_may_make_no_roles_is_told_what_its_administrator_must_run():
    with stores_of("postgres") as stores:
        cluster = stores.cluster
        cluster.execute("CREATE ROLE clerk LOGIN NOSUPERUSER NOCREATEROLE")
        cluster.execute("CREATE DATABASE clerks OWNER clerk")
        try:
            url = cluster.url("clerks").replace("panah@", "clerk@")
            with pytest.raises(StoreUnwritableError, match="GRANT panah_desk"):
                _install(url)
            cluster.execute("GRANT panah_desk, panah_lists TO clerk")
            _install(url)
            with psycopg.connect(url) as connection:
                connection.execute("SET ROLE panah_desk")
                assert connection.execute("SELECT count(*) FROM cases").fetchone() == (0,)
        finally:
            cluster.drop("clerks")
            cluster.execute("DROP ROLE clerk")


def _install(url):
    store = PostgresStore(url, threaded=False)
    try:
        migrate.upgrade(store.connection)
    finally:
        store.close()
