"""The live stream as a browser hears it: what was missed, what is another desk's, when it ends."""

import asyncio
import json

import httpx
import pytest

from bot.core.clock import SystemClock
from bot.store import schema
from escalation import reading
from escalation.console import stream
from escalation.console.looks import Looks

PHRASE = "a long enough phrase"


@pytest.fixture
def clock():
    """Use real time: a stream waits in it."""
    return SystemClock()


@pytest.fixture
async def listen(room, served):
    """Give a reader of the stream: `listen("mina", after=3)` hears until the first beat."""
    clients = []

    async def heard(username, *, after, until="beat"):
        session = await room.accounts.login(username=username, password=PHRASE, address="test")
        client = httpx.AsyncClient(base_url=served.url, cookies={"panah-staff": session.token}, timeout=10)
        clients.append(client)
        events = []
        async with client.stream("GET", "/stream", headers={"last-event-id": str(after)}) as answer:
            assert 200 == answer.status_code
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name in {"id", "event"}:
                    events.append((name, value))
                elif name == "data":
                    events.append((name, json.loads(value)))
                if (name, value) == ("event", until):
                    break
        return events

    yield heard
    for client in clients:
        await client.aclose()


def changes(events):
    """Give the numbers of the changes in the order heard, without the opening `ready`."""
    numbers = [int(value) for name, value in events if name == "id"]
    return numbers[1:]


async def test_a_reconnect_hears_exactly_what_it_missed_in_order(room, listen):
    room.staff("mina")
    for who in ("sara", "zahra", "narges"):
        room.cry(who)
    numbers = sorted(row["id"] for row in room.rows(schema.case_events))

    assert numbers[1:] == changes(await listen("mina", after=numbers[0]))
    assert [] == changes(await listen("mina", after=numbers[-1]))


async def test_a_desk_hears_its_own_cases_only(room, listen):
    room.staff("tehran", province="IR-23")
    room.staff("mashhad", province="IR-09")
    case_id = room.cry()
    room.core.store.write_now(
        lambda tx: tx.execute(schema.cases.update().values(province="IR-09", desk="IR-09")) and None
    )

    assert case_id not in str(await listen("tehran", after=0))
    assert case_id in str(await listen("mashhad", after=0))


async def test_the_stream_carries_codes_and_no_words(room, listen):
    room.staff("mina")
    room.cry(text="شوهرم داره منو می‌زنه کلمهٔ نشان")
    events = await listen("mina", after=0)

    assert "نشان" not in json.dumps(events, ensure_ascii=False)
    expected = {"case", "change", "urgent", "mine", "state", "words"}  # words: the dot's own
    assert expected == {key for name, value in events if name == "data" for key in value}


async def test_streams_that_heard_as_far_share_one_read_and_each_sees_its_own(room, clock):
    room.cry()
    looks = Looks(room.core.store, clock)
    found = await asyncio.gather(*(looks.after(0, woken=True) for _ in range(100)))
    tehran, mashhad = room.staff("tehran", province="IR-23"), room.staff("mashhad", province="IR-09")
    room.core.store.write_now(lambda tx: tx.execute(schema.cases.update().values(desk="IR-09")) and None)
    later = await looks.after(-1, woken=True)

    assert 1 == len({id(one) for one in found})
    assert [] == list(reading.feed_of(later, actor=tehran, now_ms=room.now).events)
    assert room.rows(schema.cases)[0]["id"] in reading.alarm_of(later, actor=mashhad, now_ms=room.now).urgent


@pytest.mark.parametrize("province", ["", "IR-23", "IR-09"])
async def test_what_is_read_for_all_gives_each_what_she_would_have_read_alone(room, clock, province):
    mina, other = room.staff("mina", province=province), room.staff("other", province="IR-09")
    for who in ("sara", "zahra", "narges"):
        room.cry(who)
    taken, moved, *_ = [row["id"] for row in room.rows(schema.cases)]
    room.core.store.write_now(
        lambda tx: tx.execute(schema.cases.update().where(schema.cases.c.id != moved).values(desk="IR-09")) and None
    )
    room.claim(other, taken)
    shared = await Looks(room.core.store, clock).after(0, woken=True)
    alone = room.core.store.read_now(
        lambda db: (
            reading.feed_since(db, actor=mina, last_id=0, now_ms=room.now),
            reading.queue(db, actor=mina, now_ms=room.now),
        )
    )

    assert alone[0] == reading.feed_of(shared, actor=mina, now_ms=room.now)
    urgent = {row.id for row in alone[1] if row.tier == "T1" and row.state == "queued"}
    assert urgent == set(reading.alarm_of(shared, actor=mina, now_ms=room.now).urgent)


async def test_a_stream_says_that_it_is_here_at_least_every_three_seconds(room, listen):
    room.staff("mina")
    events = await listen("mina", after=0, until="here")

    assert ("event", "here") == events[-1]


def test_looks_are_frequent_enough_for_a_revoked_sign_in():
    assert stream.LOOK_S + stream.GATHER_S < 5
