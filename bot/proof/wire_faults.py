"""The twenty-eight single faults of an installation on SQLite, each real: a signal, a limit, a lock, a wire, a provider.

What a fault does is done from outside the process; only the wrong clock and the full database need its switches
(PANAH_FAULT=dir:…). Those of PostgreSQL are in bot.proof.wire_postgres_faults.
"""

import asyncio
import contextlib
import os
import resource
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from bot.proof.crash_alert import signal_watch
from bot.proof.full_disk import FULL, HUNGRY, STRUCK
from bot.proof.installation import StartError
from bot.proof.ledger import Failure
from bot.proof.wire import Trouble
from bot.proof.wire_site import Site

Act = Callable[[Site], Awaitable[None]]
_DAY_S = 86_400.0
#: Beyond the end of every piece on the wire: its last byte, such as the bracket that ends an answer.
_LAST = 2**30
#: A switch is obeyed within this time.
_OBEYED_S = 10.0


async def _nothing(_site: Site) -> None:
    """The tools that lie about are enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: how it strikes, how it is healed, what may be asked while it lasts.

    `is_open`: a message still gets in and its case must be on the queue's page while the fault lasts. `may_double`: a
    provider's yes can be lost, so a text may come out once more. `shows`: what the log must say of it while it lasts,
    or it has struck nothing. `is_wordy`: her message needs more room than what is left. `reddens`: it lasts until the
    process says that it cannot take a message in, once. `own_server`: it strikes the server of PostgreSQL itself. `is_apart`: each moment has an installation of its own.
    `is_brief`: it is over in a moment, and others may strike the same installation behind it.
    """

    name: str
    acts: tuple[Act, Act]  #: striking and healing
    lasts_s: float = 3.0
    is_open: bool = False
    may_double: bool = False
    may_expire: bool = False
    by_sms: bool = False
    with_redis: bool = False
    shows: str = ""
    is_wordy: bool = False
    reddens: bool = False
    on_postgres: bool = False
    own_server: bool = False
    is_apart: bool = False
    is_brief: bool = False

    @property
    def strike(self) -> Act:
        """Bring it about."""
        return self.acts[0]

    @property
    def heal(self) -> Act:
        """Take it away, beside the tools that are put away anyway."""
        return self.acts[1]


def _sync(act: Callable[[Site], object]) -> Act:
    async def run(site: Site) -> None:
        await asyncio.to_thread(act, site)

    return run


def _here(act: Callable[[Site], object]) -> Act:
    async def run(site: Site) -> None:
        act(site)

    return run


def _fails(method: str, failure: Failure) -> tuple[Act, Act]:
    async def strike(site: Site) -> None:
        site.ledger.fails[method] = failure

    async def heal(site: Site) -> None:
        site.ledger.fails.clear()

    return strike, heal


def _wire(trouble: Trouble) -> tuple[Act, Act]:
    return _here(lambda site: site.wire.be(trouble)), _here(lambda site: site.wire.heal())


def _clock(seconds: float) -> tuple[Act, Act]:
    return (
        _here(lambda site: site.installation.shift_clock(seconds)),
        _here(lambda site: site.installation.shift_clock(0)),
    )


async def _restart(site: Site) -> None:
    await site.installation.start()


async def _kill(site: Site) -> None:
    await site.installation.kill()


async def _forget_names(site: Site) -> None:
    """A start while the provider's name cannot be resolved: .invalid never can be (RFC 6761)."""
    site.installation.environment["PANAH_TELEGRAM_API"] = f"http://telegram.invalid:{site.wire.port}"
    await site.installation.stop()
    await site.installation.start()


async def _remember_names(site: Site) -> None:
    site.installation.environment["PANAH_TELEGRAM_API"] = site.wire.url
    await site.installation.stop()
    await site.installation.start()


def _switch(site: Site, name: str) -> None:
    """Turn one of bot.proof.full_disk's switches on, and wait until it is obeyed."""
    switch = site.installation.switches / name
    struck = switch.with_suffix(STRUCK)
    struck.unlink(missing_ok=True)
    switch.touch()
    site.tools.callback(switch.unlink, missing_ok=True)
    deadline = time.monotonic() + _OBEYED_S
    while not struck.exists() and time.monotonic() < deadline:
        time.sleep(0.01)


def _no_memory(site: Site) -> None:
    """What is used is all that may be used, and the process holds on to what was left in the gaps."""
    pages = int(Path(f"/proc/{site.pid}/statm").read_text("ascii").split()[0])
    site.limit(resource.RLIMIT_AS, pages * os.sysconf("SC_PAGESIZE"))
    _switch(site, HUNGRY)


async def _read_only(site: Site) -> None:
    """Start on a data directory in which nothing may be written, as after a disk that was mounted again in haste."""
    await site.installation.kill()
    modes: dict[Path, int] = {}
    for place in [site.installation.var, *site.installation.var.rglob("*")]:
        with contextlib.suppress(FileNotFoundError):  # the alert process lives, and SQLite's own files come and go
            if not place.is_socket():
                modes[place] = place.stat().st_mode
                place.chmod(0o500 if place.is_dir() else 0o400)

    def back() -> None:
        for place, mode in modes.items():
            with contextlib.suppress(FileNotFoundError):
                place.chmod(mode)

    site.tools.callback(back)
    with contextlib.suppress(StartError):
        await site.installation.start()


def _no_files(site: Site) -> None:
    site.limit(resource.RLIMIT_NOFILE, max(int(entry.name) for entry in Path(f"/proc/{site.pid}/fd").iterdir()) + 1)


def _redis_down(site: Site) -> None:
    assert site.redis is not None
    site.redis.stop()


async def _redis_up(site: Site) -> None:
    assert site.redis is not None
    await site.redis.start()


async def _keep_flushing(site: Site) -> None:
    assert site.redis is not None
    redis = site.redis

    async def flush() -> None:
        while True:
            await asyncio.to_thread(redis.flush)
            await asyncio.sleep(0.1)

    task = asyncio.create_task(flush())
    site.tools.callback(task.cancel)


async def _doubles(site: Site) -> None:
    site.ledger.doubles_updates = True


async def _singles(site: Site) -> None:
    site.ledger.doubles_updates = False


def _end_watch(site: Site) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal_watch(site.installation, signal.SIGKILL)


FAULTS: tuple[Fault, ...] = (
    Fault(name="provider half-open", acts=_wire(Trouble(half_open=True)), may_double=True),
    Fault(name="provider black hole", acts=_wire(Trouble(black_hole=True)), lasts_s=5.0, may_double=True),
    Fault(name="database locked", acts=(_sync(Site.lock), _nothing), lasts_s=12.0),
    Fault(
        name="database full",
        acts=(_sync(lambda site: _switch(site, FULL)), _nothing),
        shows="OperationalError",
        is_wordy=True,
    ),
    Fault(
        name="disk full", acts=(_sync(lambda site: site.limit(resource.RLIMIT_FSIZE, 4096)), _nothing), may_double=True
    ),
    Fault(name="file handles used up", acts=(_sync(_no_files), _nothing), may_double=True),
    Fault(
        name="memory used up", acts=(_sync(_no_memory), _nothing), may_double=True, shows="MemoryError", is_wordy=True
    ),
    Fault(name="data directory read-only", acts=(_read_only, _nothing), may_double=True, shows="panah: "),
    Fault(name="processors busy", acts=(_sync(lambda site: site.spin(3)), _nothing), is_open=True),
    Fault(name="engine dead", acts=(_kill, _restart), may_double=True),
    Fault(name="engine hung", acts=(_here(lambda site: site.freeze(site.pid)), _nothing), lasts_s=4.0, may_double=True),
    Fault(name="alert process dead", acts=(_sync(_end_watch), _nothing), is_open=True),
    Fault(name="console crowded by slow clients", acts=(_sync(lambda site: site.crowd(40)), _nothing), is_open=True),
    Fault(name="clock a day ahead", acts=_clock(_DAY_S), is_open=True, may_expire=True),
    Fault(name="clock a day behind", acts=_clock(-_DAY_S), is_open=True, may_expire=True),
    Fault(name="names not resolved", acts=(_forget_names, _remember_names), may_double=True),
    Fault(name="Redis down", acts=(_sync(_redis_down), _redis_up), is_open=True, with_redis=True),
    Fault(name="Redis flushed", acts=(_keep_flushing, _nothing), is_open=True, with_redis=True),
    Fault(name="Redis slow", acts=_wire(Trouble(latency_s=1.5, jitter_s=1.0)), is_open=True, with_redis=True),
    Fault(name="provider 429", acts=_fails("sendMessage", Failure(status=429, retry_after_s=2)), is_open=True),
    Fault(name="provider 5xx", acts=_fails("*", Failure(status=502))),
    Fault(name="provider cut", acts=_wire(Trouble(reset=True)), may_double=True),
    Fault(name="provider cut in the answer", acts=_wire(Trouble(cut_after=40)), may_double=True),
    Fault(
        name="provider garbles answers", acts=_wire(Trouble(corrupt_at=_LAST)), may_double=True, shows="bad_response"
    ),
    Fault(name="provider slow", acts=_wire(Trouble(latency_s=0.5, jitter_s=0.5, bytes_per_s=4000)), is_open=True),
    Fault(name="provider doubles updates", acts=(_doubles, _singles), is_open=True),
    Fault(name="SMS credit used up", acts=_fails("sms", Failure(status=401)), is_open=True, by_sms=True),
    Fault(name="SMS 5xx", acts=_fails("sms", Failure(status=503)), is_open=True, by_sms=True),
)
