"""A running core whose seconds are free: the real loops on an event loop that jumps to its next timer, one thread."""

import asyncio
import os
import selectors
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from fakes.health import health_of

from bot.core.clock import VirtualClock
from bot.core.messages import InboundMsg, TextInput
from bot.handlers.webchat import WebChannel
from bot.health import HealthWatch
from bot.health.facts import WATCH_SIGN
from bot.sender import Sender
from escalation.office import Office
from escalation.sweeper import keep_sweeping


class JumpyClock(VirtualClock):
    """A virtual clock whose wall time may be set wrong."""

    def jump(self, seconds):
        """Set the wall clock; monotonic seconds go on as before."""
        self._now += timedelta(seconds=seconds)


class _JumpingSelector(selectors.SelectSelector):
    """Instead of waiting for the next timer, moves the clock to it."""

    def __init__(self, clock):
        super().__init__()
        self._clock = clock

    def select(self, timeout=None):
        found = super().select(0)
        if not found and timeout:
            self._clock.advance(timeout)
        return found


class _HereAndNow(Executor):
    """Runs what is meant for a thread at once, on ours."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - the caller's to see
            future.set_exception(error)
        return future


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on a virtual clock."""

    def __init__(self, clock):
        self._clock = clock
        super().__init__(_JumpingSelector(clock))

    def time(self):
        return self._clock.monotonic()

    def run_in_executor(self, _executor, func, *args):
        return asyncio.wrap_future(_HereAndNow().submit(func, *args), loop=self)


@dataclass
class House:
    """A core with its loops, as `panah run` has them, and health looking at it."""

    core: object
    clock: JumpyClock
    directory: object
    health: HealthWatch = None
    way_out: bool = True
    loops: dict = field(default_factory=dict)
    tasks: dict = field(default_factory=dict)

    def __post_init__(self):
        core = self.core
        self.office = Office(keyring=core.keyring, bus=core.bus, new_id=core.ids)
        web = WebChannel(core.store, core.keyring, core.bus)
        kept = {"store": core.store, "keyring": core.keyring, "bus": core.bus, "clock": core.clock}
        self.loops = {
            "beats": lambda: core.beats.run(core.store, core.log, pulse=self._pulse),
            "waiting": core.waiting.run,
            "timers": core.timers.run,
            "sweeper": lambda: keep_sweeping(core.store, self.office, core.clock, core.log, core.beats),
            "sender": lambda: Sender(web, **kept, log=core.log, beats=core.beats).run(),
            "watch": self._watch,
        }
        self.health = health_of(
            core.store,
            core.clock,
            self.directory,
            beats=core.beats,
            oldest_arrival=core.inbox.oldest,
            has_way_out=lambda: self.way_out,
        )

    @property
    def now_ms(self):
        return int(self.clock.now().timestamp() * 1000)

    def _pulse(self):
        self.core.worker.kick()  # by name at each pulse: a story may break it

    async def _watch(self):
        """Give the alert loop's sign, as its own process does."""
        sign = self.directory / WATCH_SIGN
        while True:
            sign.touch()
            os.utime(sign, (self.clock.now().timestamp(),) * 2)
            await asyncio.sleep(2)

    def start(self, *names):
        for name in names or self.loops:
            self.tasks[name] = asyncio.get_running_loop().create_task(self.loops[name]())

    def stop(self, name):
        self.tasks.pop(name).cancel()

    def sql(self, statement, *values):
        self.core.store.write_now(lambda tx: tx.raw.execute(statement, values))

    def say(self, text, who="sara"):
        message = InboundMsg(
            channel="web",
            external_id=who,
            provider_id=self.core.ids(),
            input=TextInput(text),
            received_at=self.clock.now(),
        )
        return self.core.inbox.put(message)

    async def red(self):
        return {check.key for check in (await self.health.look()).red}

    async def seconds_until(self, wanted, most=200):
        """Live on until health is as wanted; give how long that took."""
        begun = self.clock.monotonic()
        while self.clock.monotonic() - begun < most:
            if wanted(await self.red()):
                return self.clock.monotonic() - begun
            await asyncio.sleep(1)
        pytest.fail(f"after {most} s health is {await self.red() or 'green'}")


@pytest.fixture
def clock():
    return JumpyClock(datetime(2026, 11, 21, 23, 30, tzinfo=UTC))


@pytest.fixture
def house(make_core, clock, tmp_path):
    return House(make_core(), clock, tmp_path)


@pytest.fixture
def live(house, clock):
    """Run a story in the house: `live(story)`; its loops are running and all is green when it begins."""

    def run(story):
        async def whole():
            house.start()
            await asyncio.sleep(12)
            assert await house.red() == set()
            await story()
            for task in house.tasks.values():
                task.cancel()

        with asyncio.Runner(loop_factory=lambda: VirtualLoop(clock)) as runner:
            runner.run(whole())

    return run
