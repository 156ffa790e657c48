"""Her language on the page in front of the whole core: chosen by her alone, and gone with what was shown."""

import itertools
import re

import httpx
import pytest

from bot.languages import spoken_in
from bot.settings import Settings
from bot.web.app import build_citizen
from bot.web.citizen import CitizenDeps

CRY = "مێردەکەم لێم دەدا"
_numbers = itertools.count(1)


@pytest.fixture
def browser(make_core, bundle, tmp_path):
    core = make_core(tmp_path / "page.db", threaded=True, bundle=spoken_in(bundle, ("fa", "ckb")))
    deps = CitizenDeps(
        store=core.store, keyring=core.keyring, inbox=core.inbox, bus=core.bus, clock=core.clock,
        settings=Settings(languages="fa,ckb"),
    )  # fmt: skip
    return httpx.AsyncClient(transport=httpx.ASGITransport(build_citizen(deps)), base_url="http://page.test")


async def say(browser, text):
    form = {"t": text, "n": f"{next(_numbers):016}"}
    return (await browser.post("/", data=form, follow_redirects=True)).text


async def choose_kurdish(browser):
    for text in ("سلام", "نه، فقط خودم", "زبان", "کوردی"):
        page = await say(browser, text)
    return page


async def test_a_kurdish_cry_alone_changes_no_language(browser):
    await browser.get("/")
    page = await say(browser, CRY)

    assert "همین حالا" in page
    assert '<html lang="fa" dir="rtl">' in page


async def test_after_she_chose_kurdish_her_cry_is_answered_on_a_kurdish_page(browser):
    await browser.get("/")
    chosen = await choose_kurdish(browser)
    page = await say(browser, CRY)

    assert '<html lang="ckb" dir="rtl">' in chosen
    assert '<html lang="ckb" dir="rtl">' in page
    assert 'placeholder="لێرە بنووسن"' in page
    assert re.search(r'پەیوەندی بە <a href="tel:110">110</a>', page)


async def test_a_page_opened_anew_is_persian_again_until_it_shows_something_of_hers(browser):
    await browser.get("/")
    await choose_kurdish(browser)
    await say(browser, CRY)
    anew = (await browser.get("/", headers={"Sec-Fetch-Site": "none"})).text

    assert '<html lang="fa" dir="rtl">' in anew
    assert "ckb" not in anew
    assert CRY not in anew
