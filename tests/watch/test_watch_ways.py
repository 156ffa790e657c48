"""The ways out against real servers and real programs: what leaves, what a refusal means, that nothing hangs or leaks."""

import asyncio
import json
import os
import time
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from fakes.telegram_api import FakeTelegram
from fakes.telegram_state import Failure
from fakes.twilio_api import Failure as SmsFailure
from fakes.twilio_api import FakeTwilio
from watch.towns import at, case

from escalation.staffbot_words import LABEL_ACCEPT, LABEL_SEEN
from escalation.watch_ways import CommandWay, SmsWay, StaffBotWay, Threads, WayError
from escalation.watch_words import Page, page_text, sms_text

TOKEN = "444:staff-canary-token"
ACCOUNT, SECRET, NUMBER = "AC" + "a" * 32, "canary-secret", "+15005550006"


def page(*cases):
    return Page(lines=cases, made_at=at(0))


ONE = page(case("c1"))
MANY = page(*(case(f"{10_000 + n}", n) for n in range(1000)), case("77777", tier="T2"))
DOWN = page(case("service:silent", tier="service"))


@pytest.fixture
async def telegram():
    async with FakeTelegram(TOKEN) as server:
        yield server
        assert server.bot(TOKEN).problems == []


@pytest.fixture
def she(telegram):
    return telegram.bot(TOKEN).user(7)


@pytest.fixture
def way(telegram):
    return StaffBotWay(token=TOKEN, api=telegram.url + "/")


async def test_one_case_reaches_a_chat_with_its_number_and_both_buttons(way, she):
    await way.send("7", ONE)

    assert she.texts == ["۱ پروندهٔ فوری منتظر است و کسی برنداشته: c۱"]
    assert [label for label, _ in she.messages[0].buttons] == [LABEL_ACCEPT, LABEL_SEEN]
    assert she.messages[0].options["protect_content"] is True


async def test_a_thousand_cases_are_counted_listed_and_seen_by_one_button(way, she):
    await way.send("7", MANY)

    first, second = she.texts[0].split("\n")
    assert first.startswith("۱۰۰۰ پروندهٔ فوری منتظر است و کسی برنداشته: ۱۰۰۰۰، ۱۰۰۰۱،")
    assert first.endswith(" و ۹۴۰ پروندهٔ دیگر")
    assert second == "۱ پروندهٔ «تا ۲۴ ساعت» منتظر است: ۷۷۷۷۷"
    assert she.messages[0].buttons == [(LABEL_SEEN, f"p:{at(0)}:s:1")]


async def test_trouble_of_the_service_says_what_to_do_and_has_no_button(way, she):
    await way.send("7", DOWN)

    assert she.texts[0].startswith("سرویس پناه پاسخ نمی‌دهد.\n")
    assert she.messages[0].buttons == []


@pytest.mark.parametrize(
    ("failure", "code", "retry_after_s"),
    [
        (Failure(status=429, retry_after=7), "status_429", 7.0),
        (Failure(status=500), "status_500", 0.0),
        (Failure(status=403), "status_403", 0.0),
    ],
)
async def test_a_refusal_is_a_code_without_the_token(way, telegram, failure, code, retry_after_s):
    telegram.bot(TOKEN).fail("sendMessage", failure)

    with pytest.raises(WayError) as caught:
        await way.send("7", ONE)

    assert (caught.value.code, caught.value.retry_after_s) == (code, retry_after_s)
    assert "canary" not in repr(caught.value) + str(caught.value.__cause__)


async def test_a_server_that_breaks_off_or_is_not_there_is_a_failed_way(way, telegram):
    telegram.bot(TOKEN).fail("sendMessage", Failure(after_accept=True))
    for one in (way, StaffBotWay(token=TOKEN, api="http://127.0.0.1:9")):
        with pytest.raises(WayError):
            await one.send("7", ONE)


async def test_an_sms_carries_numbers_only_in_two_parts_at_most():
    async with FakeTwilio(account=ACCOUNT, token=SECRET, number=NUMBER) as server:
        way = SmsWay(account=ACCOUNT, token=SECRET, number=NUMBER, api=server.url)
        phone = server.phone("+989120000001")
        for one in (ONE, MANY, DOWN):
            await way.send("+989120000001", one)
        server.fail(SmsFailure(status=400, code=21610))
        with pytest.raises(WayError, match="status_400"):
            await way.send("+989120000001", ONE)

        assert server.problems == []
    assert phone.texts == [sms_text(one) for one in (ONE, MANY, DOWN)]
    assert all(len(text) <= 134 for text in phone.texts)


@pytest.mark.parametrize("body", ["<html>This site is blocked</html>", "{}", '{"sid": null}', "[]"])
async def test_an_answer_that_is_not_the_providers_is_a_failed_way(body):
    async def blocked(_request):
        return web.Response(text=body, content_type="text/html")

    site = web.Application()
    site.router.add_post("/{path:.*}", blocked)
    async with TestServer(site) as server:
        url = str(server.make_url("/"))
        for way in (
            SmsWay(account=ACCOUNT, token=SECRET, number=NUMBER, api=url),
            StaffBotWay(token=TOKEN, api=url),
        ):
            with pytest.raises(WayError, match="refused"):
                await way.send("989120000001", ONE)


@pytest.fixture
def program(tmp_path):
    """Give a maker of programs: `program("cat > out")` gives its path; it runs in the test's directory."""

    def make(line):
        path = tmp_path / "alert"
        path.write_text(f"#!/bin/sh\ncd {tmp_path}\n{line}\n", encoding="utf-8")
        path.chmod(0o700)
        return str(path)

    return make


async def test_a_program_gets_numbers_as_json_and_none_of_our_settings(program, tmp_path, monkeypatch):
    monkeypatch.setenv("PANAH_STAFFBOT_TOKEN", TOKEN)
    await CommandWay([program('cat > said; env > env; echo "$1" > words'), "--loud; rm -r x"]).send("duty", MANY)

    said = json.loads((tmp_path / "said").read_text("utf-8"))
    assert (said["to"], said["text"], said["service"]) == ("duty", page_text(MANY), [])
    assert len(said["cases"]) == 1001
    assert said["cases"][0] == {"code": "10000", "tier": "T1"}
    assert "PANAH_" not in (tmp_path / "env").read_text("utf-8")
    assert (tmp_path / "words").read_text("utf-8") == "--loud; rm -r x\n"


async def test_a_program_that_fails_is_missing_or_does_not_read_is_told_apart(program):
    await CommandWay([program("exit 0")]).send("duty", MANY)
    for words, code in (([program("exit 3")], "exit_3"), (["/no/such/program"], "not_started")):
        with pytest.raises(WayError, match=code):
            await CommandWay(words).send("duty", MANY)


async def test_a_program_that_hangs_is_killed_with_its_children(program, tmp_path):
    way = CommandWay([program("sleep 600 & echo $! > child; wait")], within_s=0.5)

    with pytest.raises(WayError, match="timeout"):
        await way.send("duty", ONE)

    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 5
    while _is_alive(child):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def _is_alive(number):
    try:
        return Path(f"/proc/{number}/stat").read_text("ascii").split()[2] != "Z"
    except FileNotFoundError:
        return False


async def test_a_call_that_hangs_is_given_up_and_keeps_only_its_own_place():
    threads = Threads(at_once=2)
    reading, writing = os.pipe()

    with pytest.raises(TimeoutError):
        await threads.run(lambda: os.read(reading, 1), 0.1)
    assert await threads.run(lambda: "answered", 5) == "answered"
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 // 0, 5)

    os.write(writing, b"x")
    assert [await threads.run(lambda: 1, 5) for _ in range(4)] == [1, 1, 1, 1]
    os.close(reading)
    os.close(writing)
