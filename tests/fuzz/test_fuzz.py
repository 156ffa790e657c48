"""Every decoder, a fixed seed: each input ends as a decoded thing or a clear refusal, soon. And inputs that once hurt."""

import time

import pytest

from bot.commands.prove_targets import all_targets
from bot.core.messages import READ_CHARS_MAX, TextInput, UnreadableInput
from bot.core.text import fold
from bot.inbox_codec import input_from_json
from bot.proof.fuzz import Target, run_fuzz, try_one
from bot.web.forms import form_input, read_form

TARGETS = all_targets()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_nothing_that_comes_in_ends_in_another_exception_or_takes_long(target):
    report = run_fuzz([target], seed=3)

    assert () == report.breaches
    assert report.counts["inputs"] == target.short


def test_a_seed_and_a_number_make_the_same_input_again():
    first, again = (run_fuzz(TARGETS[:2], seed=5).as_json() for _ in range(2))

    assert {**first, "took_s": 0} == {**again, "took_s": 0}


def fails(read, **bounds):
    return try_one(Target(name="t", make=lambda by: by.text(), read=read, refusals=(KeyError,), **bounds), "x").fault


def busy(_given):
    end = time.process_time() + 0.02
    while time.process_time() < end:
        pass


def test_the_fuzzer_sees_a_wrong_exception_a_slow_input_and_a_large_one_and_lets_a_refusal_pass():
    assert fails(int).startswith("ValueError at bot.proof.fuzz:")
    assert fails(lambda given: {}[given]) == ""
    assert fails(busy, cpu_s=0.01) == "it took more than 10 ms of CPU"
    assert fails(lambda given: bytearray(20_000_000), memory_bytes=10_000_000) == "it took more than 10 MB"
    assert fails(lambda given: None) == ""


def test_a_megabyte_of_escapes_is_read_as_far_as_words_are_read():
    form = read_form(b"n=" + b"%E2" * 80_000 + b"&t=" + b"%D8%B3" * 110_000 + b"&t=again&x=" + b"%D8" * 50_000)
    received = form_input(form)

    assert isinstance(received, TextInput)
    assert READ_CHARS_MAX == len(received.text + received.rest)
    assert form.message_id == ""


def test_a_stored_press_that_is_no_text_is_unreadable():
    assert UnreadableInput("stored_input") == input_from_json("press", {"press": 7})


def test_a_sign_that_is_spelt_with_eighteen_letters_is_read_as_a_space():
    assert fold("ﷺ سلامﷺ") == "سلام"
