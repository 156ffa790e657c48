"""What processes share: one contract, in one process, over Redis, and while Redis is away."""

import asyncio
import contextlib

import pytest
from fakes.redis_server import RedisServer
from fakes.waiting import until
from redis.exceptions import ConnectionError  # noqa: A004 - what its client raises

from bot.core.channels import SendError
from bot.core.clock import SystemClock
from bot.core.ids import system_ids
from bot.handlers.pace import Pace
from bot.live import Bucket, Limit, OwnLive
from bot.live_redis import RedisLive

LONG_S = 600.0
#: Fills so slowly that no machine is slow enough to see it.
SLOW = 0.0001


class Ticks:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
async def redis(tmp_path):
    server = RedisServer(tmp_path)
    await server.start()
    yield server
    await server.kill()


@pytest.fixture
async def over():
    """Give a maker of ways over a Redis; patient, for a busy machine."""
    made = []

    def make(url, monotonic=None, patience_s=30.0):
        made.append(
            RedisLive(url, monotonic=monotonic or Ticks(), secret=b"s", new_id=system_ids, patience_s=patience_s)
        )
        return made[-1]

    yield make
    for live in made:
        await live.close()


@pytest.fixture(params=["own", "redis", "two over redis", "redis away"])
async def pair(request, over, tmp_path):
    """Give two processes' ways to what they share; the same one where there is one process."""
    if request.param == "own":
        own = OwnLive(Ticks())
        yield own, own
        return
    server = RedisServer(tmp_path)
    if request.param == "redis away":
        alone = over(server.url)
        yield alone, alone
        return
    await server.start()
    first = over(server.url)
    second = over(server.url) if request.param == "two over redis" else first
    await until_up(first)
    yield first, second
    await server.kill()


async def until_up(live):
    """Wait until the server takes connections."""
    while True:
        with contextlib.suppress(ConnectionError):
            await live._redis.ping()
            return
        await asyncio.sleep(0.05)


async def test_a_bucket_gives_what_is_in_it_and_then_says_how_long_to_wait(pair):
    bucket = Bucket(name="bot", most=4, per_s=SLOW)
    taken = [await pair[number % 2].take(bucket) for number in range(4)]

    assert [0.0] * 4 == taken
    assert 0 < await pair[0].take(bucket) <= 1 / SLOW
    assert 0 < await pair[1].take(bucket) <= 1 / SLOW
    assert 0.0 == await pair[0].take(Bucket(name="other", most=4, per_s=SLOW))


async def test_a_fifth_is_kept_for_who_leaves_nothing(pair):
    bulk, urgent = Bucket(name="bot", most=10, per_s=SLOW, keep=2), Bucket(name="bot", most=10, per_s=SLOW)
    for number in range(8):
        assert 0.0 == await pair[number % 2].take(bulk)

    assert 0 < await pair[0].take(bulk)
    assert [0.0, 0.0] == [await one.take(urgent) for one in pair]
    assert 0 < await pair[0].take(urgent)


async def test_of_two_buckets_both_give_or_none(pair):
    full, empty = Bucket(name="full", most=1, per_s=SLOW), Bucket(name="empty", most=1, per_s=SLOW)
    await pair[0].take(empty)

    assert 0 < await pair[0].take(full, empty)
    assert 0.0 == await pair[0].take(full)


async def test_a_bucket_that_is_held_gives_nothing_to_anybody(pair):
    bucket = Bucket(name="bot", most=10, per_s=10)
    await pair[0].hold("bot", LONG_S)
    await pair[0].hold("bot", 1)

    for one in pair:
        assert LONG_S / 2 < await one.take(bucket) <= LONG_S


async def test_tries_are_counted_together_and_all_or_none(pair):
    account, everybody = Limit(name="account", most=3), Limit(name="all", most=5)
    counted = [await pair[number % 2].try_once(account, everybody, window_s=LONG_S) for number in range(4)]

    assert [True, True, True, False] == counted
    assert [True, True, False] == [
        await pair[0].try_once(Limit(name=f"b{n}", most=9), everybody, window_s=LONG_S) for n in range(3)
    ]


async def test_a_name_that_is_forgiven_has_all_its_tries_again(pair):
    limit = Limit(name="account", most=2)
    for _ in range(2):
        await pair[0].try_once(limit, window_s=LONG_S)
    await pair[0].forgive("account")

    assert await pair[0].try_once(limit, window_s=LONG_S)


async def test_who_is_at_a_place_is_seen_by_the_others(pair):
    await pair[0].come("case:1", "mina", for_s=LONG_S)
    await pair[0].come("case:2", "nima", for_s=LONG_S)

    assert {"mina", "sara"} == await pair[1].come("case:1", "sara", for_s=LONG_S)


async def test_what_is_remembered_is_bounded():
    own = OwnLive(Ticks())
    for number in range(21_000):
        await own.take(Bucket(name=f"a{number}", most=1, per_s=1))
        await own.try_once(Limit(name=f"a{number}", most=1), window_s=1)

    assert (20_000, 20_000) == (len(own._buckets), len(own._tries))


async def test_time_fills_a_bucket_ends_a_window_and_empties_a_place():
    ticks = Ticks()
    own, bucket, limit = OwnLive(ticks), Bucket(name="b", most=2, per_s=1), Limit(name="l", most=1)
    for _ in range(2):
        await own.take(bucket)
    await own.try_once(limit, window_s=10)
    await own.come("place", "mina", for_s=10)
    assert 1.0 == await own.take(bucket)
    ticks.now = 10.0

    assert 0.0 == await own.take(bucket)
    assert await own.try_once(limit, window_s=10)
    assert {"sara"} == await own.come("place", "sara", for_s=10)


async def test_redis_fills_a_bucket_by_its_own_clock(redis, over):
    live = over(redis.url)  # our own clock stands, and its bucket with it
    await until_up(live)
    live._own = OwnLive(SystemClock().monotonic)
    bucket = Bucket(name="b", most=1, per_s=5)
    assert 0.0 == await live.take(bucket)

    waits = [await live.take(bucket)]
    while waits[-1] > 0:
        await asyncio.sleep(waits[-1])
        waits.append(await live.take(bucket))
    assert len(waits) < 50


async def test_no_name_of_anybody_reaches_redis(redis, over):
    live = over(redis.url)
    await until_up(live)
    await live.take(Bucket(name="address 1.2.3.4", most=1, per_s=1))
    await live.try_once(Limit(name="account sara", most=1), window_s=LONG_S)
    keys = [key.decode() for key in await live._redis.keys("*")]

    assert 2 == len(keys)
    assert all(key.startswith("panah:live:") and "sara" not in key and "1.2" not in key for key in keys)
    assert all([await live._redis.pttl(key) > 0 for key in keys])


async def test_redis_that_dies_is_away_and_our_own_counting_goes_on_where_it_was(redis, over):
    ticks = Ticks()
    live = over(redis.url, ticks)
    await until_up(live)
    bucket = Bucket(name="b", most=2, per_s=SLOW)
    await live.take(bucket)
    assert 0.0 == live.away_s
    await redis.kill()

    assert 0.0 == await live.take(bucket)  # the second, by our own
    assert 0 < await live.take(bucket)
    ticks.now += 16
    assert 16 == live.away_s
    await redis.start()
    await until_up(live)
    assert 0.0 == await live.take(Bucket(name="c", most=2, per_s=SLOW))
    assert 0.0 == live.away_s


async def test_redis_that_is_emptied_forgets_and_our_own_does_not(redis, over):
    live = over(redis.url)
    await until_up(live)
    await live.try_once(Limit(name="a", most=1), window_s=LONG_S)
    await live._redis.flushall()

    assert not await live.try_once(Limit(name="a", most=1), window_s=LONG_S)


async def test_redis_that_never_answers_costs_one_short_wait_and_is_then_left_alone(over):
    asked = 0

    async def swallow(reader, writer):
        nonlocal asked
        asked += 1
        while await reader.read(1000):
            pass
        writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    ticks = Ticks()
    live = over(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}", ticks, patience_s=0.1)
    for number in range(50):
        assert 0.0 == await live.take(Bucket(name=f"b{number}", most=1, per_s=1))
    ticks.now += 1

    assert 1 == live.away_s
    assert 1 >= asked
    server.close()


async def test_who_asks_now_and_then_learns_that_redis_is_back(redis, over):
    clock = SystemClock()
    live = over(redis.url, clock.monotonic)
    await redis.kill()
    task = asyncio.create_task(live.run())
    await until(lambda: live.away_s > 0)
    await redis.start()

    await until(lambda: live.away_s == 0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_senders_of_one_bot_keep_one_limit_and_an_urgent_text_finds_what_bulk_left():
    live = OwnLive(Ticks())  # a bucket of two that never fills again
    paces = [Pace(SystemClock(), per_s=0.05) for _ in range(4)]
    for pace in paces:
        pace.share(live, "bot")
    await paces[0].wait(urgent=False)

    with pytest.raises(SendError, match="throttled"):
        await paces[1].wait(urgent=False)
    await paces[2].wait(urgent=True)
    with pytest.raises(SendError, match="throttled"):
        await paces[3].wait(urgent=True)


async def test_a_bot_that_was_told_to_wait_waits_in_every_process():
    clock, live = SystemClock(), OwnLive(SystemClock().monotonic)
    told, other = Pace(clock, per_s=1000), Pace(clock, per_s=1000)
    for pace in (told, other):
        pace.share(live, "bot")
    told.hold(LONG_S)
    await until(lambda: "bot" in live._held)

    with pytest.raises(SendError):
        await other.wait(urgent=True)
