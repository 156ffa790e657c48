"""A browser that was signed in before, over HTTP: strangers who guess do not keep it out; its owner can end that."""

import re

from console.conftest import PASSWORD

from bot.store import schema
from escalation.devices import KNOWN_DAYS
from escalation.passwords import TRIES_IN_ALL, TRIES_PER_ACCOUNT

COOKIE = "panah-device"


async def guess(room, visit):
    """Let strangers guess until the door is closed to new browsers."""
    stranger = visit()
    for number in range(TRIES_IN_ALL):
        name = "mina" if number < TRIES_PER_ACCOUNT else f"n{number}"
        stranger.http._transport.client = (f"9.9.{number}.1", 1)
        answer = await stranger.post("/login", {"username": name, "password": "x"})
        assert answer.status_code in {403, 429}
    assert 429 == (await visit().post("/login", {"username": "mina", "password": PASSWORD})).status_code


def devices_of(page):
    return re.findall(r'name="device" value="([0-9a-f]{16})"', page)


async def test_who_was_in_before_gets_in_while_strangers_guess(room, visit):
    room.staff("mina")
    mina = await visit("mina")
    await mina.post("/logout")
    mina._csrf = ""
    await guess(room, visit)

    await mina.sign_in("mina")
    assert 200 == (await mina.get("/me")).status_code
    assert 2 == len([row for row in room.rows(schema.audit) if row["action"] == "signed_in"])


async def test_the_device_cookie_is_hidden_bound_and_given_only_after_a_full_sign_in(room, visit):
    room.staff("mina")
    wrong = await visit().post("/login", {"username": "mina", "password": "نادرست نادرست"})
    right = await visit().post("/login", {"username": "mina", "password": PASSWORD})
    [cookie] = [line for line in right.headers.get_list("set-cookie") if line.startswith(COOKIE)]

    assert COOKIE not in str(wrong.headers)
    assert f"HttpOnly; Max-Age={KNOWN_DAYS * 86_400}; Path=/; SameSite=strict" in cookie
    assert cookie.partition("=")[2].partition(";")[0] not in str(room.rows(schema.staff_devices))


async def test_a_device_is_listed_to_its_owner_alone_and_ended_by_her_alone(room, visit):
    for name in ("mina", "leila"):
        room.staff(name)
    here, there, hers = await visit("mina"), await visit("mina"), await visit("leila")
    page = (await here.get("/me")).text
    assert 2 == len(devices_of(page))
    foreign = devices_of((await hers.get("/me")).text)[0]
    for name in (foreign, "%", "", foreign[:3]):
        await here.post("/me/devices/end", {"device": name})
    assert 3 == len(room.rows(schema.staff_devices))

    await here.post("/me/devices/end", {"device": "others"})
    mine = devices_of((await here.get("/me")).text)
    assert 1 == len(mine)
    assert "این‌جا" in (await here.get("/me")).text
    await there.post("/logout")
    there._csrf = ""
    await guess(room, visit)
    again = await there.post("/login", {"username": "mina", "password": PASSWORD})
    assert 429 == again.status_code
    await here.post("/me/devices/end", {"device": mine[0]})
    assert [] == devices_of((await here.get("/me")).text)


async def test_a_colleagues_fresh_link_lets_in_a_new_browser_while_strangers_guess(room, visit):
    room.staff("root", "admin")
    mina = room.staff("mina")
    link = await room.accounts.renew_invite(actor=room.staff("second", "admin"), staff_id=mina.staff_id)
    await guess(room, visit)
    fresh = visit()
    phrase = PASSWORD + "!"
    set_it = await fresh.post(f"/invite/{link}", {"password": phrase, "again": phrase})

    assert (303, "/login?said=ready") == (set_it.status_code, set_it.headers["location"])
    assert "گذرواژه گذاشته شد." in (await fresh.get("/login?said=ready")).text
    await fresh.sign_in("mina", phrase)


async def test_the_first_admins_link_signs_her_in_while_strangers_guess(room, visit):
    room.staff("mina")
    code = await room.accounts.first_admin_code()
    await guess(room, visit)
    stranger, boss = visit(), visit()
    fields = {"name": "مدیر", "username": "boss", "password": PASSWORD, "again": PASSWORD}
    made_up = await stranger.post(f"/first/{code[::-1]}", fields)
    made = await boss.post(f"/first/{code}", fields)

    assert [410, 303, "/staff"] == [made_up.status_code, made.status_code, made.headers.get("location")]
    assert 200 == (await boss.get("/staff")).status_code
    await boss.post("/logout")
    boss._csrf = ""
    await boss.sign_in("boss", PASSWORD)  # and her browser is known from now on
    assert 429 == (await visit().post("/login", {"username": "boss", "password": PASSWORD})).status_code
