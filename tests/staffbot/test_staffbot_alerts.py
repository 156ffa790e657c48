"""The staff bot: what it tells whom, what a press does, and that nothing is told twice or to a stranger."""

import logging

import pytest
from fakes.telegram_state import Failure
from fakes.waiting import until
from staffbot.desk import CASE, case_row

from bot.core.clock import SystemClock
from bot.core.ids import system_ids
from bot.store.crypto import ephemeral_keyring
from escalation.accounts import Accounts
from escalation.passwords import Hashing
from escalation.signin import SignInRules
from escalation.staffbot_buttons import Press, accept_callback, page_callback, read_callback, seen_callback
from escalation.staffbot_links import actor_by_chat
from escalation.staffbot_words import ANSWERS, LABEL_ACCEPT, LABEL_SEEN, OUTCOMES


async def test_an_alert_carries_code_and_tier_only_and_goes_to_those_whose_desk_it_is(start, colleague, add_case, bot):
    near, national, far = await colleague(7, "IR-23"), await colleague(8), await colleague(9, "IR-04")
    analyst = await colleague(10, role="analyst")
    await add_case()
    await start()

    await near.hears(1)
    await national.hears(1)

    assert near.texts == national.texts == ["پرونده ۱۲۳۴۵ · فوری"]
    assert near.messages[0].buttons == [(LABEL_ACCEPT, f"c:{CASE}:a:1"), (LABEL_SEEN, f"c:{CASE}:s:1")]
    assert near.messages[0].options["protect_content"] is True
    assert far.texts == analyst.texts == []
    assert "suicide" not in str(bot.calls)


async def test_those_on_shift_are_told_and_when_there_are_none_all_are(start, colleague, add_case):
    working, resting = await colleague(7, on_shift=True), await colleague(8)
    await add_case()
    await add_case("b" * 26)
    await start()

    await working.hears(2)

    assert resting.texts == []


async def test_accepting_claims_the_case_in_the_database_and_tells_the_colleagues(start, colleague, add_case, store):
    she, he = await colleague(7), await colleague(8)
    await add_case()
    await start()
    await she.hears(1)
    await he.hears(1)

    she.press(LABEL_ACCEPT)
    await she.sees(lambda: "با شماست" in she.texts[0] and "همکار" in he.texts[0])

    assert await case_row(store) == ("claimed", "s7", 1)
    assert she.texts == [f"پرونده ۱۲۳۴۵ · فوری\n{OUTCOMES['accepted']}"]
    assert he.texts == [f"پرونده ۱۲۳۴۵ · فوری\n{OUTCOMES['taken']}"]
    assert she.messages[0].buttons == he.messages[0].buttons == []


async def test_of_two_who_accept_at_once_exactly_one_has_the_case(start, colleague, add_case, store, bot):
    she, he = await colleague(7), await colleague(8)
    await add_case()
    await start()
    await she.hears(1)
    await he.hears(1)

    she.press_data(accept_callback(CASE), she.messages[0].message_id)
    he.press_data(accept_callback(CASE), he.messages[0].message_id)
    she.press_data(accept_callback(CASE), she.messages[0].message_id)
    await she.sees(lambda: len(bot.answered) == 3)

    assert await case_row(store) == ("claimed", "s7", 1)
    shown = [call["text"] for call in bot.sent("answerCallbackQuery")]
    assert shown == [OUTCOMES["accepted"], OUTCOMES["taken"], OUTCOMES["accepted"]]


async def test_a_closed_case_says_so(start, colleague, add_case, store, bot):
    she = await colleague(7)
    await add_case()
    await start()
    await she.hears(1)
    await store.write(lambda tx: tx.raw.execute("UPDATE cases SET state = 'closed'"))

    she.press(LABEL_ACCEPT)
    await she.sees(lambda: she.messages[0].buttons == [])

    assert she.texts == [f"پرونده ۱۲۳۴۵ · فوری\n{OUTCOMES['closed']}"]


async def test_a_stranger_and_an_old_button_change_nothing(start, colleague, add_case, store, bot):
    await colleague(7)
    await add_case()
    stranger = bot.user(666)
    await start()

    stranger.press_data(accept_callback(CASE))
    stranger.press_data("c:old:format")
    stranger.say("سلام")
    await stranger.hears(1)
    await stranger.sees(lambda: len(bot.answered) == 2)

    assert await case_row(store) == ("queued", None, 0)
    assert stranger.texts == [ANSWERS["not_linked"]]
    shown = [call["text"] for call in bot.sent("answerCallbackQuery")]
    assert shown == [OUTCOMES["not_linked"], ANSWERS["old_button"]]


async def test_a_one_time_code_links_a_chat_once(start, colleague, add_case, store, bot):
    she = await colleague(7, linked=False)
    thief = bot.user(8)
    accounts = Accounts(
        store,
        SystemClock(),
        system_ids,
        keyring=ephemeral_keyring(),
        hashing=Hashing(),
        rules=SignInRules(),
    )
    await store.write(lambda tx: tx.raw.execute("UPDATE staff SET staffbot_chat = '5' WHERE id = 's7'"))
    actor = await store.read(lambda db: actor_by_chat(db, "5"))
    code = await accounts.staffbot_code(actor=actor)
    await start()

    she.say("/start")
    await she.hears(1)
    she.say(f"/start {code}")
    await she.hears(2)
    thief.say(f"/start {code}")
    await thief.hears(1)

    assert she.texts == [ANSWERS["not_linked"], ANSWERS["linked"]]
    assert thief.texts == [ANSWERS["bad_code"]]
    await add_case()
    assert (await she.hears(3))[2] == "پرونده ۱۲۳۴۵ · فوری"


async def test_nothing_is_told_twice_neither_by_new_events_nor_after_a_restart(start, colleague, add_case, store):
    she = await colleague(7)
    await add_case(tier="T2")
    await start()
    await she.hears(1)

    await add_case(tier="T2", kind="raised")
    await add_case(tier="T1", kind="raised")
    await she.hears(2)
    await start()
    await add_case("b" * 26)
    await she.hears(3)

    assert she.texts == ["پرونده ۱۲۳۴۵ · تا ۲۴ ساعت", "پرونده ۱۲۳۴۵ · فوری", "پرونده ۱۲۳۴۵ · فوری"]


async def test_a_case_that_comes_back_to_the_queue_is_told_again(start, colleague, add_case):
    she = await colleague(7)
    await add_case()
    await start()
    await she.hears(1)

    await add_case(kind="lease_lost")

    assert (await she.hears(2))[1] == "پرونده ۱۲۳۴۵ · فوری\nدوباره در صف است."


async def test_a_failing_provider_delays_an_alert_but_loses_and_doubles_none(
    start, colleague, add_case, bot, log_lines
):
    she, he = await colleague(7), await colleague(8)
    bot.fail("getMe", Failure(status=502))
    bot.fail("sendMessage", None, Failure(status=502), Failure(status=500))
    await add_case()
    await start()

    await he.hears(1)
    await she.hears(1)

    assert len(she.texts) == len(he.texts) == 1
    assert {line["event"] for line in log_lines} == {"staffbot_provider_away", "staffbot_alerts_wait"}


async def test_a_colleague_who_blocked_the_bot_does_not_keep_the_others_from_hearing(start, colleague, add_case):
    she, he = await colleague(7), await colleague(8)
    she.block()
    await add_case()
    await start()

    assert await he.hears(1) == ["پرونده ۱۲۳۴۵ · فوری"]


async def test_while_the_desk_is_away_a_press_says_so_and_alerts_wait(start, colleague, add_case, desk, log_lines):
    she = await colleague(7)
    desk.is_away = True
    await add_case()
    await start()
    await until(lambda: log_lines)
    she.press_data(accept_callback(CASE))
    await she.sees(lambda: she.bot.answered)
    assert [call["text"] for call in she.bot.sent("answerCallbackQuery")] == [ANSWERS["away"]]

    desk.is_away = False

    assert await she.hears(1) == ["پرونده ۱۲۳۴۵ · فوری"]


async def test_the_token_reaches_no_log(start, colleague, add_case, caplog, log_lines):
    caplog.set_level(logging.INFO)
    she = await colleague(7)
    await add_case()
    await start()
    await she.hears(1)

    assert "canary" not in caplog.text + str(log_lines)


@pytest.mark.parametrize(
    "data", [None, "", "c", "c:a:a:2", "x:a:a:1", "c::a:1", "c:../x:a:1", f"c:{'a' * 50}:a:1", "c:ن:a:1"]
)
def test_only_buttons_of_this_version_are_read(data):
    assert read_callback(data) is None


def test_a_button_is_read_back_and_keeps_the_providers_limit():
    assert read_callback(accept_callback(CASE)) == Press("accept", case_id=CASE)
    assert read_callback(seen_callback(CASE)) == Press("seen", case_id=CASE)
    assert read_callback(page_callback(1_795_000_000_000)) == Press("seen_until", until_ms=1_795_000_000_000)
    assert max(len(make("a" * 40).encode()) for make in (accept_callback, seen_callback)) <= 64
