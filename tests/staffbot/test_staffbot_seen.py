"""«دیدم» at the staff bot, and many cases at once."""

from staffbot.desk import CASE, case_row, seen_by, until_told

from escalation.staffbot_alert import StaffAlert
from escalation.staffbot_buttons import page_callback
from escalation.staffbot_storm import Storm
from escalation.staffbot_words import LABEL_ACCEPT, LABEL_SEEN, OUTCOMES


async def test_seen_is_noted_with_an_audit_row_and_the_case_can_still_be_taken(start, colleague, add_case, store, bot):
    she = await colleague(7)
    await add_case()
    await start()
    await she.hears(1)

    she.press(LABEL_SEEN)
    await she.sees(lambda: OUTCOMES["seen"] in she.texts[0])

    assert await case_row(store) == ("queued", None, 0)
    assert await seen_by(store) == [(CASE, "s7", "seen")]
    she.press(LABEL_ACCEPT)
    await she.sees(lambda: OUTCOMES["accepted"] in she.texts[0])
    assert await case_row(store) == ("claimed", "s7", 1)


async def test_only_immediate_cases_offer_to_be_seen(start, colleague, add_case):
    she = await colleague(7)
    await add_case(tier="T2")
    await start()
    await she.hears(1)

    assert [label for label, _ in she.messages[0].buttons] == [LABEL_ACCEPT]


async def test_what_came_after_a_page_was_made_is_not_seen_by_it_and_a_stranger_sees_nothing(
    start, colleague, add_case, store, bot
):
    she, stranger = await colleague(7), bot.user(666)
    await add_case()
    await add_case("b" * 26)
    await store.write(lambda tx: tx.raw.execute("UPDATE case_events SET at = 5000 WHERE case_id > 'b'"))
    await start()

    stranger.press_data(page_callback(9_000))
    await she.sees(lambda: len(bot.answered) == 1)
    assert await seen_by(store) == []
    she.press_data(page_callback(1_000))
    await she.sees(lambda: len(bot.answered) == 2)

    assert await seen_by(store) == [(CASE, "s7", "seen")]
    assert bot.sent("answerCallbackQuery")[-1]["text"] == OUTCOMES["seen"]


async def test_a_storm_reaches_a_chat_as_one_list_and_not_as_a_message_for_each(start, colleague, add_case, store):
    she = await colleague(7)
    for number in range(40):
        await add_case(f"a{number:02}", tier="T1" if number < 30 else "T2")
    await start()
    await she.hears(1)
    await add_case("z" * 26)
    await until_told(store)

    [text] = she.texts
    lines = text.split("\n")
    assert lines[0] == "۴۰ پرونده در صف است."
    assert lines[1].startswith("فوری (۳۰): ۱۲۳۴۵، ")
    assert lines[2].startswith("تا ۲۴ ساعت (۱۰): ")
    assert she.messages[0].buttons == [(LABEL_SEEN, "p:0:s:1")]


def test_lists_come_once_a_minute_and_the_newest_word_of_a_case_counts():
    storm = Storm()
    for number in range(6):
        storm.add("7", StaffAlert(event_id=number, case_id="a", code="1", tier="T1", chats=("7",)))

    assert not storm.takes("8", 5, 100.0)
    assert storm.takes("8", 6, 100.0)
    assert [(chat, [alert.event_id for alert in alerts]) for chat, alerts in storm.due(100.0)] == [("7", [5])]
    storm.told("7", 100.0)
    assert storm.takes("7", 1, 159.0)
    storm.add("7", StaffAlert(event_id=9, case_id="b", code="2", tier="T1", chats=("7",)))
    assert storm.due(159.0) == []
    assert len(storm.due(160.0)) == 1
