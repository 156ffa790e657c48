"""What many tests share: the package's scripts and lexicon, compiled once, and a whole core on a virtual clock."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect

from bot.app import Core, build_core
from bot.bus import InProcessBus
from bot.content import PACKAGE_FLOWS, OneVersion, lines_of, load_screener, load_screener
from bot.core.clock import VirtualClock
from bot.core.ids import seeded_ids
from bot.engine.loader import load_bundle
from bot.engine.model import Bundle
from bot.store import migrate
from bot.store.crypto import ephemeral_keyring
from bot.store.database import Store
from bot.telemetry import configure
from bot.triage import Screener

#: Pages look again by themselves every five seconds, on a busy machine later.
expect.set_options(timeout=15_000)

NIGHT = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)  # three in the morning in Tehran


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    loaded, _ = load_bundle(PACKAGE_FLOWS)
    assert loaded is not None
    return loaded


@pytest.fixture(scope="session")
def screener() -> Screener:
    return load_screener()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NIGHT)


CoreMaker = Callable[..., Core]


@pytest.fixture
def make_core(bundle: Bundle, screener: Screener, clock: VirtualClock) -> Iterator[CoreMaker]:
    """Give a maker of cores: in memory and without threads, or on a file (`path`), with a screener of your own."""
    stores: list[Store] = []

    def make(
        path: Path | None = None,
        *,
        screener: Screener = screener,
        staff: bool = True,
        bundle: Bundle = bundle,
        threaded: bool = False,
    ):
        store = Store(path, threaded=threaded)
        stores.append(store)
        migrate.upgrade(store.connection)
        return build_core(
            store=store,
            keyring=ephemeral_keyring(),
            bus=InProcessBus(),
            clock=clock,
            ids=seeded_ids(7),
            screener=screener,
            versions=OneVersion(bundle),
            lines=lambda: lines_of(bundle),
            log=configure(),
            staff_on=lambda _tx, _now: staff,
        )

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def core(make_core: CoreMaker) -> Core:
    return make_core()
