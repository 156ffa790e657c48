"""Every table has its end: consents, referrals, histories of cases, sign-ins, and who came back after a case."""

import pytest
from sweeper.test_retention import CRY, close, let_go

from bot.proof.invariants import check
from escalation import acts


@pytest.fixture
def old_town(town):
    """Give a town in which the cleaning by age is planned, as a running process has it."""
    town.plan("retention", "all")
    return town


def put_facts(town, contact_id, session_id="s"):
    """Write a consent and a referral of hers, as a script does."""
    town.run("INSERT INTO consents VALUES ('co', ?, 'referral', 1, 'hash', ?)", contact_id, town.now)
    town.run(
        "INSERT INTO referrals VALUES ('re', ?, ?, 'social_base', 'IR-08', 'asked', ?)",
        contact_id,
        session_id,
        town.now,
    )


def test_consents_go_with_the_person_and_a_referral_stays_as_a_count_of_nobody(old_town):
    known = old_town.say("سلام")
    put_facts(old_town, known.contact_id)
    let_go(old_town, 29)
    assert [(1,)] == old_town.rows("SELECT count(*) FROM consents")
    let_go(old_town, 1.2)

    assert [(0,)] == old_town.rows("SELECT count(*) FROM consents")
    assert [("", "", "social_base", "")] == old_town.rows("SELECT contact_id, session_id, to_type, near FROM referrals")


def test_of_a_case_of_five_years_only_opening_lowering_and_closing_are_told(old_town):
    old_town.say(CRY)
    case_id = old_town.case()
    token = old_town.claim(case_id)
    old_town.says(case_id, token)
    old_town.act(acts.lower_tier, case_id=case_id, token=token, tier="T3", reason="آرام است")
    old_town.act(acts.close_case, case_id=case_id, token=token, outcome="counselled", reason="تمام شد")
    let_go(old_town, 1820)
    kinds = [kind for (kind,) in old_town.rows("SELECT kind FROM case_events ORDER BY id")]
    assert {"opened", "claimed", "wrote", "lowered", "closed"} <= set(kinds)
    let_go(old_town, 6)

    assert [("opened",), ("lowered",), ("closed",)] == old_town.rows("SELECT kind FROM case_events ORDER BY id")
    old_town.run(
        "INSERT INTO staff (id, username, name, roles, created_at) VALUES ('mina','m','m','[]',1) ON CONFLICT (id) DO NOTHING"
    )
    assert [] == old_town.core.store.read_now(lambda db: [str(one) for one in check(db, old_town.now, only="safety")])


def test_an_act_whose_audit_row_went_by_age_is_no_missing_row(old_town):
    old_town.say(CRY)
    old_town.run("INSERT INTO staff (id, username, name, roles, created_at) VALUES ('mina','m','m','[]',1)")
    old_town.claim(old_town.case())
    let_go(old_town, 1826)
    old_town.claim(old_town.case())

    assert [(1,)] == old_town.rows("SELECT count(*) FROM audit WHERE action = 'claimed'")
    assert [] == old_town.core.store.read_now(lambda db: [str(one) for one in check(db, old_town.now, only="safety")])


def test_sign_ins_one_time_links_and_devices_go_a_day_after_they_ended(old_town):
    hour = 3600_000
    old_town.run("INSERT INTO staff (id, username, name, roles, created_at) VALUES ('mina','m','m','[]',1)")
    for number, ends_at in enumerate((old_town.now - 25 * hour, old_town.now - 23 * hour, old_town.now + hour)):
        old_town.run(
            "INSERT INTO staff_sessions (token_hash, staff_id, csrf, created_at, seen_at, expires_at)"
            " VALUES (?, 'mina', 'c', 1, 1, ?)",
            f"t{number}",
            ends_at,
        )
        old_town.run(
            "INSERT INTO staff_codes (code_hash, purpose, expires_at) VALUES (?, 'invite', ?)", f"c{number}", ends_at
        )
        old_town.run("INSERT INTO staff_devices VALUES (?, 'mina', '', 1, 1, ?)", f"d{number}", ends_at)
    let_go(old_town)

    assert [("t1",), ("t2",)] == old_town.rows("SELECT token_hash FROM staff_sessions ORDER BY token_hash")
    assert [("c1",), ("c2",)] == old_town.rows("SELECT code_hash FROM staff_codes ORDER BY code_hash")
    assert [("d1",), ("d2",)] == old_town.rows("SELECT token_hash FROM staff_devices ORDER BY token_hash")


def test_who_talked_again_after_a_case_of_five_years_is_let_go_too(old_town):
    old_town.say(CRY)
    close(old_town)
    old_town.wait(3 * 3600, step=300)  # what was planned for the case finds nothing to do
    let_go(old_town, 1810)
    old_town.say("سلام")
    let_go(old_town, 16)
    assert [(1,)] == old_town.rows("SELECT wrapped_key IS NOT NULL FROM contacts")
    let_go(old_town, 20)

    assert [(None,)] == old_town.rows("SELECT wrapped_key FROM contacts")
