"""A provider that could not be heard for hours: dates of what comes then, and what the desk is told."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.handlers.gaps import note_heard
from bot.handlers.telegram_dates import clock_ahead, dated
from bot.handlers.telegram_decode import decode_update
from escalation.console.present_queue import queue_view
from escalation.reading import gaps

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
HER = {"id": 42, "type": "private"}
_HOUR_MS = 3600_000


def written(ago_s, *, edited=False, text="سلام"):
    message = {"message_id": 1, "date": _stamp(ago_s), "chat": HER, "from": {"id": 42}, "text": text}
    if edited:
        return {"edited_message": {**message, "date": _stamp(90_000), "edit_date": _stamp(ago_s)}}
    return {"message": message}


def pressed(question_ago_s=36_000):
    question = {"message_id": 1, "date": _stamp(question_ago_s), "chat": HER}
    return {"callback_query": {"id": "1", "from": {"id": 42}, "data": "p|welcome|topic|1|now", "message": question}}


def _stamp(ago_s):
    return int(NOW.timestamp()) - ago_s


def arrivals(*updates):
    return [
        decode_update(json.dumps({"update_id": number, **one}).encode(), channel="telegram", received_at=NOW)
        for number, one in enumerate(updates)
    ]


def ages(found):
    return [None if one.message.sent_at is None else (NOW - one.message.sent_at).total_seconds() for one in found]


def test_a_message_carries_the_providers_date_an_edited_one_that_of_its_new_words():
    assert [7200, 60, None] == ages(arrivals(written(7200), written(60, edited=True), pressed()))


@pytest.mark.parametrize("date", [1, "1763800000", None, True, -5, 10**14, []])
def test_a_date_that_says_nothing_is_none(date):
    (arrival,) = arrivals({"message": {**written(0)["message"], "date": date}})

    assert arrival.message.sent_at is None


def test_a_press_is_as_old_as_what_came_after_it_in_the_batch():
    batch = arrivals(pressed(), written(7200), pressed(), written(60), pressed())

    assert [7200, 7200, 60, 60, None] == ages(dated(batch, ahead=timedelta(), more_follow=False))


def test_a_press_at_the_end_of_a_full_batch_is_as_old_as_what_came_before_it():
    assert [7200, 7200] == ages(dated(arrivals(written(7200), pressed()), ahead=timedelta(), more_follow=True))


@pytest.mark.parametrize("hours", [-26, 26])
def test_a_wrong_clock_of_ours_makes_nothing_late(hours):
    theirs = NOW - timedelta(hours=hours)
    ahead = clock_ahead(f"{theirs:%a, %d %b %Y %H:%M:%S} GMT", NOW)
    (arrival,) = arrivals(written(hours * 3600 + 30))

    (dated_one,) = dated([arrival], ahead=ahead, more_follow=False)

    assert 30 == (NOW - dated_one.message.sent_at).total_seconds()


@pytest.mark.parametrize("header", ["", "yesterday", "Sun, 22 Nov 2026 08:00:20 GMT"])
def test_a_clock_that_is_right_or_cannot_be_compared_is_left_alone(header):
    assert timedelta() == clock_ahead(header, NOW)


def test_after_hours_of_silence_the_desk_reads_one_notice_for_half_a_day(core, clock):
    def hear():
        now_ms = int(clock.now().timestamp() * 1000)
        core.store.write_now(lambda tx: note_heard(tx, "telegram", now_ms))

    def notices():
        now_ms = int(clock.now().timestamp() * 1000)
        found = core.store.read_now(lambda db: gaps(db, now_ms))
        return queue_view([], on_shift=[], gaps=found, now_ms=now_ms).gaps

    hear()
    clock.advance(30 * 60)
    hear()
    assert () == notices()

    clock.advance(5 * 3600)
    hear()
    clock.advance(60)
    hear()
    (notice,) = notices()
    assert "تلگرام ۵ ساعت در دسترس نبود" in notice
    assert "هرگز" not in notice

    clock.advance(12 * 3600)
    assert () == notices()


def test_of_a_silence_of_more_than_a_day_the_desk_hears_that_words_may_be_lost(core):
    core.store.write_now(lambda tx: note_heard(tx, "bale", 0))

    silent_ms = core.store.write_now(lambda tx: note_heard(tx, "bale", 30 * _HOUR_MS))
    (gap,) = core.store.read_now(lambda db: gaps(db, 30 * _HOUR_MS))

    assert 30 * _HOUR_MS == silent_ms
    assert "هرگز" in queue_view([], on_shift=[], gaps=[gap], now_ms=30 * _HOUR_MS).gaps[0]
