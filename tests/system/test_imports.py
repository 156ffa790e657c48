"""The plain start: what it does not load, and that a second one beside it says so and ends."""

import asyncio
import json

import pytest
from system.harness import Panah, free_port
from system.visitor import Visitor

pytestmark = pytest.mark.sqlite

#: Providers' libraries, the shared bus, HTTP clients and validators: only what is configured may load its own.
COSTLY = {"aiogram", "telegram", "twilio", "rasa_sdk", "redis", "aiohttp", "httpx", "pydantic", "pytest", "playwright"}

#: What checks, compiles and edits scripts, reads YAML, makes tables: nothing of it before somebody edits or publishes.
OURS = {
    "bot.engine.checks",
    "bot.engine.explore",
    "bot.engine.loader",
    "bot.simulator",
    "bot.talks",
    "bot.web.studio",
    "bot.web.studio_checks",
    "escalation.watch",
    "escalation.watch_policy",
    "alembic",
    "ruamel",
    "ruamel.yaml",
}

#: `panah run` itself; when it has ended in good order it says what it had loaded.
TOLD = """
import atexit, json, sys
from bot.cli import main
atexit.register(lambda: print("LOADED " + json.dumps(sorted(sys.modules)), flush=True))
sys.argv = ["panah", "run"]
raise SystemExit(main())
"""


@pytest.fixture(scope="module")
def panah(install):
    return install()


async def test_a_start_without_settings_loads_no_providers_library(install):
    plain = await asyncio.to_thread(install, program=("-c", TOLD))
    async with Visitor(plain) as she:
        assert "110" in await she.say("شوهرم داره منو می‌زنه")
    assert await asyncio.to_thread(plain.stop) == 0

    await asyncio.to_thread(plain.start)
    assert await asyncio.to_thread(plain.stop) == 0

    lines = [line for line in plain.log.splitlines() if line.startswith("LOADED ")]
    assert len(lines) == 2  # the first start, which made the tables and published the scripts, and an ordinary one
    for line in lines:
        loaded = json.loads(line.removeprefix("LOADED "))
        assert set() == OURS & set(loaded)
        names = {name.split(".")[0] for name in loaded}
        assert {"bot", "escalation", "sqlite3", "starlette"} <= names
        assert set() == names & COSTLY


def test_a_second_start_on_the_same_directory_ends_with_one_sentence(panah):
    other = Panah(panah.var)

    ended = other.command("run")

    assert ended.returncode == 2
    [sentence] = ended.stderr.splitlines()
    assert sentence.startswith("panah: ")
    assert "another Panah process is using this data directory" in sentence
    assert ended.stdout == ""


def test_a_second_start_on_the_same_ports_ends_with_one_sentence(panah, tmp_path):
    other = Panah(
        tmp_path / "var",
        PANAH_WEB_PORT=panah.web.rsplit(":", 1)[1],
        PANAH_CONSOLE_PORT=str(free_port()),
    )

    ended = other.command("run")

    assert ended.returncode == 2
    [sentence] = ended.stderr.splitlines()
    assert "PANAH_WEB_PORT" in sentence
