"""The talks in `tests:` run as written, and each way a talk can go wrong is told with what was expected and met."""

from dataclasses import replace

import pytest

from bot.engine.model import Talk
from bot.talks import run_talks

CRY = "شوهرم داره منو میزنه کمک"


@pytest.fixture
def run(bundle, screener):
    """Run one talk with the script `welcome` and give what was found, in English."""

    def run_one(*lines, flow="welcome", **how):
        talk = Talk(name="یک گفت‌وگو", lines=lines, at=(7, 3), **how)
        flows = {name: replace(found, tests=(talk,) if name == flow else ()) for name, found in bundle.flows.items()}
        return [(found.rule, found.render("en")) for found in run_talks(replace(bundle, flows=flows), screener)]

    return run_one


def failed(found):
    """Give the sentence of the one failure."""
    [(rule, sentence)] = found
    assert rule == "test_failed"
    return sentence


def test_a_talk_that_goes_as_written_says_nothing(run):
    assert [] == run(
        ("says", "سلام"),
        ("gets", "110، 115 يا ۱۲۳"),
        ("press", "no"),
        ("gets", "نزديكتر"),
        ("answer", {"shared": "no"}),
        ("never_gets", "خشونت"),
        ("says", CRY),
        ("gets", "۱۲۳"),
        ("case", "T1"),
        ("tier", "T1"),
        ("kinds", "spouse_abuse"),
        ("staff", "takes"),
        ("says", "هستم"),
        ("staff", "closes"),
        ("ends", "closed"),
    )


def test_an_unmet_text_tells_what_was_said_instead_and_how_one_got_there(run):
    sentence = failed(run(("says", "سلام"), ("press", "no"), ("gets", "خداحافظ")))

    assert sentence.startswith("welcome.yaml:7:3: test_failed: ")
    assert "gets: خداحافظ" in sentence
    assert "[سلام › no]" in sentence


def test_texts_of_one_turn_are_met_in_their_order(run):
    met = run(("says", "سلام"), ("gets", "110"), ("gets", "این گوشی"))
    unmet = run(("says", "سلام"), ("gets", "این گوشی"), ("gets", "خطر فوری"))

    assert met == []
    assert "gets: خطر فوری" in failed(unmet)


def test_a_case_that_no_line_mentions_fails(run):
    assert "it waited for case: none; it met: case: T1" in failed(run(("says", CRY)))


def test_a_case_of_another_tier_fails(run):
    assert "case: T2; it met: T1" in failed(run(("says", CRY), ("case", "T2")))


def test_words_that_must_never_come_fail_wherever_they_stand(run):
    sentence = failed(run(("never_gets", "۱۲۳"), ("says", "سلام"), ("says", "نه، فقط خودم")))

    assert "never_gets: ۱۲۳" in sentence


def test_a_button_that_is_not_there_fails_with_those_that_are(run):
    sentence = failed(run(("says", "سلام"), ("press", "هیچ")))

    assert "نه، فقط خودم" in sentence


@pytest.mark.parametrize(
    ("line", "met"),
    [
        (("ends", "bye"), "waiting"),
        (("rests", "yes"), "waiting"),
        (("tier", "T3"), "none"),
        (("kinds", "hunger"), "-"),
        (("answer", {"shared": "no"}), "shared: -"),
    ],
    ids=lambda value: str(value[0]) if isinstance(value, tuple) else "",
)
def test_a_state_that_is_another_fails_with_the_one_it_is(run, line, met):
    assert f"it met: {met}" in failed(run(("says", "سلام"), line))


def test_an_end_with_another_outcome_fails(run):
    assert "it met: ends: quick_exit" in failed(run(("says", "سلام"), ("says", "0"), ("ends", "bye")))


def test_silence_lets_the_clock_run(run):
    assert [] == run(("says", "سلام"), ("says", "نه، فقط خودم"), ("silence", "۲۰m"), ("rests", "yes"))


@pytest.mark.parametrize("sent", ["voice", "photo", "location"])
def test_things_without_words_can_be_sent(run, sent):
    assert [] == run(("says", "سلام"), ("sends", sent), ("gets", ""))


@pytest.mark.parametrize(
    "line", [("sends", "money"), ("silence", "soon"), ("silence", "5x"), ("staff", "sleeps"), ("answer", "no")], ids=str
)
def test_a_line_with_a_value_that_no_verb_takes_is_told_as_such(run, line):
    [(rule, sentence)] = run(("says", "سلام"), line)

    assert rule == "bad_value"
    assert sentence.startswith("welcome.yaml:7:3:")


@pytest.mark.parametrize("given", [{"staff": "many"}, {"hour": "25"}, {"weather": "rain"}], ids=str)
def test_a_circumstance_that_does_not_exist_is_told_as_such(run, given):
    [(rule, _)] = run(("says", "سلام"), given=given)

    assert rule == "bad_value"


def test_without_staff_she_is_told_so(run):
    assert [] == run(("says", CRY), ("gets", "منتظر نمانید"), ("case", "T1"), given={"staff": "none", "hour": "3"})


def test_her_language_is_the_one_given(bundle, screener, run):
    text = bundle.flows["welcome"].steps[0].texts.text[0]
    spoken = replace(bundle, translations={"ckb": {text: "بەخێربێیت"}})
    talk = Talk(name="به زبان دیگر", given={"language": "ckb"}, lines=(("says", "سلام"), ("gets", "بەخێربێیت")))
    flows = {name: replace(flow, tests=(talk,) if name == "welcome" else ()) for name, flow in bundle.flows.items()}

    assert [] == run_talks(replace(spoken, flows=flows), screener)


def test_a_script_that_is_not_the_entry_is_begun_by_her_first_words(run):
    assert [] == run(("says", "سلام"), ("gets", "مددکار خبر شد"), ("case", "T2"), flow="human")
    assert [] == run(("says", "سلام"), ("gets", "مددکار خبر شد"), ("case", "T2"), flow="human", channel="sms")
