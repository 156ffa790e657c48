"""Health of a whole installation: a hung alert loop and a provider that fails turn it red, and it heals by itself."""

import asyncio
import os
import re
import signal
import subprocess
import urllib.error
import urllib.request

import pytest
import pytest_asyncio
from fakes.telegram_api import FakeTelegram
from fakes.telegram_state import Failure

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "555:people-token"
METRICS = "a-token-for-the-scraper"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def telegram():
    async with FakeTelegram(TOKEN) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def panah(telegram, install):
    running = install(
        started=False,
        PANAH_TELEGRAM_TOKEN=TOKEN,
        PANAH_TELEGRAM_API=telegram.url,
        PANAH_METRICS_TOKEN=METRICS,
        PANAH_ALERT_COMMAND="/bin/true",
    )
    await asyncio.to_thread(running.start)
    yield running
    await asyncio.to_thread(running.stop)


async def red(panah):
    """Give the conditions that are red, as Prometheus hears them."""
    wanted = urllib.request.Request(f"{panah.console}/metrics", headers={"Authorization": f"Bearer {METRICS}"})
    text = await asyncio.to_thread(lambda: urllib.request.urlopen(wanted, timeout=10).read().decode())
    return set(re.findall(r'panah_alarm\{condition="(\w+)"\} 1', text))


def answer(url):
    """Give status and body of a page that anybody may ask."""
    try:
        with urllib.request.urlopen(url, timeout=10) as found:
            return found.status, found.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


async def becomes(panah, wanted):
    """Look until it is as wanted, for long on a busy machine; that it takes thirty seconds is proved in tests/health."""
    seen = set()
    async with asyncio.timeout(90):
        while True:
            now = await red(panah)
            seen |= now
            if wanted(seen, now):
                return
            await asyncio.sleep(0.5)


def watch_process(panah):
    children = subprocess.run(
        ["pgrep", "-P", str(panah.process.pid), "-f", "watch"], capture_output=True, text=True, check=True
    )
    return int(children.stdout.split()[0])


async def test_a_hung_alert_loop_and_a_failing_provider_are_red_and_heal(panah, telegram):
    await becomes(panah, lambda _, now: not now)
    for port in (panah.web, panah.console):
        for path in ("healthz", "readyz"):
            assert (200, b'{"ok":true}') == await asyncio.to_thread(answer, f"{port}/{path}")
    bot, watch = telegram.bot(TOKEN), watch_process(panah)
    os.kill(watch, signal.SIGSTOP)
    bot.fail("getUpdates", *(Failure(status=502) for _ in range(5)))
    bot.user(42).say("سلام")  # ends the poll that is under way
    await becomes(panah, lambda seen, _: seen == {"watch", "provider"})
    os.kill(watch, signal.SIGCONT)
    await becomes(panah, lambda _, now: not now)
