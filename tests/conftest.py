"""What many tests share: the package's scripts and lexicon, compiled once, and a whole core on a virtual clock."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect
from stores import STORES

from bot.app import Core, build_core
from bot.bus import InProcessBus
from bot.content import PACKAGE_FLOWS, OneVersion, lines_of, load_screener
from bot.core.clock import VirtualClock
from bot.core.ids import seeded_ids
from bot.engine.loader import load_bundle
from bot.engine.model import Bundle
from bot.store.crypto import ephemeral_keyring
from bot.store.database import Store
from bot.telemetry import configure
from bot.triage import Screener

#: Pages look again by themselves every five seconds, on a busy machine later.
expect.set_options(timeout=15_000)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let one run of many areas use the other database."""
    parser.addoption("--store", choices=("sqlite", "postgres"), default="sqlite", help="where the tests' rows live")


def pytest_configure(config: pytest.Config) -> None:
    """Note the choice before anything is made."""
    config.addinivalue_line(
        "markers", "sqlite: about SQLite itself, or about what only one process does; not on PostgreSQL"
    )
    STORES.kind = config.getoption("--store")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, not skip, what is no question on PostgreSQL."""
    if config.getoption("--store") == "sqlite":
        return
    out = [item for item in items if item.get_closest_marker("sqlite")]
    config.hook.pytest_deselected(items=out)
    items[:] = [item for item in items if not item.get_closest_marker("sqlite")]


def pytest_unconfigure() -> None:
    """Stop the server, if one was started."""
    STORES.close()


@pytest.fixture(autouse=True)
def _databases() -> Iterator[None]:
    """Drop a test's PostgreSQL databases behind it."""
    yield
    STORES.end_test()


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
        store = STORES.open(path, threaded=threaded)
        stores.append(store)
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
