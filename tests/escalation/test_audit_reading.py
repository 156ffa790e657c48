"""Reading the audit: newest first, by person, kind, case and day, in bounded looks, within scope, and itself written down."""

import re
from pathlib import Path

import pytest

import escalation
from bot.publishing import INSTALLER
from bot.store import schema
from bot.store.audit import append
from bot.store.walls import WalledStore
from escalation import acts
from escalation.audit_reading import AGAIN_MS, read_audit
from escalation.console.audit_words import ACTS, KINDS, MACHINES, act_words, acts_of, reason_words
from escalation.console.present_audit import chain_view
from escalation.page import read_case
from escalation.policy import NotAllowedError, sight_of
from escalation.repo_audit import Wanted, cases_of_code, look

HOUR_MS = 3_600_000
TEHRAN, FARS = "IR-23", "IR-07"


@pytest.fixture
def boss(house):
    return house.staff("boss", "admin")


@pytest.fixture
def written(house):
    """Give what writes rows: `written(n, actor=…, at=…)`; their numbers grow by one."""

    def write(count, **fields):
        row = {"actor": "mina", "action": "read", "target": "case", "target_id": "c1", "at": house.now}

        def add(tx):
            for _ in range(count):
                append(tx, **{**row, **fields})

        house.store.write_now(add)

    return write


def listed(house, actor, wanted=None, **sizes):
    return house.see(lambda db, *, actor, **_: look(db, wanted or Wanted(), actor=actor, **sizes), actor=actor)


def found(house, actor, wanted=None, **sizes):
    page = listed(house, actor, wanted, **sizes)
    return [row["id"] for row in page.rows], page.older


def test_the_newest_rows_come_first_and_each_page_goes_on_where_the_last_one_ended(house, boss, written):
    written(7)

    assert ([7, 6, 5], 5) == found(house, boss, page=3)
    assert ([4, 3, 2], 2) == found(house, boss, Wanted(before=5), page=3)
    assert ([1], None) == found(house, boss, Wanted(before=2), page=3)
    assert ([], None) == found(house, boss, Wanted(before=1), page=3)


def test_an_empty_audit_is_an_empty_page(house, boss):
    assert ([], None) == found(house, boss)
    assert ([], None) == found(house, boss, Wanted(span_ms=(0, 5)))


def test_a_look_passes_over_so_many_rows_at_most_and_says_where_to_go_on(house, boss, written):
    written(2, actor="leila")
    written(20)

    assert ([], 13) == found(house, boss, Wanted(who="leila"), page=3, most=10)
    assert ([], 3) == found(house, boss, Wanted(who="leila", before=13), page=3, most=10)
    assert ([2, 1], None) == found(house, boss, Wanted(who="leila", before=3), page=3, most=10)


def test_a_case_is_found_at_once_however_far_back_it_is(house, boss, written):
    written(1, target_id="far")
    written(20)

    assert ([1], None) == found(house, boss, Wanted(cases=["far"]), page=3, most=5)
    assert ([], None) == found(house, boss, Wanted(cases=[]), page=3, most=5)


def test_a_person_is_found_by_what_she_did_and_what_was_done_to_her_account(house, boss, written):
    written(1, actor="boss", action="disabled", target="staff", target_id="mina")
    written(1, actor="boss", target_id="mina")  # a case that is called so is not she
    written(1, actor="mina", action="shift_started", target="shift", target_id="mina")

    assert ([3, 1], None) == found(house, boss, Wanted(who="mina"))


def test_a_kind_of_act_is_found_by_target_and_action(house, boss, written):
    written(1, action="reopened", target="staff", target_id="mina")
    written(1, action="reopened")
    written(1, action="read")

    assert ([1], None) == found(house, boss, Wanted(acts=acts_of("staff")))
    assert ([2], None) == found(house, boss, Wanted(acts=acts_of("case")))


def test_a_day_is_found_whole_also_where_the_clock_was_set(house, boss, written):
    day = 24 * HOUR_MS
    for number in range(10):
        written(2, at=house.now + number * day)
    written(1, at=house.now + 4 * day + 60_000)
    written(1, at=house.now + 9 * day - 60_000)

    assert ([6, 5], None) == found(house, boss, Wanted(span_ms=(house.now + 2 * day, house.now + 3 * day)))
    assert ([20, 19], None) == found(house, boss, Wanted(span_ms=(house.now + 9 * day, house.now + 10 * day)))
    assert ([21, 10, 9], None) == found(house, boss, Wanted(span_ms=(house.now + 4 * day, house.now + 5 * day)))
    assert ([22, 18, 17], None) == found(house, boss, Wanted(span_ms=(house.now + 8 * day, house.now + 9 * day)))
    assert ([], None) == found(house, boss, Wanted(span_ms=(house.now + 20 * day, house.now + 21 * day)))


def test_a_case_of_another_desk_does_not_exist_in_it(house, boss):
    mina = house.staff("mina")
    cases = {place: house.escalate(house.contact(place), "T1", province=place) for place in (TEHRAN, FARS)}
    for case_id in cases.values():
        house.do(acts.claim_case, actor=mina, case_id=case_id)
    local = house.staff("local", "supervisor", province=TEHRAN)

    def seen(actor):
        return {row["target_id"] for row in listed(house, actor).rows if row["target"] == "case"}

    assert {cases[TEHRAN]} == seen(local)
    assert set(cases.values()) == seen(boss)
    for place, known in ((TEHRAN, True), (FARS, False)):
        code = house.case(cases[place])["code"]
        found = house.store.read_now(lambda db, code=code: cases_of_code(db, actor=local, code=code))

        assert known == (cases[place] in found)


async def read(house, actor, wanted):
    store = WalledStore(house.store, sight_of(actor, house.now))
    return await read_audit(store, actor=actor, wanted=wanted, now_ms=house.now)


async def test_only_who_may_see_it_does_and_it_is_written_down_once_in_five_minutes(house, boss):
    mina = house.staff("mina")
    with pytest.raises(NotAllowedError):
        await read(house, mina, Wanted())
    for wanted in (Wanted(), Wanted(before=3), Wanted(who="mina"), Wanted(cases=["c1"]), Wanted(who="mina")):
        await read(house, boss, wanted)
    house.advance(AGAIN_MS / 1000 + 1)
    await read(house, boss, Wanted())

    rows = [(row["actor"], row["action"], row["target"], row["target_id"]) for row in house.rows(schema.audit)]
    about = [("audit", ""), ("staff", "mina"), ("case", "c1"), ("audit", "")]
    assert [("boss", "audit_read", *one) for one in about] == rows


def test_a_counsellor_who_reads_a_case_stands_in_it(house, boss):
    mina = house.staff("mina")
    case_id = house.escalate(house.contact("t"), "T1", province=TEHRAN)
    house.do(acts.claim_case, actor=mina, case_id=case_id)
    house.do(read_case, actor=mina, case_id=case_id)
    page = listed(house, boss, Wanted(acts=acts_of("read")))

    assert [("mina", "read", case_id)] == [(row["actor"], row["action"], row["target_id"]) for row in page.rows]


#: Where an act is written into the audit: its name is the first word in quotes behind one of these.
WRITES = (
    r'record\(tx, office, \w+, kind="(\w+)"',
    r'(?<!add)_audit\(\s*tx, [^"]*?"(\w{3,})"',
    r'self\._record\(tx, [^"]*?"(\w+)"',
    r'add_audit\([^)]*?action="(\w+)"',
    r'append\(tx, actor=[^)]*?action="(\w+)"',
    r'_point\(tx, [^"]*?"(\w+)"',
    r'\brecord\(tx, act, "(\w+)"',
)


def test_every_act_that_is_written_has_words_and_a_kind():
    root = Path(escalation.__file__).parents[1]
    sources = [
        path.read_text(encoding="utf-8") for part in ("bot", "escalation") for path in (root / part).rglob("*.py")
    ]
    written = {name for text in sources for pattern in WRITES for name in re.findall(pattern, text)}
    known = {action for _, action in ACTS}

    assert len(written) > 30
    assert set() == written - known
    assert set(KINDS) == {act.kind for act in ACTS.values()}
    assert "case frobnicated" == act_words("case", "frobnicated")
    assert "" in MACHINES


@pytest.mark.parametrize(
    ("pair", "reason", "words"),
    [
        (("case", "lowered"), "T2>T3", "از «تا ۲۴ ساعت» به «تا ۷ روز»"),
        (("case", "closed"), "safe_now", "اکنون در جای امن است"),
        (("case", "transferred"), "EOC", "میز کشوری"),
        (("case", "entrusted"), "mina", "مینا"),
        (("case", "raised"), "", ""),
        (("staff", "created"), "admin,counsellor", "مدیر کارکنان، مشاور"),
        (("flow", "propose"), "a note in words", ""),
        (("contact", "erase"), "asked by the contact", ""),
    ],
)
def test_reasons_are_said_in_words_and_free_text_is_not_shown(pair, reason, words):
    assert words == reason_words(*pair, reason, {"mina": "مینا"})


@pytest.mark.parametrize(
    ("verified_h", "broken", "said"),
    [
        (1, None, ("good", "سالم است")),
        (49, None, ("caution", "هر شب")),
        (1, 4, ("error", "ردیف ۴")),
        (None, None, ("caution", "هنوز سنجیده نشده")),
    ],
)
async def test_the_page_says_whether_the_chain_is_whole_and_when_that_was_seen(house, boss, verified_h, broken, said):
    marks = {"audit.broken": broken or 0}
    if verified_h is not None:
        marks["audit.verified_at"] = house.now - verified_h * HOUR_MS
    for key, value in marks.items():
        house.put(schema.meta, key=key, value=str(value))
    page = await read(house, boss, Wanted())
    view = chain_view(page.chain, house.now)

    assert said[0] == view.look
    assert said[1] in view.words


def test_the_first_version_of_the_scripts_was_installed_by_the_program_itself():
    assert MACHINES["system"] == MACHINES[INSTALLER]
