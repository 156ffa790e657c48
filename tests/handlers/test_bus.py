import asyncio
import contextlib
import threading

import pytest
from fakes.log import RecordingLog
from fakes.redis_server import RedisServer
from fakes.waiting import until
from stores import stores_of

from bot.bus import InProcessBus
from bot.bus_postgres import PostgresBus
from bot.bus_redis import RedisBus
from bot.bus_shared import CHANNEL


@pytest.fixture
async def redis(tmp_path):
    server = RedisServer(tmp_path)
    await server.start()
    yield server
    await server.kill()


@pytest.fixture
async def connect(log_lines):
    """Give running buses of a server; `await connect(url, "a")`."""

    async with contextlib.AsyncExitStack() as stack:

        async def start(url, name):
            kind = RedisBus if url.startswith("redis") else PostgresBus
            bus = kind(url, log=RecordingLog(log_lines), name=name)
            task = asyncio.create_task(bus.run())

            async def stop():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

            stack.push_async_callback(stop)
            return bus

        yield start


@pytest.fixture
def postgres():
    with stores_of("postgres") as stores:
        yield stores.cluster.url("postgres")


@pytest.fixture(
    params=["in_process", "one_redis_bus", "two_redis_buses", "redis_away", "one_postgres_bus", "two_postgres_buses"]
)
async def buses(request, connect, tmp_path):
    """Give who publishes and who listens: every kind of bus keeps the same contract."""
    if request.param == "in_process":
        bus = InProcessBus()
        bus.bind(asyncio.get_running_loop())
        yield bus, bus
        return
    server = RedisServer(tmp_path)
    if "redis_bus" in request.param:
        await server.start()
    url = request.getfixturevalue("postgres") if "postgres" in request.param else server.url
    first = await connect(url, "a")
    second = await connect(url, "b") if request.param.startswith("two") else first
    await until(lambda: request.param == "redis_away" or (first.is_connected and second.is_connected))
    yield first, second
    await server.kill()


async def test_a_listener_hears_its_topic(buses):
    publisher, listener = buses
    with listener.subscribe("cases", "inbox") as hints:
        publisher.publish("cases")

        assert await hints.wait(5)


async def test_a_hint_given_while_nobody_waits_is_not_lost(buses):
    publisher, listener = buses
    with listener.subscribe("cases") as hints, listener.subscribe("cases") as others:
        publisher.publish("cases")
        assert await others.wait(5)

        assert await hints.wait(5)


async def test_a_listener_does_not_hear_other_topics(buses):
    publisher, listener = buses
    with listener.subscribe("case:1") as hints, listener.subscribe("case:2") as others:
        publisher.publish("case:2", "inbox")
        assert await others.wait(5)

        assert not await hints.wait(0.01)


async def test_a_hint_may_be_given_from_any_thread(buses):
    publisher, listener = buses
    with listener.subscribe("outbox") as hints:
        thread = threading.Thread(target=publisher.publish, args=("outbox",))
        thread.start()

        assert await hints.wait(5)
        thread.join()


async def test_one_hint_wakes_once(buses):
    publisher, listener = buses
    with listener.subscribe("flows") as hints:
        publisher.publish("flows")
        assert await hints.wait(5)

        assert not await hints.wait(0.05)


async def test_a_burst_of_hints_reaches_every_topic(buses):
    publisher, listener = buses
    with contextlib.ExitStack() as stack:
        hints = [stack.enter_context(listener.subscribe(f"contact:{n}")) for n in range(50)]
        for n in range(50):
            publisher.publish(f"contact:{n}")

        assert all([await one.wait(5) for one in hints])


async def test_hints_go_on_locally_while_redis_is_away_and_between_processes_when_it_is_back(redis, connect, log_lines):
    first, second = await connect(redis.url, "a"), await connect(redis.url, "b")
    await until(lambda: first.is_connected and second.is_connected)

    await redis.kill()
    await until(lambda: not first.is_connected and not second.is_connected)
    with first.subscribe("cases") as here:
        first.publish("cases")
        assert await here.wait(5)

    await redis.start()
    await until(lambda: first.is_connected and second.is_connected)
    with second.subscribe("inbox") as there:
        first.publish("inbox")
        assert await there.wait(5)
    assert {"redis_is_away", "redis_is_connected"} <= {line["event"] for line in log_lines}


async def test_what_strangers_put_on_the_channel_is_passed_over(redis, connect):
    bus = await connect(redis.url, "a")
    await until(lambda: bus.is_connected)
    with bus.subscribe("cases") as hints:
        for raw in ("junk", "[" * 5000, '{"a": 1}', "[]", '["b", 5, null]', '["b", "cases"]'):
            await bus._redis.publish(CHANNEL, raw)

        assert await hints.wait(5)
    assert bus.is_connected


async def test_hints_go_on_locally_when_postgresql_drops_us_and_between_processes_when_it_is_back(
    postgres, connect, log_lines
):
    first, second = await connect(postgres, "a"), await connect(postgres, "b")
    await until(lambda: first.is_connected and second.is_connected)

    drop = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'panah-hints'"
    with stores_of("postgres") as stores:
        await asyncio.to_thread(stores.cluster.execute, drop)
    with first.subscribe("cases") as here:
        first.publish("cases")
        assert await here.wait(5)

    await until(lambda: sum(line["event"] == "hints_are_connected" for line in log_lines) == 4)
    with second.subscribe("inbox") as there:
        first.publish("inbox")
        assert await there.wait(5)
    assert 2 == sum(line["event"] == "hints_are_away" for line in log_lines)


async def test_ten_thousand_topics_at_once_are_hints_that_postgresql_takes(postgres, connect):
    first, second = await connect(postgres, "a"), await connect(postgres, "b")
    await until(lambda: first.is_connected and second.is_connected)
    with second.subscribe("last") as hints:
        first.publish(*(f"contact:{n:0180}" for n in range(10_000)), "last")

        assert await hints.wait(30)
    assert first.is_connected


class LeakingRedis:
    """A client whose library lets a cancellation of its own out, as under a timeout that came too late."""

    def __init__(self):
        self.asked = 0

    def pubsub(self):
        self.asked += 1
        raise asyncio.CancelledError

    async def aclose(self):
        pass


async def test_a_cancellation_that_leaks_from_the_client_ends_nothing_and_a_real_one_does(log_lines):
    bus = RedisBus("redis://127.0.0.1:9/0", log=RecordingLog(log_lines), name="a")
    await bus._redis.aclose()
    bus._redis = LeakingRedis()
    task = asyncio.create_task(bus.run())

    await until(lambda: bus._redis.asked > 1)
    assert not task.done()
    assert {line["code"] for line in log_lines if line["event"] == "redis_is_away"} == {"CancelledError"}

    task.cancel()
    await asyncio.wait([task], timeout=5)
    assert task.cancelled()


async def test_who_came_first_is_woken_first():
    bus, woken = InProcessBus(), []

    async def listen(number):
        with bus.subscribe("outbox") as hints:
            await hints.wait(30)
            woken.append(number)

    waiting = [asyncio.create_task(listen(number)) for number in range(100)]
    await asyncio.sleep(0)
    bus.publish("outbox")
    await asyncio.gather(*waiting)

    assert list(range(100)) == woken
