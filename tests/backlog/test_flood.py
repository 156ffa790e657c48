"""More than can be taken at once: who goes first, who is refused before acceptance, and that nothing accepted is lost."""

import asyncio
import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.messages import InboundMsg, TextInput
from bot.inbox import NotStoredError, OverloadedError
from bot.inbox_order import choose, lane, mark_followed
from bot.inbox_room import LEAST, START, Room

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
_numbers = itertools.count(1)


@dataclass
class Waiting:
    message: InboundMsg
    urgent: bool = False
    contact_id: str = ""
    more_waits: bool = False


def message(who="a", *, ago_s=0, text="سلام"):
    return InboundMsg(
        channel="telegram",
        external_id=who,
        provider_id=f"f{next(_numbers)}",
        input=TextInput(text),
        received_at=NOW,
        sent_at=NOW - timedelta(seconds=ago_s),
    )


crowds = st.lists(
    st.builds(
        lambda who, ago_s, urgent: Waiting(message(who, ago_s=ago_s), urgent=urgent),
        st.sampled_from("abcdefgh"),
        st.sampled_from((0, 60, 3600, 7200, 36_000)),
        st.booleans(),
    ),
    max_size=60,
)


@settings(deadline=None, max_examples=200)
@given(crowds, st.integers(1, 20))
def test_in_any_crowd_nobody_is_lost_and_one_persons_messages_stay_in_order(waiting, most):
    taken_in_all = []
    left = list(waiting)
    while left:
        taken, left = choose(left, most, NOW)
        assert 1 <= len(taken) <= most
        taken_in_all += taken

    assert sorted(map(id, waiting)) == sorted(map(id, taken_in_all))
    for who in {lane(one) for one in waiting}:
        assert [one for one in waiting if lane(one) == who] == [one for one in taken_in_all if lane(one) == who]


def test_danger_goes_before_the_timely_and_the_timely_before_the_late_the_newest_of_them_first():
    old, newer, timely, urgent = (
        Waiting(message("old", ago_s=7200)),
        Waiting(message("newer", ago_s=3600)),
        Waiting(message("timely")),
        Waiting(message("urgent", ago_s=9000), urgent=True),
    )

    taken, left = choose([old, newer, timely, urgent], 3, NOW)

    assert ["urgent", "timely", "newer"] == [one.message.external_id for one in taken]
    assert [old] == left


def test_a_share_of_each_batch_is_kept_for_what_is_late_so_that_it_moves_too():
    crowd = [Waiting(message(f"t{number}")) for number in range(50)] + [Waiting(message("late", ago_s=3600))]

    taken, _ = choose(crowd, 8, NOW)

    assert "late" in [one.message.external_id for one in taken]


def test_only_the_last_late_message_of_a_person_is_not_followed():
    batch = [Waiting(message(who, ago_s=3600)) for who in "abaa"]

    mark_followed(batch, NOW)

    assert [True, False, True, False] == [one.more_waits for one in batch]


@pytest.fixture
def core(make_core, tmp_path):
    """A core as it runs in production: what does not fit one batch is taken by the writer's thread, batch by batch."""
    return make_core(tmp_path / "panah.db", threaded=True)


async def accept(core, *messages):
    return await core.inbox.accept_batch(list(messages))


def fill(core):
    """Let the inbox be as full as it may be, while the worker is held, and give who waits. A slow disk comes first."""
    for _ in range(4):
        core.inbox.room.took(1, left=1)
        core.clock.advance(10)
        core.inbox.room.took(1, left=0)
    core.worker._kicked = True
    return [core.inbox.put(message(f"crowd {number}", text="1")) for number in range(core.inbox.room.size)]


def release(core):
    core.worker._kicked = False
    core.worker.kick()


def rows(core, sql):
    return [tuple(row) for row in core.store.read_now(lambda db: db.exec_driver_sql(sql).all())]


def test_an_overload_is_refused_before_acceptance_and_leaves_nothing(core):
    fill(core)

    with pytest.raises(OverloadedError):
        asyncio.run(accept(core, message("stranger")))

    assert core.inbox.room.size == len(core.inbox)
    release(core)


def test_whoever_has_an_urgent_case_is_never_refused(core):
    asyncio.run(accept(core, message("known", text="شوهرم داره منو می‌زنه")))
    crowd = fill(core)

    async def write_and_release():
        waiting = asyncio.create_task(accept(core, message("known", text="در را قفل کرده‌ام")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        release(core)
        return await waiting

    (accepted,) = asyncio.run(write_and_release())
    for one in crowd:  # whoever has a case went before them: they may be turned in a later batch
        one.done.result(timeout=30)

    assert not accepted.duplicate
    assert [(len(crowd) + 2,)] == rows(core, "SELECT count(*) FROM inbox WHERE state = 'done'")


def test_a_cry_is_let_in_where_small_talk_is_refused_and_offered_again_it_is_known(core):
    fill(core)
    talk, cry = message("x"), message("y", text="داره منو می‌زنه")

    async def offer():
        waiting = asyncio.create_task(accept(core, talk, cry))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        release(core)
        with pytest.raises(NotStoredError):
            await waiting
        return await accept(core, talk, cry)

    first, second = asyncio.run(offer())

    assert (False, True) == (first.duplicate, second.duplicate)
    assert [("T1",)] == rows(core, "SELECT tier FROM cases")


def test_a_slow_disk_makes_the_room_smaller_and_a_fast_one_larger(clock):
    room = Room(clock, 12.0)
    sizes = [room.size]
    for seconds in (2.56, 2.56, 0.01, 0.01):  # 100 a second, then 25,600
        room.took(256, left=1)
        clock.advance(seconds)
        room.took(256, left=0)
        sizes.append(room.size)

    assert sizes[2] < sizes[1] < START < sizes[4]
    assert LEAST <= sizes[2]


#: The whole burst is 20,000 (`panah bench`, docs/measurements.md); CI takes a part of it.
BURST = 6_000


def test_a_burst_loses_nothing_accepted_and_answers_within_the_deadline(core):
    refused = 0

    async def offer(number):
        nonlocal refused
        text = "شوهرم داره منو می‌زنه" if number % 500 == 0 else "1"
        one = message(f"p{number % 3000}", text=text)
        while True:
            try:
                return await core.inbox.accept(one)
            except OverloadedError:
                refused += 1
                await asyncio.sleep(1)

    async def burst():
        return await asyncio.gather(*(offer(number) for number in range(BURST)))

    accepted = asyncio.run(burst())

    assert BURST == len(accepted)
    assert [] == [one for one in accepted if one.duplicate or one.deferred]
    assert [(BURST,)] == rows(core, "SELECT count(*) FROM inbox WHERE state = 'done'")
    assert [(BURST // 1000,)] == rows(core, "SELECT count(DISTINCT contact_id) FROM cases WHERE tier = 'T1'")
    assert refused
