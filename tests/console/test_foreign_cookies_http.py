"""Cookies know no ports: what other programs of the host leave in a browser breaks no page and signs nobody out."""

FOREIGN = (
    "a/b=1", "{a}=1", 'a="b', 'a={"j": 1}', "[x]=1", "x", "path=/", "expires=1", "=", "a(b)=1", "long=" + "x" * 6000,
)  # fmt: skip


async def test_a_cookie_of_another_program_neither_breaks_the_queue_nor_signs_her_out(room, visit):
    room.staff("mina")
    mina = await visit("mina")
    own = "; ".join(f"{name}={value}" for name, value in mina.http.cookies.items())

    for foreign in FOREIGN:
        assert 200 == (await mina.get("/", cookie=f"{foreign}; {own}")).status_code, foreign
        assert 200 == (await mina.get("/", cookie=f"{own}; {foreign}")).status_code, foreign


async def test_the_door_stands_open_to_who_comes_with_nothing_else(visit):
    stranger = visit()
    for foreign in FOREIGN:
        assert 200 == (await stranger.get("/login", cookie=foreign)).status_code, foreign
