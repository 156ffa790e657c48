"""Who chose no word and comes back after long, or to a page opened anew: nothing of before is shown, by two channels."""

import itertools

import httpx
import pytest

from bot.core.messages import InboundMsg, TextInput
from bot.settings import Settings
from bot.web.app import build_citizen
from bot.web.citizen import CitizenDeps
from escalation.console.present_case import case_view
from escalation.office import Office
from escalation.page import read_case
from escalation.policy import Actor

OPENING = "برای شروع 1 را بفرستید"
CRY = "شوهرم داره منو می‌زنه"
HOURS = 3600
_numbers = itertools.count(1)


@pytest.fixture
def telegram(core):
    """Say something by Telegram; give the texts that come back."""

    def say(text):
        message = InboundMsg(
            channel="telegram", external_id="7", provider_id=str(next(_numbers)), input=TextInput(text),
            received_at=core.clock.now(),
        )  # fmt: skip
        return [reply.text for reply in core.inbox.put(message).done.result(20).replies]

    return say


def cases(core):
    return core.store.read_now(lambda db: [tuple(row) for row in db.exec_driver_sql("SELECT state, tier FROM cases")])


def test_by_telegram_the_case_stays_and_the_next_to_write_learns_nothing(core, telegram):
    telegram(CRY)
    core.clock.advance(13 * HOURS)

    assert [OPENING in text for text in telegram("سلام")] == [True]
    assert all("همکار" not in text for text in telegram("1"))
    assert cases(core) == [("queued", "T1")]


def test_by_telegram_a_new_cry_is_answered_in_full_and_rises_no_second_case(core, telegram):
    telegram(CRY)
    core.clock.advance(13 * HOURS)

    assert "110" in telegram(CRY)[0]
    assert cases(core) == [("queued", "T1")]


class Browser:
    """A citizen's page in front of the whole core."""

    def __init__(self, core):
        deps = CitizenDeps(
            store=core.store, keyring=core.keyring, inbox=core.inbox, bus=core.bus, clock=core.clock, settings=Settings()
        )  # fmt: skip
        self.core = core
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(build_citizen(deps)), base_url="http://page.test")

    def desk_sees(self):
        """Give what the case's page shows of her messages: the words, and whether they are from a page opened anew."""
        core, now_ms = self.core, int(self.core.clock.now().timestamp() * 1000)
        office = Office(keyring=core.keyring, bus=core.bus, new_id=core.ids)
        actor = Actor(staff_id="s", name="s", roles=frozenset({"supervisor"}))
        ((case_id,),) = core.store.read_now(lambda db: db.exec_driver_sql("SELECT id FROM cases").fetchall())
        page = core.store.write_now(lambda tx: read_case(tx, office, actor=actor, case_id=case_id, now_ms=now_ms))
        shown = case_view(page, actor=actor, now_ms=now_ms).messages
        return [(one.text, one.anew) for one in shown if one.author == "contact"]

    async def say(self, text):
        form = {"t": text, "n": f"{next(_numbers):016}"}
        return (await self.client.post("/", data=form, follow_redirects=True)).text


@pytest.fixture
def browser(make_core, tmp_path):
    return Browser(make_core(tmp_path / "page.db", threaded=True))


async def test_a_page_opened_anew_a_minute_later_is_a_strangers_page(browser):
    await browser.client.get("/")
    first = await browser.say(CRY)
    await browser.client.get("/", headers={"Sec-Fetch-Site": "none"})
    after = await browser.say("سلام")

    assert "110" in first
    assert OPENING in after
    assert CRY not in after
    assert "امن" not in after
    assert (await browser.say("1")).count(OPENING) == 1


async def test_a_page_that_was_only_loaded_again_goes_on(browser):
    await browser.client.get("/")
    await browser.say(CRY)
    await browser.client.get("/", headers={"Sec-Fetch-Site": "none", "Cache-Control": "max-age=0"})

    assert OPENING not in await browser.say("بله")


async def test_the_desk_sees_which_words_came_from_a_page_that_was_opened_anew(browser):
    await browser.client.get("/", headers={"Sec-Fetch-Site": "none"})
    await browser.say(CRY)
    await browser.say("زیاد")
    await browser.client.get("/", headers={"Sec-Fetch-Site": "none"})
    await browser.say("سلام")
    await browser.say("کمک")

    assert browser.desk_sees() == [(CRY, False), ("زیاد", False), ("سلام", True), ("کمک", False)]


async def test_also_words_that_open_the_case_show_that_another_may_have_written_them(browser):
    await browser.client.get("/", headers={"Sec-Fetch-Site": "none"})
    await browser.say("سلام")
    await browser.client.get("/", headers={"Sec-Fetch-Site": "none"})
    await browser.say(CRY)

    assert browser.desk_sees() == [("سلام", False), (CRY, True)]
