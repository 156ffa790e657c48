"""The console's quiet duties: yes or no for watchers, numbers, links that are over, where a role lands, what a reading is."""

import re
from dataclasses import replace

import httpx
import pytest
from starlette.routing import Route

from bot.store import schema
from escalation.console import Shell, build_console

CODE = "nosuchcode"


async def test_who_watches_from_outside_gets_yes_or_no_and_not_a_word_more(visit):
    for path in ("/healthz", "/readyz"):
        answer = await visit().get(path)
        assert (200, {"ok": True}) == (answer.status_code, answer.json())


async def test_looking_at_health_is_no_use_of_the_console(room, visit):
    room.staff("ada", "admin")
    visitor = await visit("ada")
    seen = room.rows(schema.staff_sessions)[0]["seen_at"]
    room.core.clock.advance(300)
    await visitor.get("/health")
    await visitor.get("/health/dot")
    assert seen == room.rows(schema.staff_sessions)[0]["seen_at"]


async def test_the_metrics_answer_only_to_their_token_and_are_well_formed(room, visit):
    assert 404 == (await visit().get("/metrics")).status_code
    room.core.beats.beat("sender:web")
    room.core.store.write_now(room.core.beats.write)
    room.cry()
    app = build_console(replace(room.deps, settings=replace(room.deps.settings, metrics_token="t" * 20)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console.test") as outside:
        assert 401 == (await outside.get("/metrics", headers={"authorization": "Bearer ü".encode()})).status_code
        answer = await outside.get("/metrics", headers={"authorization": "Bearer " + "t" * 20})
    lines = answer.text.splitlines()
    number = re.compile(r'(panah_[a-z_]+)(\{[a-z]+="[a-z0-9_:T-]+"(,[a-z]+="[a-z0-9_:]+")*\})? (\d[\d.e+]*)')

    assert "text/plain; version=0.0.4; charset=utf-8" == answer.headers["content-type"]
    assert [] == [line for line in lines if not line.startswith("# ") and not number.fullmatch(line)]
    assert {"panah_turns_total 1", 'panah_cases_open{tier="T1",state="queued"} 1'} <= set(lines)
    assert 'panah_alarm{condition="urgent"} 0' in lines
    assert 'panah_beat_age_seconds{loop="sender:web"} 0' in lines


async def test_the_metrics_hold_no_word_of_a_person(room, visit):
    room.staff("mina")
    room.cry(text="شوهرم داره منو می‌زنه کلمهٔ نشان")
    text = await room.deps.health.metrics()
    case = room.rows(schema.cases)[0]

    assert text.isascii()
    assert not any(word in text for word in (case["id"], case["code"], case["contact_id"], "mina"))


async def test_an_invitation_names_its_account_and_a_used_one_says_so_before_the_form(room, visit):
    room.staff("ada", "admin")
    admin = await visit("ada")
    invited = {"username": "nasrin", "name": "نسرین", "roles": "counsellor"}
    path = re.search(r"/invite/[^<\"]+", (await admin.post("/staff/invite", invited)).text)[0]
    guest = visit()
    form = await guest.get(path)
    await guest.post(path, {"password": "another long phrase", "again": "another long phrase"})
    used = await guest.get(path)

    assert 'value="nasrin"' in form.text
    assert (410, False) == (used.status_code, "password" in used.text)
    assert "پیوند تازه" in used.text
    assert 410 == (await guest.get(f"/first/{CODE}")).status_code


async def test_a_link_for_a_colleague_begins_with_the_address_that_is_set(room, visitor_class):
    room.staff("ada", "admin")
    settings = replace(room.deps.settings, console_url="https://console.example.org:8443/")
    admin = await visitor_class(build_console(replace(room.deps, settings=settings))).sign_in("ada")
    page = await admin.post("/staff/invite", {"username": "nasrin", "name": "نسرین", "roles": "counsellor"})
    await admin.http.aclose()

    assert re.search(r"https://console\.example\.org:8443/invite/[a-z0-9]+", page.text)


@pytest.mark.parametrize(("role", "home"), [("flow_admin", "/flows/"), ("reviewer", "/flows/"), ("admin", "/staff")])
async def test_whoever_works_no_queue_lands_where_her_work_is(room, visitor_class, role, home):
    async def scripts(request):
        return Shell().page(request, "error.html", {"heading": "", "words": "", "back": "/", "back_label": ""})

    room.staff("nava", role)
    app = build_console(replace(room.deps, extra_routes=(Route("/", scripts),)))
    visitor = await visitor_class(app).sign_in("nava")

    assert home == (await visitor.get("/")).headers["location"]
    await visitor.http.aclose()


async def test_an_open_page_that_refreshes_itself_is_one_reading_for_five_minutes(room, visit):
    mina = room.staff("mina")
    case_id = room.cry()
    visitor = await visit("mina")

    async def refreshed(seconds):
        room.core.clock.advance(seconds)
        await visitor.get(f"/cases/{case_id}", **{"x-live": "1"})
        return [row["action"] for row in room.rows(schema.audit, target_id=case_id) if row["action"] != "claimed"]

    await visitor.get(f"/cases/{case_id}")
    assert ["glanced"] == await refreshed(10)
    room.claim(mina, case_id)
    assert ["glanced", "read"] == await refreshed(1)  # more is shown than before: written at once
    assert ["glanced", "read"] == await refreshed(299)
    assert ["glanced", "read", "read"] == await refreshed(2)
    await visitor.get(f"/cases/{case_id}")
    assert ["glanced", "read", "read", "read"] == await refreshed(1)  # opening it anew is a reading of its own
