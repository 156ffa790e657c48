"""Who may reach what on the console's port: every route, every role, every way to come with a wrong token."""

import re
from dataclasses import replace

import httpx
import pytest
from starlette.routing import Mount, Route

from bot.store import schema
from escalation.accounts import INVITE_MS
from escalation.console import NavEntry, Shell, build_console
from escalation.console.app import ANYBODY, OPEN, ROUTES, WAITING
from escalation.console.wording import when
from escalation.policy import POLICY, ROLES
from escalation.repo_staff import link_chat, linked_chats

CODE = "nosuchcode"
PHRASE = "a long enough phrase"
LOGIN = {"username": "mina", "password": PHRASE}


def address(path, case_id="nosuchcase"):
    return path.replace("{case_id:str}", case_id).replace("{staff_id:str}", "nobody").replace("{code:str}", CODE)


def endless(path):
    return path == "/stream"


def test_every_route_of_the_application_stands_in_the_table(room):
    built = {
        (method, route.path)
        for route in room.app.routes
        if isinstance(route, Route)
        for method in route.methods - {"HEAD"}
    }
    mounts = [route.path for route in room.app.routes if isinstance(route, Mount)]

    assert {(method, path) for method, path, *_ in ROUTES} == built
    assert ["/static"] == mounts


def test_every_need_of_the_table_is_a_pair_that_some_role_holds():
    pairs = {need for *_, need in ROUTES if need not in {OPEN, ANYBODY, WAITING}}

    assert pairs <= set().union(*POLICY.values())


async def test_a_stranger_is_led_to_the_door_everywhere(visit):
    visitor = visit()
    for method, path, _, need in ROUTES:
        if need is OPEN or endless(path):
            continue
        answer = await (visitor.get(address(path)) if method == "GET" else visitor.post(address(path)))

        assert answer.status_code in {303, 401}, path
        if method == "GET":
            assert answer.headers["location"].startswith("/login?next=/"), path


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_reaches_exactly_what_the_policy_gives_it(room, visit, role):
    room.staff("one", role)
    visitor = await visit("one")
    for method, path, _, need in ROUTES:
        if need in {OPEN, ANYBODY, WAITING} or endless(path):
            continue
        answer = await (visitor.get(address(path)) if method == "GET" else visitor.post(address(path)))

        assert (need in POLICY[role]) == (answer.status_code != 403), (path, answer.status_code)


@pytest.mark.parametrize(
    "wrong",
    [
        {"csrf": ""},
        {"csrf": "x" * 40},
        {"origin": "cross-site"},
        {"origin": "same-site"},
        {"origin": "none"},
    ],
    ids=str,
)
async def test_a_post_with_a_wrong_token_or_from_elsewhere_changes_nothing(room, visit, wrong):
    room.staff("mina")
    case_id = room.cry()
    visitor = await visit("mina")
    for method, path, *_ in ROUTES:
        if method == "POST":
            answer = await visitor.post(address(path, case_id), **wrong)

            assert 403 == answer.status_code, path
    assert "queued" == room.case(case_id)["state"]


async def test_without_fetch_metadata_the_origin_decides(room, visit):
    room.staff("mina")
    visitor = await visit("mina")
    csrf = await visitor.csrf()
    for origin, status in (("http://console.test", 303), ("http://evil.test", 403), ("null", 403), (None, 403)):
        headers = {} if origin is None else {"origin": origin}
        answer = await visitor.http.post("/shift", data={"csrf": csrf, "to": "on"}, headers=headers)

        assert status == answer.status_code, origin


async def test_one_persons_token_does_not_fit_anothers_session(room, visit):
    room.staff("mina")
    room.staff("leila")
    token = await (await visit("leila")).csrf()

    assert 403 == (await (await visit("mina")).post("/shift", {"to": "on"}, csrf=token)).status_code


async def test_another_provinces_case_does_not_exist_here(room, visit):
    room.staff("tehran", province="IR-23")
    room.staff("national")
    case_id = room.cry()
    room.core.store.write_now(
        lambda tx: tx.execute(schema.cases.update().values(province="IR-09", desk="IR-09")) and None
    )
    stranger, national = await visit("tehran"), await visit("national")
    missing = await stranger.get("/cases/nosuchcase")

    assert 404 == missing.status_code
    assert missing.text == (await stranger.get(f"/cases/{case_id}")).text.replace(case_id, "nosuchcase")
    assert 404 == (await stranger.post(f"/cases/{case_id}/claim")).status_code
    assert case_id not in (await stranger.get("/")).text
    assert 200 == (await national.get(f"/cases/{case_id}")).status_code


async def test_each_reading_of_a_case_is_written_down_and_its_words_wait_for_the_claim(room, visit):
    mina = room.staff("mina")
    case_id = room.cry(text="شوهرم داره منو می‌زنه کلمهٔ نشان")
    visitor = await visit("mina")
    glance = (await visitor.get(f"/cases/{case_id}")).text
    room.claim(mina, case_id)
    read = (await visitor.get(f"/cases/{case_id}")).text

    assert "نشان" not in glance
    assert "کلمهٔ نشان" in read
    done = [row["action"] for row in room.rows(schema.audit, target="case", target_id=case_id)]
    assert ["glanced", "claimed", "read"] == done


async def test_every_answer_carries_the_headers(room, visit):
    room.staff("mina")
    visitor = await visit("mina")
    for path in ("/", "/login", "/me", "/nowhere", "/cases/nosuchcase", "/static/console.css", "/healthz"):
        headers = (await visitor.get(path)).headers

        assert "default-src 'self'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"], path
        assert "DENY" == headers["x-frame-options"], path
        assert "no-referrer" == headers["referrer-policy"], path
        assert ("no-cache" if path.startswith("/static") else "no-store") == headers["cache-control"], path


async def test_no_page_holds_an_inline_script_style_or_foreign_address(room, visit):
    mina = room.staff("mina", "counsellor", "supervisor", "admin")
    case_id = room.cry()
    room.claim(mina, case_id)
    visitor = await visit("mina")
    for path in ("/", "/login", "/me", "/staff", f"/cases/{case_id}", "/nowhere", f"/invite/{CODE}"):
        text = (await visitor.get(path)).text

        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|https?://", text), path


async def test_the_cookie_is_for_this_host_alone(room, visit):
    room.staff("mina")
    visitor = visit()
    answer = await visitor.post("/login", LOGIN)
    cookie = answer.headers["set-cookie"].lower()

    assert all(part in cookie for part in ("panah-staff=", "httponly", "samesite=strict", "path=/"))


async def test_signing_out_clears_the_browser_and_ends_the_session(room, visit):
    room.staff("mina")
    visitor = await visit("mina")
    token = visitor.http.cookies["panah-staff"]
    answer = await visitor.post("/logout")

    assert '"cache", "storage"' == answer.headers["clear-site-data"]
    assert await room.accounts.peek(token) is None


@pytest.mark.parametrize("target", ["//evil.test", "https://evil.test", "/\\evil.test", "/login", "ا", "/a\nb"])
async def test_signing_in_leads_only_to_our_own_pages(room, visit, target):
    room.staff("mina")
    answer = await visit().post("/login", {**LOGIN, "next": target})

    assert "/" == answer.headers["location"]


async def test_a_wrong_password_is_told_kindly_and_guessing_is_stopped(room, visit):
    room.staff("mina")
    visitor = visit()
    answers = [await visitor.post("/login", {**LOGIN, "password": f"guess number {n}"}) for n in range(10)]

    assert "نام کاربری یا گذرواژه درست نیست." in answers[0].text
    assert 429 == answers[-1].status_code


async def test_the_first_admins_link_works_once_and_signs_her_in(room, visit):
    code = await room.accounts.first_admin_code()
    fields = {"name": "مدیر", "username": "boss", "password": PHRASE, "again": PHRASE}
    unlike = await visit().post(f"/first/{code}", {**fields, "again": "something else"})
    visitor = visit()
    made = await visitor.post(f"/first/{code}", fields)
    second = await visit().post(f"/first/{code}", {**fields, "username": "b2"})

    assert [422, 303, 410] == [unlike.status_code, made.status_code, second.status_code]
    assert 200 == (await visitor.get("/staff")).status_code
    assert ["boss"] == [row["username"] for row in room.rows(schema.staff)]


async def test_an_admin_invites_a_colleague_who_sets_her_password_and_works(room, visit):
    room.staff("boss", "admin")
    boss = await visit("boss")
    page = await boss.post(
        "/staff/invite", {"name": "لیلا", "username": "leila", "roles": "counsellor", "province": "IR-23"}
    )
    path = re.search(r"http://console\.test(/invite/[a-z0-9]+)", page.text)[1]
    phrase = "another long phrase"
    leila = visit()
    done = await leila.post(path, {"password": phrase, "again": phrase})
    await leila.sign_in("leila", phrase)

    assert "/login?said=ready" == done.headers["location"]
    assert 200 == (await leila.get("/")).status_code
    assert 403 == (await leila.post("/staff/invite")).status_code


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("username", {"username": "boss"}),
        ("username", {"username": "لیلا"}),
        ("name", {"name": " "}),
        ("roles", {"roles": ""}),
        ("roles", {"roles": "boss"}),
    ],
)
async def test_a_refused_invitation_says_which_field_is_meant_and_makes_nothing(room, visit, field, changes):
    room.staff("boss", "admin")
    boss = await visit("boss")
    entered = {"name": "لیلا", "username": "leila", "roles": "supervisor", "province": "IR-23", **changes}
    page = await boss.post("/staff/invite", entered)

    assert page.status_code in {409, 422}
    assert [field] == re.findall(r'id="mistake-(\w+)"', page.text)
    assert [] == [row for row in room.rows(schema.staff) if row["id"] != "boss"]


async def test_every_page_that_shows_a_link_for_a_password_says_until_when_it_works(room, visit):
    room.staff("boss", "admin")
    room.staff("mina")
    boss = await visit("boss")
    profile = {"name": "لیلا", "username": "leila", "roles": "counsellor", "province": ""}
    until = when(room.now + INVITE_MS)
    pages = [
        await boss.post("/staff/invite", profile),
        await boss.post("/staff/mina/link"),
        (await boss.post("/staff/mina/disable")) and await boss.post("/staff/mina/reopen"),
    ]

    assert [True] * 3 == ["/invite/" in page.text and until in page.text for page in pages]


async def test_changing_roles_holds_from_the_next_request(room, visit):
    room.staff("boss", "admin")
    room.staff("mina")
    boss, mina = await visit("boss"), await visit("mina")
    assert 403 == (await mina.get("/staff")).status_code
    await boss.post("/staff/mina/roles", {"roles": "admin", "province": ""})

    assert 200 == (await mina.get("/staff")).status_code
    assert "/staff" == (await mina.get("/")).headers["location"]


async def test_the_staff_bot_of_a_lost_phone_is_cut_off_by_an_admin_or_its_owner(room, visit):
    room.staff("boss", "admin")
    room.staff("mina")
    boss, mina = await visit("boss"), await visit("mina")
    for visitor, page, path in ((boss, "/staff", "/staff/mina/unlink"), (mina, "/me", "/me/staffbot/unlink")):
        assert "قطع تلگرام" not in (await visitor.get(page)).text
        room.core.store.write_now(lambda tx: link_chat(tx, staff_id="mina", chat_id="55"))
        assert "قطع تلگرام" in (await visitor.get(page)).text
        assert 200 == (await visitor.post(path)).status_code
        assert [] == room.core.store.read_now(linked_chats)
    assert 403 == (await mina.post("/staff/boss/unlink")).status_code

    cut = [row for row in room.rows(schema.audit) if row["action"] == "staffbot_unlinked"]
    assert [("boss", "mina"), ("mina", "mina")] == [(row["actor"], row["target_id"]) for row in cut]


async def test_a_disabled_colleague_is_out_at_once_and_her_case_waits_again(room, visit):
    room.staff("boss", "admin")
    mina = room.staff("mina")
    case_id = room.cry()
    room.claim(mina, case_id)
    visitor = await visit("mina")
    await (await visit("boss")).post("/staff/mina/disable")

    assert 303 == (await visitor.get("/")).status_code
    assert "queued" == room.case(case_id)["state"]


async def test_the_message_box_hears_the_reason_in_persian(room, visit):
    mina = room.staff("mina")
    case_id = room.cry()
    token = str(room.claim(mina, case_id).token)
    visitor, path = await visit("mina"), f"/cases/{case_id}/messages"
    fields = {"token": token, "text": "سلام", "command": "command01"}
    twice = [await visitor.post(path, fields, x_live="1") for _ in range(2)]
    stale = await visitor.post(path, {**fields, "token": "99", "command": "command02"}, x_live="1")
    empty = await visitor.post(path, {**fields, "text": " ", "command": "command03"}, x_live="1")

    assert [204, 204, 409, 422] == [answer.status_code for answer in (*twice, stale, empty)]
    assert "دیگر در دست شما نیست" in stale.json()["error"]
    assert 1 == len(room.rows(schema.messages, author="staff"))


async def test_a_bug_answers_with_a_persian_page_and_all_headers(room, visit):
    room.staff("mina")
    visitor = await visit("mina")
    room.core.store.write_now(lambda tx: tx.raw.execute("DROP TABLE shifts") and None)
    broken = httpx.AsyncClient(
        transport=httpx.ASGITransport(room.app, raise_app_exceptions=False),
        base_url="http://console.test",
        cookies=visitor.http.cookies,
    )
    async with broken:
        answer = await broken.get("/")

    assert 500 == answer.status_code
    assert "این خطا از ماست" in answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]


async def test_another_parts_routes_share_the_door_the_frame_and_the_token(room, tmp_path, visitor_class):
    (tmp_path / "part.html").write_text('{% extends "base.html" %}{% block main %}<b>{{ word }}</b>{% endblock %}')
    shell = Shell()

    async def page(request):
        shell.require(request, "flow", "view")
        return shell.page(request, "part.html", {"word": "<i>سناریو</i>"})

    routes = [Route("/", page, methods=["GET"]), Route("/save", page, methods=["POST"])]
    nav = (NavEntry(path="/flows/", label="سناریوها", target="flow", action="view"),)
    app = build_console(replace(room.deps, extra_routes=routes, extra_nav=nav, extra_templates=(tmp_path,)))
    room.staff("author", "flow_admin")
    room.staff("mina")
    visitors = [visitor_class(app) for _ in range(3)]
    await visitors[1].sign_in("author")
    await visitors[2].sign_in("mina")
    answers = [await visitor.get("/flows/") for visitor in visitors]

    assert [303, 200, 403] == [answer.status_code for answer in answers]
    assert "&lt;i&gt;سناریو" in answers[1].text
    assert 'href="/flows/" aria-current="page"' in answers[1].text
    assert "سناریوها" not in answers[2].text
    assert [403, 200] == [(await visitors[1].post("/flows/save", csrf=csrf)).status_code for csrf in ("", None)]
    for visitor in visitors:
        await visitor.http.aclose()


async def test_a_huge_body_is_refused_before_it_is_read_whole(room, visit):
    room.staff("mina")
    visitor = await visit("mina")
    answer = await visitor.post("/shift", {"to": "x" * 2_100_000})

    assert 413 == answer.status_code
