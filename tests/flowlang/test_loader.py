"""Loading: hostile files end in issues, compounds are expanded, a bundle survives JSON."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.engine.codec import bundle_from_json, bundle_to_json
from bot.engine.issues import errors
from bot.engine.loader import load_bundle, load_flow
from bot.engine.model import ALWAYS_STEPS, Ask, SafeContact, SafeContactDone, Screen, ScreenBand

HEAD = "flow: f\ntitle: t\nowner: o\n"


def rules(text):
    return [issue.rule for issue in load_flow(text, "f.yaml")[1]]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "yaml_broken"),
        ("a: 'b", "yaml_broken"),
        ("a: b\n---\nc: d", "yaml_broken"),
        ("\0", "yaml_broken"),
        ("a: \ud800", "yaml_broken"),
        ("flow: &x f", "forbidden_yaml"),
        ("flow: *x", "forbidden_yaml"),
        ("flow: !!python/object:os.system f", "forbidden_yaml"),
        ("<<: {flow: f}", "forbidden_yaml"),
        ("? [a, b]\n: c", "forbidden_yaml"),
        (HEAD + "title: u\nsteps: []", "duplicate_key"),
        ("[" * 2000, "too_large"),
        ("steps: [" + "a, " * 21_000 + "]", "too_large"),
        ("# " + "x" * 1_000_001, "too_large"),
        (HEAD, "missing_key"),
        (HEAD + "steps: []\nsilence: {after: 10}", "bad_value"),
        (HEAD + "steps: []\nsilence: {after: 99999999999999999999s}", "bad_value"),
        (HEAD + "steps: [{end: End}]", "bad_id"),
        (HEAD + "steps: [{end: and}]", "bad_id"),
        (HEAD + "steps: [{say: a, end: b}]", "which_step"),
        (HEAD + "steps: [x]", "which_step"),
        (HEAD + "steps: [{ask: a, text: x, number: {max: " + "9" * 5000 + "}}]", "bad_value"),
        (HEAD + "steps: [{ask: a, text: x}]", "which_type"),
        (HEAD + "stepz: []", "unknown_key"),
    ],
)
def test_a_hostile_file_ends_in_an_issue(text, rule):
    assert rule in rules(text)


def test_a_typo_is_answered_with_the_nearest_key():
    [issue] = load_flow(HEAD + "steps: [{say: a, txt: سلام, text: سلام}, {end: b}]", "f.yaml")[1]

    assert (issue.rule, issue.line, issue.col) == ("unknown_key", 4, 18)
    assert "منظورتان text بود" in issue.what_fa


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_no_text_makes_the_loader_raise(text):
    load_flow(text, "f.yaml")
    load_flow(HEAD + "steps:\n- " + text, "f.yaml")


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_no_cut_of_a_good_script_makes_the_loader_raise(fixtures_dir, data):
    text = (fixtures_dir / "covert.yaml").read_text()
    start = data.draw(st.integers(0, len(text)))
    size = data.draw(st.integers(0, 40))

    load_flow(text[:start] + text[start + size :], "covert.yaml")


def test_a_directory_without_flows_is_no_bundle(tmp_path):
    loaded, issues = load_bundle(tmp_path)

    assert loaded is None
    assert [issue.rule for issue in errors(issues)] == ["unknown_flow", "unknown_flow"]


def test_bytes_that_are_no_text_are_an_issue(tmp_path):
    (tmp_path / "always.yaml").write_bytes(b"\xff\xfe\x00")

    assert "yaml_broken" in [issue.rule for issue in load_bundle(tmp_path)[1]]


def test_an_incomplete_always_names_what_it_lacks(tmp_path):
    (tmp_path / "always.yaml").write_text("flow: always\ntitle: t\nowner: o\nsteps: [{end: e}]")

    lacking = [issue for issue in load_bundle(tmp_path)[1] if issue.rule == "always_incomplete"]

    assert len(lacking) == len(ALWAYS_STEPS)


def test_a_bundle_survives_json_and_reads_fast(bundle):
    text = bundle_to_json(bundle)
    began = time.perf_counter()

    again = bundle_from_json(text)

    assert time.perf_counter() - began < 0.5
    assert again == bundle
    assert bundle_to_json(again) == text


def test_a_bundle_read_back_keeps_a_word_that_comes_again_once(bundle):
    again = bundle_from_json(bundle_to_json(bundle))

    asks = [step for flow in again.flows.values() for step in flow.steps if isinstance(step, Ask)]
    labels = [option.label for ask in asks for option in ask.options]
    assert len(labels) > len(set(labels)) == len({id(label) for label in labels})


def test_other_json_is_refused():
    for text in ("{}", "[]", '{"format": 0, "bundle": {}}', "x"):
        with pytest.raises(ValueError):  # noqa: PT011 - json's own error is a ValueError too
            bundle_from_json(text)


def test_the_version_hashes_words_and_not_places(bundle, fixtures_dir, tmp_path):
    for path in fixtures_dir.rglob("*.yaml"):
        target = tmp_path / path.relative_to(fixtures_dir)
        target.parent.mkdir(exist_ok=True)
        target.write_text("# a comment moves every line\n" + path.read_text())

    assert load_bundle(tmp_path)[0].version == bundle.version

    covert = tmp_path / "covert.yaml"
    covert.write_text(covert.read_text().replace("باشد.", "چشم."))
    assert load_bundle(tmp_path)[0].version != bundle.version


def test_a_screen_is_expanded_to_its_items_and_a_band(bundle):
    flow = bundle.flows["covert"]
    start = flow.index["da5"]
    kinds = [type(step) for step in flow.steps[start : start + 7]]

    assert kinds == [Screen, Ask, Ask, Ask, Ask, Ask, ScreenBand]
    assert [step.id for step in flow.steps[start : start + 3]] == ["da5", "da5.worse", "da5.weapon"]
    assert flow.steps[flow.passes_to[start]].id == "more"
    weapon = flow.step("da5.weapon")
    assert weapon.by_key["skip"].kinds == ("spouse_abuse", "threat_weapon")
    assert flow.step("da5.band").bands[-1].kinds == ("spouse_abuse",)


def test_an_immediate_item_goes_to_the_band_at_once(bundle):
    now = bundle.flows["women_head"].step("asq.now")

    assert now.by_key["yes"].go == "asq.band"
    assert now.when.text == "asq.points > 0"


def test_an_answer_that_makes_danger_certain_is_tagged_at_once(bundle):
    flow = bundle.flows["women_head"]

    assert flow.step("asq.wish").by_key["yes"].danger == "high"
    assert flow.step("asq.wish").by_key["yes"].kinds == ("suicide",)
    assert flow.step("asq.wish").by_key["no"].danger is None
    assert flow.step("phq2.joy").by_key["daily"].danger is None
    assert bundle.flows["covert"].step("da5.worse").by_key["yes"].danger is None


def test_a_safe_contact_is_copied_from_always_with_its_names(bundle):
    flow = bundle.flows["covert"]
    start = flow.index["reach"]

    assert isinstance(flow.steps[start], SafeContact)
    assert flow.step("reach.phone").when.text == flow.step("reach.phone").when.text.replace("safe_way", "reach.way")
    assert ("answers", "reach.way") in str_names(flow.step("reach.phone").when.tree)
    assert isinstance(flow.steps[flow.passes_to[start] - 1], SafeContactDone)


def str_names(tree):
    if len(tree) == 2 and tree[0] == "answers":
        return {tree}
    return {name for part in tree if isinstance(part, tuple) for name in str_names(part)}


def test_a_consent_is_an_ask_that_knows_its_purpose(bundle):
    ask = bundle.flows["women_head"].step("may_share")

    assert isinstance(ask, Ask)
    assert (ask.consent, [option.key for option in ask.options]) == ("referral", ["yes", "no"])


def test_answers_are_found_however_they_are_typed(bundle):
    ask = bundle.flows["danger_now"].step("safe_now")

    assert ask.keys_by_text["بله امن است"] == "yes"
    assert ask.skip.danger == "high"
    assert ask.numbered


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ("a: b: c", (1, 5), "دونقطه"),
        ("a: [1, 2", (1, 9), "کروشه"),
        ("a: {x: 1", (1, 9), "آکولاد"),
        ('a: "x', (1, 6), "گیومه"),
        ("a:\n\t- b", (2, 1), "Tab"),
        ("a: @x", (1, 4), "گیومهٔ لاتین"),
        ("a: - b", (1, 4), "خط تیره"),
        ("- a\nb: c", (2, 1), "هم‌تراز"),
        ("a: ]", (1, 4), "مقداری"),
        ("", (1, 1), "خالی"),
        ("a: b\n---\nc: d", (2, 1), "دو تا"),
    ],
)
def test_a_slip_of_yaml_is_told_in_plain_persian_with_line_and_column(text, place, word):
    (found,) = load_flow(text, "x.yaml")[1]

    assert (found.line, found.col) == place
    assert word in found.what_fa
    assert "expected" not in found.what_fa
    assert "ستون" in found.what_fa
