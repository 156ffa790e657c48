"""The page of the audit over HTTP: for whom it is, what its addresses carry, what is asked for by hand, and how it turns."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.core.jalali import short_date
from bot.core.text import persian_digits
from bot.store import schema
from bot.store.audit import append
from escalation import repo_audit


def rows_of(page):
    return re.findall(r'<td class="kinds">([^<]+)', page.text)


@pytest.fixture
async def boss(room, visit):
    room.staff("boss", "admin", name="نگار")
    return await visit("boss")


async def test_it_tells_who_did_what_about_which_case_and_nothing_that_was_written(room, boss):
    mina = room.staff("mina", name="مینا")
    case_id = room.cry(text="شوهرم داره منو می‌زنه")
    token = room.claim(mina, case_id).token
    room.says(mina, case_id, token)
    page = await boss.get("/audit")

    assert ["دفتر کارها را خواند", "به او نوشت", "برداشت", "وارد شد"] == [words.strip() for words in rows_of(page)]
    assert f"پروندهٔ {persian_digits(room.case(case_id)['code'])}" in page.text
    assert "مینا" in page.text
    assert not [words for words in ("می‌زنه", "من هستم", case_id) if words in page.text]


async def test_what_is_asked_for_by_hand_becomes_an_address_of_ids_and_dates(room, boss):
    mina = room.staff("mina", name="مینا")
    case_id = room.cry()
    room.claim(mina, case_id)
    code = room.case(case_id)["code"]
    asked = {"who": "mina", "kind": "case", "case": f" {persian_digits(code)} ", "day": "امروز"}
    answer = await boss.post("/audit", asked)
    place = urlsplit(answer.headers["location"])

    assert 303 == answer.status_code
    today = room.core.clock.now() + timedelta(hours=3, minutes=30)
    wanted = {"who": ["mina"], "kind": ["case"], "case": [code], "day": [today.date().isoformat()]}
    assert ("/audit", wanted) == (place.path, parse_qs(place.query))
    page = await boss.get(answer.headers["location"])
    assert ["برداشت"] == rows_of(page)
    assert f'value="{short_date(room.core.clock.now())}"' in page.text


@pytest.mark.parametrize(
    ("field", "value"),
    [("case", "00000"), ("case", "۰۹۱۲۱۲۳۴۵۶۷"), ("case", "سارا"), ("day", "فلان"), ("day", "۱۴۰۵/۱۳/۱")],
)
async def test_what_cannot_be_understood_is_said_beside_its_field_and_kept(room, boss, field, value):
    page = await boss.post("/audit", {field: value})

    assert 422 == page.status_code
    assert [field] == re.findall(r'id="mistake-(\w+)"', page.text)
    assert persian_digits(value) in page.text


async def test_an_address_written_by_hand_shows_the_audit_and_writes_nothing_strange_into_it(room, boss):
    for query in (
        "who=a+name", "kind=x", "case=x", "case=99999999", "day=0001-01-01", "day=9999-12-31", "day=x", "before=-1",
        "before=999999999999999999999", "before=x", "who=" + "a" * 3000,
    ):  # fmt: skip
        assert 200 == (await boss.get(f"/audit?{query}")).status_code, query

    read = [(row["target"], row["target_id"]) for row in room.rows(schema.audit, action="audit_read")]
    assert [("audit", "")] == read


async def test_it_turns_to_older_rows_and_back_to_the_newest(room, boss):
    def add(tx):
        for number in range(repo_audit.PAGE_ROWS):
            append(tx, actor="boss", action="shift_started", target="shift", target_id="boss", at=room.now + number)

    room.core.store.write_now(add)
    first = await boss.get("/audit?kind=shift")
    assert "کهنه‌تر" not in first.text
    whole = await boss.get("/audit")
    older = re.search(r'href="(/audit\?before=\d+)"[^>]*>کهنه‌تر', whole.text)[1]
    second = await boss.get(older)

    assert repo_audit.PAGE_ROWS == len(rows_of(whole))
    assert ["شیفت را آغاز کرد", "وارد شد"] == rows_of(second)
    assert "تازه‌ترین‌ها" in second.text
    assert "تازه‌ترین‌ها" not in whole.text


async def test_where_nothing_is_found_it_says_so(room, boss):
    assert "چنین ردیفی نیست." in (await boss.get("/audit?kind=system")).text


async def test_only_who_reads_cases_is_led_to_one(room, visit, boss):
    mina = room.staff("mina", "supervisor")
    case_id = room.cry()
    room.claim(mina, case_id)

    assert f"/cases/{case_id}" in (await (await visit("mina")).get("/audit")).text
    assert f"/cases/{case_id}" not in (await boss.get("/audit")).text
