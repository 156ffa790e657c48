"""What stands on her page of her own doing: what she read on a button, and of her words nothing that somebody may not learn."""

import itertools
import re

import httpx
import pytest

from bot.settings import Settings
from bot.web.app import build_citizen
from bot.web.citizen import CitizenDeps

_numbers = itertools.count(1)


@pytest.fixture
def browser(make_core, tmp_path):
    core = make_core(tmp_path / "page.db", threaded=True)
    deps = CitizenDeps(
        store=core.store, keyring=core.keyring, inbox=core.inbox, bus=core.bus, clock=core.clock, settings=Settings()
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(build_citizen(deps)), base_url="http://page.test")


async def send(browser, **form):
    return (await browser.post("/", data={**form, "n": f"{next(_numbers):016}"}, follow_redirects=True)).text


async def press(browser, page, label):
    [data] = re.findall(rf'name="p" value="([^"]+)"[^>]*>{label}</button>', page)
    return await send(browser, p=data)


async def test_a_button_of_a_number_stays_a_number_on_a_page_that_somebody_may_see(browser):
    await browser.get("/")
    await send(browser, t="سلام")
    page = await send(browser, t="بله، شاید")
    pressed = await press(browser, page, "3")

    assert '<li class="mine"><p dir="auto">3</p>' in pressed
    assert "از کسی می‌ترسم" not in pressed


async def test_a_button_with_words_stays_as_she_read_it(browser):
    await browser.get("/")
    page = await send(browser, t="سلام")
    pressed = await press(browser, page, "نه، فقط خودم")

    assert "نه، فقط خودم" in pressed
    assert "…" not in pressed
