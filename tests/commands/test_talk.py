"""`panah replay` and `panah triage`: the output that people build on, key by key and in order (design.md §4)."""

import argparse
import io
import json
import sys

import pytest

from bot.commands import talk, triage
from bot.content import simulated_core
from bot.core.clock import VirtualClock
from bot.errors import CommandError
from bot.simulator import Simulator

TURN = ["turn", "in", "out", "risk", "cases", "ended"]
SUMMARY = ["turns", "tier", "kinds", "cases", "quick_exit", "handed_over"]
CASE = ["id", "tier", "kinds", "province", "state"]
CRY = {"text": "شوهرم داره منو میزنه کمک"}


@pytest.fixture
def play(bundle, screener):
    """Play lines and give what is printed."""

    def run(*lines, channel="web", at=None, show=talk.JsonShow):
        source = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        clock, out = VirtualClock(talk.moment(at)), io.StringIO()
        simulator = Simulator(simulated_core(bundle, screener, clock), clock, channel=channel)
        talk.play(source.encode(), simulator, clock, show(out))
        return out.getvalue().splitlines()

    return run


@pytest.fixture
def replay(play):
    """Play lines and give the turns and the summary."""

    def run(*lines, **how):
        *turns, summary = map(json.loads, play(*lines, **how))
        return turns, summary["summary"]

    return run


def test_each_line_is_one_turn_with_its_keys_in_order(replay):
    turns, summary = replay({"text": "سلام"}, {"text": "نه، فقط خودم"})

    assert [list(turn) for turn in turns] == [TURN, TURN]
    assert [turn["turn"] for turn in turns] == [1, 2]
    assert turns[0]["in"] == {"text": "سلام"}
    assert list(turns[0]["out"][0]) == ["text", "buttons"]
    assert list(turns[0]["risk"]) == ["tier", "kinds", "why"]
    assert list(summary) == SUMMARY


def test_a_cry_opens_a_case_that_the_turn_and_the_summary_name(replay):
    turns, summary = replay(CRY)
    [case] = turns[0]["cases"]

    assert list(case) == CASE
    assert (case["tier"], case["state"]) == ("T1", "queued")
    assert turns[0]["risk"]["tier"] == "T1"
    assert turns[0]["risk"]["why"]
    assert "123" in turns[0]["out"][0]["text"]
    assert summary["cases"] == [case]
    assert (summary["tier"], summary["kinds"]) == ("T1", case["kinds"])


@pytest.mark.parametrize(
    "written", [{"sent_at": "2026-11-22T05:00+03:30"}, {"sent_at": "2026-11-22T01:30Z"}, {"late_s": 5 * 3600}]
)
def test_a_line_may_say_that_it_was_written_earlier(replay, written):
    turns, summary = replay({"text": "سلام", **written}, {"text": "سلام"}, at="2026-11-22T10:00+03:30")

    assert turns[0]["in"] == {"text": "سلام", **written}
    assert "با تأخیر" in turns[0]["out"][0]["text"]
    assert [("T3", "queued")] == [(case["tier"], case["state"]) for case in turns[0]["cases"]]
    assert any("۵ ساعت پیش" in why for why in turns[0]["risk"]["why"])
    assert turns[1]["out"][-1]["buttons"]
    assert 1 == len(summary["cases"])


@pytest.mark.parametrize(
    "written",
    [
        {"sent_at": "yesterday"},
        {"sent_at": "2026-11-22T05:00"},
        {"sent_at": 7},
        {"late_s": -1},
        {"late_s": "5"},
        {"late_s": True},
    ],
)
def test_a_time_of_writing_that_is_none_is_a_slip_of_ours(replay, written):
    with pytest.raises(CommandError, match=r"turn 1: (sent_at|late_s) must"):
        replay({"text": "سلام", **written})


@pytest.mark.parametrize("written", [{"sent_at": "2027-01-01T00:00Z"}, {"late_s": 0}, {"late_s": 14 * 60}])
def test_what_was_written_just_now_or_is_dated_ahead_is_not_late(replay, written):
    turns, _ = replay({"text": "سلام", **written})

    assert [] == turns[0]["cases"]


def test_only_the_turn_that_changes_a_case_lists_it(replay):
    turns, summary = replay(CRY, {"text": "باشه"})

    assert turns[1]["cases"] == []
    assert len(summary["cases"]) == 1


@pytest.mark.parametrize("pressed", ["no", "نه، فقط خودم", "۲", "2"])
def test_a_press_names_its_button_by_key_label_or_number(replay, pressed):
    turns, _ = replay({"text": "سلام"}, {"press": pressed})
    by_words, _ = replay({"text": "سلام"}, {"text": "نه، فقط خودم"})

    assert turns[1]["out"] == by_words[1]["out"]


def test_a_press_that_fits_no_button_is_taken_as_words(replay):
    turns, _ = replay({"text": "سلام"}, {"press": CRY["text"]})

    assert turns[1]["risk"]["tier"] == "T1"


@pytest.mark.parametrize(
    "line",
    [
        *({"media": kind} for kind in ("voice", "photo", "sticker", "video", "document")),
        {"location": [35.7, 51.4]},
        {"contact": "+989121234567"},
        {"location": ["a", "b"]},
        {"location": [1e400, 2]},
        {"media": "gif"},
        {"text": 5},
    ],
    ids=str,
)
def test_whatever_is_sent_first_gets_an_answer(replay, line):
    turns, summary = replay(line)

    assert turns[0]["out"]
    assert summary["turns"] == 1


def test_a_line_without_a_known_key_is_refused_with_its_turn_and_what_a_line_may_be(replay):
    with pytest.raises(CommandError, match=r'turn 2: \{"txt": "سلام"\} says nothing; a line is one of \{"text"'):
        replay({"text": "سلام"}, {"txt": "سلام"})


def test_waiting_lets_the_silence_of_a_question_run_out(replay):
    turns, summary = replay({"text": "سلام"}, CRY, {"wait_s": 900})

    assert turns[2]["in"] == {"wait_s": 900}
    assert turns[2]["out"]
    assert summary["turns"] == 3


def test_by_sms_answers_are_numbered_in_the_text_and_a_press_works_all_the_same(replay):
    turns, _ = replay({"text": "سلام"}, {"press": "2"}, channel="sms")
    by_number, _ = replay({"text": "سلام"}, {"text": "۲"}, channel="sms")

    assert "\n2 نه، فقط خودم" in turns[0]["out"][-1]["text"]
    assert turns[1]["out"] == by_number[1]["out"]


def test_quick_exit_is_told_in_the_summary(replay):
    turns, summary = replay({"text": "سلام"}, {"text": "0"})

    assert turns[1]["ended"]
    assert summary["quick_exit"]


def test_the_clock_starts_where_it_is_told_to(replay):
    night, _ = replay({"text": "سلام"}, at="2026-11-22T03:00+03:30")

    assert night[0]["out"]


@pytest.mark.parametrize("at", ["yesterday", "2026-11-22T03:00", "2026-13-01T00:00+00:00"])
def test_a_start_that_is_no_moment_is_refused(replay, at):
    with pytest.raises(CommandError, match="--at"):
        replay({"text": "سلام"}, at=at)


@pytest.mark.parametrize("line", ["سلام", "[1]", "{}", "{", "[" * 100_000, '"text"'])
def test_a_line_that_is_no_object_is_refused(replay, line):
    with pytest.raises(CommandError, match="line 2 is not a JSON object"):
        replay({"text": "سلام"}, line)


@pytest.mark.parametrize("seconds", ["long", -1, float("nan"), float("inf"), 1e18, True, None])
def test_a_wait_that_is_no_time_is_refused(replay, seconds):
    with pytest.raises(CommandError, match="wait_s"):
        replay({"text": "سلام"}, {"wait_s": seconds})


def test_without_json_it_reads_like_a_chat(play):
    lines = play(CRY, {"wait_s": 5}, show=talk.ChatShow)

    assert lines[0] == f"› {CRY['text']}"
    assert "— wait_s: 5" in lines
    assert any("T1" in line for line in lines)


def test_triage_gives_one_verdict_a_line_with_its_keys_in_order(monkeypatch, capsys):
    text = f"{CRY['text']}\nسلام خوبی\nدوستم را شوهرش الان دارد می‌زند"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    triage.triage(argparse.Namespace(json=True))
    cry, hello, friend = map(json.loads, capsys.readouterr().out.splitlines())

    assert list(cry) == ["text", "tier", "kinds", "covert", "label", "soft", "evidence"]
    assert list(cry["evidence"][0]) == ["start", "end", "pattern", "why"]
    assert (cry["tier"], cry["label"]) == ("T1", "danger")
    assert (hello["tier"], hello["label"], hello["evidence"]) == (None, "none", [])
    assert (friend["tier"], friend["label"]) == ("T1", "third_party")


def test_replay_from_standard_input_and_a_broken_line_leave_by_their_codes(panah):
    good = panah("replay", "-", "--json", text=json.dumps(CRY))
    bad = panah("replay", "-", "--json", text='{"text": "سلام"}\nnope\n')

    assert (good.returncode, len(good.stdout.splitlines())) == (0, 2)
    assert (bad.returncode, bad.stderr) == (2, "panah: line 2 is not a JSON object\n")
    assert not panah.var.exists()
