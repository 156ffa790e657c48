"""Nothing older than its limit stays readable, nothing younger goes, nothing of an open case is touched."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import retention_sql as sql
from bot.core.promise import due_row
from bot.due import plan
from bot.retention import Keep, keep_of
from bot.settings import SettingsError, read_settings
from bot.store.vault import contact_key, seal
from escalation import acts

CRY = "شوهرم داره منو می‌زنه"
HUMAN = "مددکار"
DAY_MS = 86_400_000
KEEP = Keep()


@pytest.fixture
def old_town(town):
    """Give a town in which the cleaning by age is planned, as a running process has it."""
    town.plan("retention", "all")
    return town


def let_go(town, days=0.0):
    """Let so many days pass, then the cleaning run to its end."""
    town.clock.advance(days * 86_400)
    for _ in range(60):
        town.tick()
        if not town.rows("SELECT 1 FROM due WHERE kind = 'retention' AND due_at <= ?", town.now + 60_000):
            break
        town.clock.advance(2)


def close(town, who_tier="T1"):
    case_id = town.case()
    token = town.claim(case_id)
    town.tick()
    town.act(acts.close_case, case_id=case_id, token=token, outcome="counselled", reason="تمام شد")
    town.tick()
    town.run("UPDATE cases SET tier = ? WHERE id = ?", who_tier, case_id)
    return case_id


def readable(town):
    """Count what can still be read: messages, turns, sessions, inbox rows, outbox rows."""
    sql = (
        "SELECT (SELECT count(*) FROM messages WHERE sealed_body IS NOT NULL),"
        " (SELECT count(*) FROM turns WHERE sealed_events IS NOT NULL),"
        " (SELECT count(*) FROM sessions WHERE sealed_state IS NOT NULL),"
        " (SELECT count(*) FROM inbox WHERE coalesce(sealed_input, sealed_raw) IS NOT NULL),"
        " (SELECT count(*) FROM outbox WHERE sealed_body IS NOT NULL)"
    )
    return town.rows(sql)[0]


def test_what_providers_sent_and_what_was_sent_go_after_three_days(old_town):
    old_town.say(HUMAN)
    let_go(old_town, 2.9)
    assert readable(old_town)[3] > 0
    assert readable(old_town)[4] > 0
    let_go(old_town, 0.2)

    messages, _, _, raw, sent = readable(old_town)
    assert (0, 0) == (raw, sent)
    assert messages > 0


def test_a_conversation_without_a_case_is_only_a_count_after_thirty_days(old_town):
    known = old_town.say("سلام")
    let_go(old_town, 29)
    assert readable(old_town)[0] > 0
    let_go(old_town, 1.2)

    assert (0, 0, 0, 0, 0) == readable(old_town)
    assert [(None, 1)] == old_town.rows("SELECT wrapped_key, erased_at IS NOT NULL FROM contacts")
    assert [("retention", known.contact_id)] == old_town.rows(
        "SELECT actor, target_id FROM audit WHERE action = 'erase'"
    )
    assert 1 == old_town.rows("SELECT count(*) FROM sessions")[0][0]
    again = old_town.say("سلام")
    assert again.contact_id != known.contact_id
    assert again.replies


def test_nothing_of_an_open_case_goes_however_old_it_is(old_town):
    old_town.say(CRY)
    before = readable(old_town)
    let_go(old_town, 3650)

    assert all(now >= was for was, now in zip(before[:3], readable(old_town)[:3], strict=True))
    assert old_town.case()


@pytest.mark.parametrize(("tier", "days"), [("T3", 90), ("T2", 365)])
def test_the_transcript_of_a_closed_case_goes_in_its_time_and_the_notes_stay(old_town, tier, days):
    known = old_town.say(CRY)
    close(old_town, tier)
    let_go(old_town, days - 1)
    assert readable(old_town)[0] > 0
    let_go(old_town, 1.2)

    assert (0, 0, 0, 0, 0) == readable(old_town)
    assert [(1,)] == old_town.rows("SELECT count(*) FROM case_notes WHERE sealed_body IS NOT NULL")
    assert [(1,)] == old_town.rows("SELECT wrapped_key IS NOT NULL FROM contacts")
    again = old_town.say("سلام")
    assert again.contact_id == known.contact_id
    assert [] == old_town.rows("SELECT 1 FROM cases WHERE cause = 'failure'")


def test_after_five_years_a_closed_case_is_only_a_count(old_town):
    old_town.say(CRY)
    close(old_town)
    let_go(old_town, 1826)

    assert [(None,)] == old_town.rows("SELECT wrapped_key FROM contacts")
    assert [(0,)] == old_town.rows("SELECT count(*) FROM case_notes WHERE sealed_body IS NOT NULL")
    assert [("closed", "counselled")] == old_town.rows("SELECT state, outcome FROM cases")
    assert [] == old_town.rows("SELECT 1 FROM audit WHERE action = 'claimed'")


def test_a_case_that_was_reopened_is_not_let_go(old_town):
    old_town.say(CRY)
    case_id = close(old_town)
    old_town.act(acts.undo_close, case_id=case_id)
    before = readable(old_town)
    let_go(old_town, 400)

    assert readable(old_town)[0] >= before[0]


def test_the_end_of_a_walk_is_noted_for_the_health_page(old_town):
    old_town.say("سلام")
    let_go(old_town)

    ((at,),) = old_town.rows("SELECT value FROM meta WHERE key = 'retention_at'")
    assert abs(int(at) - old_town.now) < 3600_000


def test_what_still_waits_to_be_read_is_never_emptied(old_town):
    old_town.say("سلام")
    old_town.run("UPDATE inbox SET state = 'waiting', due_at = ?", old_town.now + 400 * DAY_MS)
    let_go(old_town, 10)

    assert [(1,)] == old_town.rows("SELECT sealed_input IS NOT NULL FROM inbox WHERE channel = 'web'")


AGES = st.lists(st.integers(1, 500), min_size=1, max_size=12)
CASES = st.lists(
    st.tuples(st.integers(1, 600), st.integers(0, 200), st.sampled_from(["T1", "T2", "T3", "T4"]), st.booleans()),
    max_size=3,
)


def expected_to_stay(at, now, cases):
    """Say by the rule alone whether a message of a contact may still be read."""
    if now - at < KEEP.session:
        return True
    for opened, closed, tier in cases:
        keep = KEEP.urgent if tier in {"T1", "T2"} else KEEP.talk
        if at < opened - KEEP.session:
            continue
        if closed is None or (at <= closed + DAY_MS and closed > now - keep):
            return True
    return False


def put_history(town, ages, cases):
    """Write messages and cases of one contact at given ages, in days, oldest first, as years of use leave them."""
    known = town.say("سلام")
    now = town.now
    spans = []
    for n, (opened, length, tier, stays_open) in enumerate(cases):
        opened_at = now - opened * DAY_MS
        closed_at = None if stays_open and n == 0 else min(now, opened_at + length * DAY_MS)
        spans.append((opened_at, closed_at, tier))

    def put(tx):
        key = contact_key(tx.connection, town.core.keyring, known.contact_id)
        tx.raw.execute("DELETE FROM messages")
        for age in sorted(ages, reverse=True):
            tx.raw.execute(
                "INSERT INTO messages (contact_id, author, sealed_body, at) VALUES (?, 'contact', ?, ?)",
                (known.contact_id, seal(key, "messages.body", {"text": "x"}), now - age * DAY_MS),
            )
        for n, (opened_at, closed_at, tier) in enumerate(spans):
            tx.raw.execute(
                "INSERT INTO cases (id, code, contact_id, session_id, channel, tier, kinds, cause, desk, state, opened_at,"
                " queued_at, changed_at, closed_at, outcome) VALUES (?, '1', ?, 's', 'web', ?, '[]', 'step', 'EOC', ?, ?,"
                " ?, ?, ?, ?)",
                (
                    f"k{n}", known.contact_id, tier, "queued" if closed_at is None else "closed", opened_at, opened_at,
                    opened_at, closed_at, None if closed_at is None else "counselled",
                ),
            )  # fmt: skip
            if closed_at is not None:
                row = due_row(
                    "case_end", f"k{n}", str(closed_at), due_at=closed_at, now_ms=now, contact_id=known.contact_id
                )
                plan(tx, row)

    town.core.store.write_now(put)
    return spans


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ages=AGES, cases=CASES, later=st.integers(0, 400))
def test_by_the_rule_alone_each_message_stays_or_goes(make_town, ages, cases, later):
    town = make_town()
    town.plan("retention", "all")
    spans = put_history(town, ages, cases)
    let_go(town, later)

    now = town.now
    left = {at for (at,) in town.rows("SELECT at FROM messages WHERE author = 'contact'")}
    told = {now - later * DAY_MS - age * DAY_MS for age in ages}  # near enough: a walk takes seconds, ages are days
    for wanted in told:
        found = any(abs(at - wanted) < DAY_MS // 2 for at in left)
        margin = 600_000
        if expected_to_stay(wanted - margin, now, spans) == expected_to_stay(wanted + margin, now, spans):
            assert found == expected_to_stay(wanted, now, spans), (now - wanted) / DAY_MS


@pytest.mark.sqlite  # where everybody waits for the one writer
def test_many_rows_are_let_go_pass_by_pass(make_town, tmp_path):
    town = make_town(path=tmp_path / "panah.db")
    town.plan("retention", "all")
    for n in range(150):
        town.say("سلام", f"w{n}")
        town.say("1", f"w{n}")
    town.clock.advance(40 * 86_400)
    town.run("UPDATE due SET due_at = ? WHERE kind <> 'retention'", town.now + 400 * DAY_MS)
    town.run("UPDATE sessions SET silence_at = NULL")
    for _ in range(200):
        town.core.timers.fire_due()
        town.clock.advance(2)
        if readable(town)[1] == 0:
            break

    assert (0, 0, 0, 0, 0) == readable(town)


@pytest.mark.parametrize("name", ["RAW_HOURS", "SENT_HOURS", "SESSION_DAYS", "TALK_DAYS", "URGENT_DAYS", "CASE_DAYS"])
@pytest.mark.parametrize("value", ["0", "-1", "4000", "ten"])
def test_no_setting_keeps_longer_than_its_limit(name, value):
    with pytest.raises(SettingsError):
        read_settings({f"PANAH_KEEP_{name}": value})


@pytest.mark.parametrize("name", ["PANAH_KEEP_RAW_HOURS", "PANAH_KEEP_SENT_HOURS"])
def test_what_names_the_messages_of_a_chat_is_kept_until_they_were_taken_back(name):
    with pytest.raises(SettingsError, match="must be more than PANAH_PURGE_HOURS"):
        read_settings({name: "24"})
    assert read_settings({name: "24", "PANAH_PURGE_HOURS": "12"})


def test_the_settings_are_what_is_kept():
    found = keep_of(read_settings({"PANAH_KEEP_RAW_HOURS": "48", "PANAH_KEEP_SESSION_DAYS": "7"}))

    assert replace(KEEP, raw=48 * 3600_000, session=7 * DAY_MS) == found


def cries_and_waits(town, who="a"):
    """Let her cry for help after an unclean stop: stored and answered for, not yet run."""
    town.core.worker.be_careful(600)
    assert town.say(CRY, who).deferred


def has_key(town):
    return town.rows("SELECT wrapped_key IS NOT NULL FROM contacts") == [(1,)]


def test_who_was_long_away_is_not_erased_while_her_cry_waits_for_its_turn(town):
    town.say(HUMAN)
    town.run("DELETE FROM cases")  # what she asked for is over and gone
    town.run("DELETE FROM due")
    town.clock.advance(40 * 86_400)
    cries_and_waits(town)
    town.plan("retention", "all")
    town.core.timers.fire_due()

    assert has_key(town)
    town.core.waiting.run_due()
    assert [("T1",)] == town.rows("SELECT tier FROM cases")


def test_the_end_of_her_last_case_does_not_erase_a_cry_that_waits_for_its_turn(town):
    town.say(CRY)
    case_id = close(town)
    town.run("DELETE FROM due WHERE kind <> 'case_end'")
    town.clock.advance(1_825 * 86_400 + 60)
    cries_and_waits(town)
    town.core.timers.fire_due()

    assert [("fired",)] == town.rows("SELECT state FROM due WHERE kind = 'case_end' AND subject = ?", case_id)
    assert has_key(town)
    town.core.waiting.run_due()
    assert [("T1",)] == town.rows("SELECT tier FROM cases WHERE state <> 'closed'")


def test_an_erasure_that_was_asked_for_waits_for_what_waits_for_its_turn(town):
    town.say("سلام")
    ((contact_id,),) = town.rows("SELECT id FROM contacts")
    cries_and_waits(town)
    town.plan("erase", contact_id, contact_id=contact_id)
    town.core.timers.fire_due()

    assert has_key(town)
    assert ["planned"] == town.states("erase")
    town.core.waiting.run_due()
    assert [("T1",)] == town.rows("SELECT tier FROM cases")


@pytest.mark.sqlite
@pytest.mark.parametrize("statement", [sql.STRANGERS, sql.LAST_CASE])
def test_whether_something_waits_is_looked_up_by_the_contact(town, statement):
    values = {"from": 0, "to": 9, "now": 1, "session": 1, "case": 1, "contact": "a"}
    plan = [
        row[3]
        for row in town.core.store.write_now(
            lambda tx: tx.raw.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
        )
    ]

    assert [line for line in plan if "SEARCH i USING" in line and "contact_id=?" in line]
