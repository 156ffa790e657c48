"""Whole installations on empty directories, and their databases to look into."""

import asyncio
import itertools
import json
import re
import sqlite3
import time

import psycopg
import pytest
from stores import STORES
from system.harness import Panah, free_port

#: Words of people and counsellors in these tests that stand in no script.
SAID = ("داره منو می‌زنه", "مادرم می‌روم", "خواهرم", "همسایه", "حمامم", "مینا هستم", "+989120000001")


_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def install(tmp_path_factory):
    """Give a maker of running installations: `install(PANAH_…=…)`, or with `program=(…)`; all stop with the module."""
    made = []

    def installed(*, started=True, **settings):
        if STORES.kind == "postgres":  # as past one machine, but with Redis stopped
            url = STORES.cluster.create(f"system{next(_NUMBERS)}")
            settings = {"PANAH_DATABASE": url, "PANAH_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0", **settings}
        panah = Panah(tmp_path_factory.mktemp("panah") / "var", **settings)
        made.append(panah)
        return panah.start() if started else panah

    yield installed
    for panah in made:
        if panah.process is not None:
            panah.stop()
            assert_nothing_leaked(panah)


def assert_nothing_leaked(panah):
    """Whatever a module's people wrote: no word of it in the log, none readable on the disk, no secret anywhere."""
    secrets = [value for name, value in panah.settings.items() if name.endswith(("_TOKEN", "_SECRET"))]
    assert not re.search("[\u0600-\u06ff]", panah.log)
    assert not [secret for secret in secrets if secret in panah.log]
    server = {"the server's log": (STORES.cluster.folder / "log").read_bytes()} if STORES.kind == "postgres" else {}
    for place, content in {**dict(panah.stored()), **server}.items():
        for words in (*SAID, *secrets):
            assert words.encode() not in content, place
            assert json.dumps(words)[1:-1].encode() not in content, place


@pytest.fixture(scope="session")
def rows():
    """Give a reader of an installation's database: `rows(panah, "SELECT …")`."""

    def read(panah, sql, *values):
        if panah.database:
            with psycopg.connect(panah.database) as connection:
                return connection.execute(sql.replace("?", "%s"), values or None).fetchall()
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
