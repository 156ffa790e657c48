"""The policy as a file: the packaged one keeps I7, mistakes are named by line, what is too slow is refused."""

import pytest

from escalation.watch_policy import PACKAGED, PolicyError, load_policy, read_policy

TEXT = PACKAGED.read_text(encoding="utf-8")


def mistakes(text):
    with pytest.raises(PolicyError) as caught:
        read_policy(text, "policy.yaml")
    return caught.value.issues


def test_the_packaged_policy_reads_and_has_somebody_at_every_hour():
    policy = load_policy()

    assert set(policy.tiers) == {"T1", "T2", "service"}
    assert [level.after_s for level in policy.tiers["T1"].levels] == [20, 60, 150]
    assert "01-13" in policy.holidays


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        (
            "page_gap_s: 120",
            "page_gap_s: soon",
            "policy.yaml:17:13: page_gap_s must be seconds: write a number from 30",
        ),
        ("retry_s: 15 ", "retries: 15 ", "retries is not known here"),
        ("phones: {}", "phones: {mina: 0912}", "«0912» has not the right form: write it as +98…"),
        ('"01-01",', '"13-01",', "«13-01» has not the right form"),
        ("days: [sat,", "days: [saturday,", "«saturday» is not allowed: write one of mon"),
        ('from: "07:30"', 'from: "7.30"', "«7.30» has not the right form"),
        ("hours: daytime", "hours: nighttime", "names no hours"),
        ("on_shift: yes, desk: case", "on_shift: maybe, desk: case", "«maybe» is not allowed: write one of yes"),
        ("role: supervisor, desk: case", "role: boss, desk: case", "«boss» is not allowed"),
        ("role: supervisor, desk: case", "role: supervisor, desk: moon", "is no desk"),
        ("{duty: yes}]", "{desk: any}]", "this line names nobody"),
        ("ways: [staffbot, sms]", "ways: [pigeon]", "«pigeon» is not allowed: write one of staffbot, sms, command"),
        ("ways: [staffbot, sms]", "ways: []", "a level tells nobody"),
        ("after_s: 20 ", "after_s: 26 ", "T1's first level begins after 26 s; at most 25"),
        ("after_s: 60", "after_s: 171", "T1's second level begins after 171 s; at most 170"),
        ("after_s: 60", "after_s: 10", "T1's levels do not follow one another"),
        ("all_ways_after_s: 165", "all_ways_after_s: 171", "T1's all_ways_after_s is above 170"),
        ("repeat_s: 120", "repeat_s: 121", "T1's repeat_s is above 120"),
        ("seen_for_s: 300", "seen_for_s: 3600", "seen_for_s must be seconds"),
        ("  service:\n", "  servise:\n", "service is missing"),
        ("phones: {}", "phones: {}\nphones: {}", "phones stands twice"),
        ("tiers:\n", "tiers: [\n", "is not YAML"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_how_to_mend_it(written, instead, said):
    assert written in TEXT
    found = mistakes(TEXT.replace(written, instead, 1))

    assert any(said in one for one in found), found
    assert all(one.startswith("policy.yaml:") and one.count(": ") >= 2 for one in found)


def test_every_mistake_is_told_at_once():
    assert len(mistakes(TEXT.replace("retry_s: 15", "retry_s: x").replace("after_s: 20 ", "after_s: 30 "))) == 2


def test_an_immediate_case_must_find_somebody_at_every_hour():
    text = TEXT.replace("{duty: yes}]\n        ways: [staffbot, command, sms]", "{on_shift: yes}]\n        ways: [sms]")
    lonely = text.replace("desk: case}", "desk: case, hours: office}").replace(
        "desk: national}", "desk: national, hours: office}"
    )

    assert any(
        "at some hour nobody is left for T1" in one
        for one in mistakes(lonely.replace("desk: any", "desk: any, hours: office"))
    )


@pytest.mark.parametrize(
    "text", ["", "[]", "a", "- 1", "&a [*a]", "x: " + "[" * 300, "\x00", "tiers: {T1: {levels: {}}}"]
)
def test_what_is_no_policy_is_refused_in_words(text):
    assert mistakes(text)


def test_a_file_that_is_missing_or_no_text_is_refused_in_words(tmp_path):
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")

    for name in ("none.yaml", "bytes.yaml"):
        with pytest.raises(PolicyError, match="cannot be read"):
            load_policy(tmp_path / name)
