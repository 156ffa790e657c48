"""Locking, idleness, the list of one's sign-ins, and the end of a disabled colleague, over HTTP."""

import re

from console.conftest import PASSWORD

from bot.store import schema


def names_of(page):
    return re.findall(r'name="session" value="([0-9a-f]{16})"', page)


async def test_an_idle_console_locks_and_goes_on_with_the_password_alone_until_the_day_is_over(room, visit):
    room.staff("mina")
    visitor = await visit("mina")
    room.core.clock.advance(15 * 60)
    led = await visitor.get("/me")
    assert "/login?next=/me" == led.headers["location"]
    assert "/unlock?next=/me" == (await visitor.get("/login?next=/me")).headers["location"]
    refused = await visitor.post("/unlock", {"password": "نادرست نادرست", "next": "/me"})
    assert 403 == refused.status_code

    before = visitor.http.cookies["panah-staff"]
    opened = await visitor.post("/unlock", {"password": PASSWORD, "next": "/me"})
    assert (303, "/me") == (opened.status_code, opened.headers["location"])
    assert before != visitor.http.cookies["panah-staff"]
    assert 200 == (await visitor.get("/me")).status_code
    room.core.clock.advance(8 * 3600 - 15 * 60)
    assert "/login?next=/" == (await visitor.get("/")).headers["location"]
    assert 200 == (await visitor.get("/login")).status_code


async def test_logging_out_has_the_browser_forget(room, visit):
    room.staff("mina")
    visitor = await visit("mina")
    answer = await visitor.post("/logout")

    assert '"cache", "storage"' == answer.headers["clear-site-data"]
    assert [] == room.rows(schema.staff_sessions)


async def test_one_sees_ones_own_sign_ins_only_and_ends_them(room, visit):
    room.staff("mina")
    room.staff("leila")
    agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 <b>"
    here, there, hers = visit(), visit(), visit()
    for visitor, name in ((here, "mina"), (there, "mina"), (hers, "leila")):
        visitor.http.headers["user-agent"] = agent
        await visitor.sign_in(name)
    page = (await here.get("/me")).text
    assert 2 == len(names_of(page)) == page.partition('id="devices"')[0].count("Chrome، Linux")
    foreign = names_of((await hers.get("/me")).text)[0]
    await here.post("/me/sessions/end", {"session": foreign})
    await here.post("/me/sessions/end", {"session": "%"})
    await here.post("/me/sessions/end", {"session": ""})
    assert 3 == len(room.rows(schema.staff_sessions))

    await here.post("/me/sessions/end", {"session": "others"})
    assert 303 == (await there.get("/me")).status_code
    assert 200 == (await here.get("/me")).status_code == (await hers.get("/me")).status_code
    mine = names_of((await here.get("/me")).text)[0]
    assert "/login" == (await here.post("/me/sessions/end", {"session": mine})).headers["location"]
    assert 1 == len(room.rows(schema.staff_sessions))


async def test_a_sign_in_that_waits_reaches_no_page_and_no_act(room, visit):
    room.staff("mina")
    case_id = room.cry()
    visitor = await visit("mina")
    await visitor.post("/lock")
    for path in ("/", f"/cases/{case_id}", "/me", "/second", "/health/dot"):
        assert 303 == (await visitor.get(path)).status_code, path
    for path in ("/take", f"/cases/{case_id}/claim", "/me/password", "/second/begin", "/lock", "/stream/alive"):
        assert 401 == (await visitor.post(path)).status_code, path
    assert "queued" == room.case(case_id)["state"]


async def test_the_cookie_is_bound_to_the_host_behind_tls(room, visit):
    room.staff("mina")
    answer = await visit().post("/login", {"username": "mina", "password": PASSWORD, "next": "/"})

    assert "HttpOnly; Path=/; SameSite=strict" in answer.headers["set-cookie"]
