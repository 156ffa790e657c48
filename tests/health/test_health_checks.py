"""The judging of health by itself: one function and one set of words a condition, ages and shares at their edges."""

import asyncio
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from bot.beats import Beat
from bot.commands.health import has_way_out
from bot.health import Facts, judge
from bot.health.checks import CONDITIONS
from bot.health.facts import WATCH_SIGN
from bot.health.probe import answers
from bot.health.words import NEVER_DONE, NOW, WORDS, loop_words
from bot.settings import Settings

NOW_MS = 1_800_000_000_000
WELL = Facts(
    now_ms=NOW_MS,
    started_ms=NOW_MS - 3_600_000,
    beats={"worker": Beat(NOW_MS)},
    watch_ms=NOW_MS,
    has_way_out=True,
    oldest_inbox_ms=None,
    urgent_ms=None,
    newest_row_ms=NOW_MS,
    disk_free=0.5,
    installed_ms=NOW_MS - 10 * 86_400_000,
    backup_ms=NOW_MS,
    retention_ms=NOW_MS,
    audit_ms=NOW_MS,
    oldest_line_on=date(2027, 1, 1),
    today=date(2027, 1, 15),
)


def red(**changes):
    return {check.key: check.detail for check in judge(replace(WELL, **changes)).red}


def test_every_condition_has_words_and_all_is_green_when_all_is_well():
    assert set(WORDS) == set(CONDITIONS)
    assert set(WORDS) >= NOW
    assert red() == {}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"disk_free": 0.094}, {"disk": "۹٪"}),
        ({"oldest_line_on": date(2026, 7, 18)}, {"lines": "۱۸۱ روز"}),
        ({"oldest_line_on": date.min}, {"lines": "بررسی نشده"}),
        ({"urgent_ms": NOW_MS - 61_000}, {"urgent": "۶۱ ثانیه"}),
        ({"oldest_inbox_ms": NOW_MS - 31_000}, {"inbox": "۳۱ ثانیه"}),
        ({"backup_ms": None}, {"backup": "۲۴۰ ساعت"}),
        ({"purged_ms": NOW_MS - 41 * 3_600_000}, {"purge": "۴۱ ساعت"}),
        ({"shared_away_s": 16.0}, {"shared": "۱۶ ثانیه"}),
        ({"beats": {}}, {"engine": "۶۰ دقیقه"}),
        ({"beats": {"worker": Beat(NOW_MS), "poller:bale": Beat(NOW_MS - 71_000)}}, {"beats": "گیرندهٔ بله"}),
        ({"watch_ms": None}, {"watch": "۶۰ دقیقه"}),
        ({"watch_ms": None, "has_way_out": False}, {"ways_out": ""}),
        ({"readable": False, "beats": {}}, {"database": ""}),
    ],
)
def test_what_is_over_its_edge_is_red_and_says_by_how_much(changes, expected):
    assert expected == red(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"disk_free": 0.10},
        {"shared_away_s": 15.0},
        {"purged_ms": NOW_MS - 40 * 3_600_000},
        {"purged_ms": NOW_MS - 8 * 86_400_000},
        {"oldest_line_on": date(2026, 7, 19)},
        {"urgent_ms": NOW_MS - 60_000},
        {"oldest_inbox_ms": NOW_MS - 30_000},
        {"backup_ms": NOW_MS - 24 * 3_600_000},
        {"started_ms": NOW_MS - 5_000, "beats": {}, "watch_ms": NOW_MS - 86_400_000},
        {"installed_ms": NOW_MS - 3_600_000, "backup_ms": None, "retention_ms": None, "audit_ms": None},
    ],
)
def test_what_is_at_its_edge_or_has_just_begun_is_green(changes):
    assert red(**changes) == {}


def test_a_backup_that_was_never_made_is_told_apart_first_in_grey_and_after_a_day_in_red():
    def told(hours, **changes):
        facts = replace(WELL, installed_ms=NOW_MS - hours * 3_600_000, **{"backup_ms": None, **changes})
        report = judge(facts)
        return [
            [check.words.name for check in part if check.key == "backup"]
            for part in (report.red, report.to_do, report.well)
        ]

    never, old = NEVER_DONE["backup"].name, WORDS["backup"].name

    assert [[], [never], []] == told(23)
    assert [[never], [], []] == told(25)
    assert [[old], [], []] == told(25, backup_ms=NOW_MS - 25 * 3_600_000)
    assert [[], [], [old]] == told(1, backup_ms=NOW_MS - 60_000)
    assert [[], [], [old]] == told(1, readable=False)


def test_loops_are_named_for_people():
    assert ["فرستندهٔ تلگرام", "موتور گفت‌وگو"] == [loop_words(name) for name in ("sender:telegram", "worker")]


@pytest.mark.parametrize("file", ["docs/runbook.md", "docs/runbook.fa.md"])
def test_the_runbook_has_a_section_for_each_alarm(file):
    text = (Path(__file__).parents[2] / file).read_text(encoding="utf-8")

    assert [] == [key for key in WORDS if f'<a id="alarm-{key}"></a>' not in text]


async def test_only_a_port_that_answers_gives_a_heartbeat():
    async def speak(_reader, writer):
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        assert await answers(host, port)
    assert not await answers(host, port)


def test_the_persian_runbook_says_what_the_page_says():
    text = (Path(__file__).parents[2] / "docs/runbook.fa.md").read_text(encoding="utf-8")

    assert [] == [
        key
        for key, words in WORDS.items()
        if not all(part in text for part in (words.name, words.means, words.act, words.over))
    ]
    for words in NEVER_DONE.values():
        assert all(part in text for part in (words.name, words.means, words.act, words.over))


@pytest.mark.parametrize(
    ("said", "settings", "green"),
    [
        ("2", {"staffbot_token": "1:a"}, True),
        ("0", {"staffbot_token": "1:a"}, False),  # a token, and nobody has linked a chat
        ("", {"staffbot_token": "1:a"}, True),  # the alert loop has not looked yet; its silence is told by itself
        (None, {"staffbot_token": "1:a"}, True),
        ("2", {}, False),
    ],
)
def test_a_way_out_is_one_that_reaches_a_person(tmp_path, said, settings, green):
    if said is not None:
        (tmp_path / WATCH_SIGN).write_text(said)

    assert has_way_out(Settings(var=tmp_path, **settings)) is green
