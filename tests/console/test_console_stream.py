"""The live stream as a browser hears it: what was missed, what is another desk's, when it ends."""

import json

import httpx
import pytest

from bot.core.clock import SystemClock
from bot.store import schema
from escalation.console import stream

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


def test_looks_are_frequent_enough_for_a_revoked_sign_in():
    assert stream.LOOK_S + stream.GATHER_S < 5
