"""Whole installations on empty directories, and their databases to look into."""

import asyncio
import sqlite3
import time

import pytest
from system.harness import Panah


@pytest.fixture(scope="module")
def install(tmp_path_factory):
    """Give a maker of running installations: `install(PANAH_…=…)`, or with `program=(…)`; all stop with the module."""
    made = []

    def installed(*, started=True, **settings):
        panah = Panah(tmp_path_factory.mktemp("panah") / "var", **settings)
        made.append(panah)
        return panah.start() if started else panah

    yield installed
    for panah in made:
        if panah.process is not None:
            panah.stop()


@pytest.fixture(scope="session")
def rows():
    """Give a reader of an installation's database: `rows(panah, "SELECT …")`."""

    def read(panah, sql, *values):
        with sqlite3.connect(f"file:{panah.var / 'panah.db'}?mode=ro", uri=True) as connection:
            found = connection.execute(sql, values).fetchall()
        connection.close()
        return found

    return read


@pytest.fixture(scope="session")
def until():
    """Give a waiter for facts that nothing announces: `await until(lambda: …)`; gives what the fact gave."""

    async def wait(fact, within_s=15.0):
        deadline = time.monotonic() + within_s
        while not (found := fact()):
            assert time.monotonic() < deadline, "it never came true"
            await asyncio.sleep(0.03)
        return found

    return wait
