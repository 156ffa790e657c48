"""One thing is changed in a clean script of flow-language §8; the checker must name it, and nothing on the clean ones."""

import re
from dataclasses import replace
from datetime import date

import pytest

from bot.core.screening import NOTHING_FOUND, Screening
from bot.engine.checks import CheckOptions, check_bundle
from bot.engine.loader import load_flow
from bot.engine.model import Card, Texts

TODAY = date(2026, 11, 22)
OPTIONS = CheckOptions(today=TODAY)

FAULTS = [
    ("danger_now", r"- \{escalate: soon.*\n", "", "debt_at_end"),
    ("danger_now", r"danger: immediate, go: connect\}\n    skip", "danger: immediate, go: safe}\n    skip", "danger_not_escalated"),
    ("danger_now", r"escalate: connect, tier: T1", "escalate: connect, tier: T2", "tier_too_weak"),
    ("danger_now", r"^silence: .*\n", "", "no_silence_block"),
    ("danger_now", r"1[12][035]", "آن شماره", "no_number_at_end"),
    ("danger_now", r"- go: tell\n(?=tests)", "", "falls_off"),
    ("danger_now", r"- go: tell\n(?=tests)", "- go: tel\n", "unknown_target"),
    ("danger_now", r"after: 3m, then: tell", "after: 3m, then: stay", "silence_circle"),
    ("danger_now", r"go: ambulance", "go: connect", "unreachable_step"),
    ("danger_now", r"- go: tell\n(?=tests)", "- say: more\n  text: باشد.\n- go: more\n", "loop_without_wait"),
    ("danger_now", r"skip: \{danger: high\}\}\n- \{escalate", "skip: نمی‌دانم}\n- {escalate", "skip_not_counted"),
    ("danger_now", r"yes: \{danger: immediate, go: ambulance\}\}, skip: \{danger: high\}", "yes: {danger: immediate, go: ambulance}}", "skip_not_counted"),
    ("danger_now", r"if_no_staff: call_now, ", "", "escalate_incomplete"),
    ("danger_now", r"ask: hurt", "ask: near", "duplicate_id"),
    ("danger_now", r"\{ask: near,", "{ask: near, when: hurt == no,", "read_before_write"),
    ("danger_now", r"when: risk == T1 \| T2", "when: hour >= 0", "always_true"),
    ("danger_now", r"when: risk == T1 \| T2", "when: risk == T4", "always_false"),
    ("danger_now", r"went: رفتم", "went: کمک", "word_taken"),
    ("danger_now", r"cannot: نمی‌توانم", "cannot: رفتم", "same_answer"),
    ("danger_now", r"text: ممنون که", "txt: ممنون که", "unknown_key"),
    ("danger_now", r"free_text: \{\}", "free_text: {}, phone: {}", "which_type"),
    ("danger_now", r"\{say: ambulance", "{say: ambulance, ask: ambulance", "which_step"),
    ("danger_now", r"text: همین حالا 115 را بگیرید\.", "text: [الف 115, ب, پ, ت]", "too_large"),
    ("women_head", r"when: may_share == yes, ", "", "no_consent"),
    ("women_head", r"when: contact\.safe == set, ", "", "unsafe_contact"),
    ("women_head", r"severe: \{points: 4\.\.", "severe: {points: 5..", "bands_gap"),
    ("women_head", r"hard: \{points: 2\.\.3", "hard: {points: 2..4", "bands_overlap"),
    ("women_head", r"home == soon", "home == sonn", "not_in_domain"),
    ("women_head", r"if: food == little", "if: fod == little", "unknown_name"),
    ("women_head", r"children >= 3", "home >= 3", "wrong_type"),
    ("women_head", r"children >= 3", "children = 3", "condition_unreadable"),
    ("women_head", r"known\(child_work\) and child_work != no", "known(child_work) and home == ok or food == ok", "mixed_and_or"),
    ("women_head", r"known\(child_work\) and child_work != no", "child_work != no", "read_before_write"),
    ("women_head", r"- \{escalate: worker.*\n", "", "low_unanswered"),
    ("women_head", r"number: \{min: 1", "number: {min: 0", "zero_taken"),
    ("women_head", r"escalate: soon, when: risk == T1 \| T2, tier: T2", "escalate: soon, when: risk == T1 | T2, tier: T3", "tier_too_weak"),
    ("women_head", r"screen: phq2", "screen: phq22", "unknown_instrument"),
    ("women_head", r"card: women_head_rights", "card: womens_rights", "unknown_card"),
    ("women_head", r"to: social_base", "to: base", "unknown_directory"),
    ("women_head", r"flow: check_in", "flow: chek_in", "unknown_flow"),
    ("women_head", r"go: \{acute: tonight\}", "go: {acut: tonight}", "not_in_domain"),
    ("women_head", r"kinds: \[hunger\]", "kinds: [hungry]", "unknown_kind"),
    ("women_head", r"خاطرتان جمع است", "خاطرتان {tell} جمع است", "echo"),
    ("women_head", r"خاطرتان جمع است", "خاطرتان {cod} جمع است", "unknown_placeholder"),
    ("covert", r"discreet: دریافت شد\. 110 / 123", "discreet: دریافت شد.", "no_number_at_end"),
    ("covert", r"discreet: باشد\.", "discreet: مددکار خبر شد.", "discloses"),
    ("covert", r" 5 رد", "", "discreet_numbers"),
    ("check_in", r"text: سلام\. طبق", "text: سلام. مددکارم. طبق", "discloses"),
    ("check_in", r"text: سلام\. طبق", "text: سلام. 123 هستیم. طبق", "discloses"),
    ("women_head", r"after: 30m, remind: 1, then", "after: 30m, remind: 1, remind_text: مددکار هنوز هست., then", "discloses"),
    ("always", r"text: هر وقت فرصت داشتید", "text: 123 باز است. هر وقت فرصت داشتید", "discloses"),
    ("covert", r"if: what == none", "if: what != none", "debt_at_end"),
    ("covert", r"tests:\n(.*\n)*", "", "no_test"),
    ("danger_now", r"reviewers: .*\n", "", "missing_reviewer"),
    ("danger_now", r"reviewers: .*\n", "reviewers: [clinician]\n", "missing_reviewer"),
    ("danger_now", r"reviewers: .*\n", "reviewers: [clinician, clinician, ' ', … نقش بازبین]\n", "missing_reviewer"),
    ("covert", r"owner: .*\n", "owner: … نام دفتر مسئول\n", "to_fill"),
    ("covert", r"sources: .*\n", "sources: [… نام و سال]\n", "to_fill"),
    ("covert", r"sources: .*\n", "", "no_sources"),
    ("covert", r"sources: .*\n", 'sources: [" "]\n', "no_sources"),
    ("covert", r"safe_contact: reach", "call: covert", "recursion"),
    ("covert", r"label: الان در خطرم", "label: الان در خطرم و کسی نیست که کمکم کند", "too_long"),
    ("covert", r"text: متأسفم", "text: چرا نگفتید؟ متأسفم", "blame_word"),
    ("covert", r"none: هیچ‌کدام", "none: هیچ‌کدام # نه", "comment_in_text"),
]  # fmt: skip


def rules_of(bundle, text, flow, options=OPTIONS):
    loaded, issues = load_flow(text, f"{flow}.yaml", bundle)
    assert loaded is not None
    changed = replace(bundle, flows={**bundle.flows, flow: loaded})
    return issues + check_bundle(changed, replace(options, flows=(flow,)))


@pytest.mark.parametrize("flow", ["danger_now", "women_head", "covert", "check_in", "welcome", "always"])
def test_nothing_is_reported_on_a_clean_script(bundle, text_of, flow):
    found = rules_of(bundle, text_of(flow), flow)

    assert [issue for issue in found if issue.rule != "no_discreet"] == []


def test_texts_without_a_discreet_form_are_counted_once_a_script(bundle, text_of):
    (found,) = [issue for issue in rules_of(bundle, text_of("check_in"), "check_in") if issue.rule == "no_discreet"]

    assert found.what_en.startswith("4 texts have no discreet form")
    assert found.severity == "W"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault[0]}-{fault[3]}")
def test_a_seeded_fault_is_found(bundle, text_of, fault):
    flow, pattern, put, rule = fault
    changed, count = re.subn(pattern, put, text_of(flow), flags=re.MULTILINE)
    assert count > 0

    found = rules_of(bundle, changed, flow)

    assert rule in {issue.rule for issue in found}
    assert all(issue.render() and issue.render("en") for issue in found)


def test_a_broken_claim_comes_with_the_shortest_conversation(bundle, text_of):
    broken = re.sub(r"- \{escalate: soon.*\n", "", text_of("danger_now"))

    [issue] = [issue for issue in rules_of(bundle, broken, "danger_now") if issue.rule == "debt_at_end"]

    assert issue.example == "بله، امن است › نه › نمی‌خواهم بگویم"
    assert issue.file == "danger_now.yaml"
    assert "[بله، امن است › نه › نمی‌خواهم بگویم]" in issue.render()


SMALL = """
flow: small
title: کوچک
owner: آزمون
silence: {{after: 5m, then: {then}}}
steps:
{steps}
"""


def small(bundle, steps, then="pause", options=OPTIONS, extra=""):
    text = SMALL.format(steps=steps, then=then) + extra
    return {issue.rule: issue for issue in rules_of(bundle, text, "small", options)}


def test_a_circle_without_an_end_or_a_person_is_a_dead_end(bundle):
    found = small(bundle, "- {ask: a, text: کدام؟, choice: {x: این, y: آن}}\n- go: a")

    assert "dead_end" in found


def test_a_high_danger_must_be_paid_within_twelve_answers(bundle):
    asks = "\n".join(f"- {{ask: q{n}, text: پرسش؟, choice: {{x: این, y: آن}}}}" for n in range(13))
    first = "- {ask: first, text: خوبید؟, yes_no: {yes: {danger: high}}, skip: {danger: high}}"
    last = "- {escalate: e, when: risk == T2, tier: T2, text: 123 را بگیرید.}\n- {end: bye, text: 123}"

    assert "debt_too_long" in small(bundle, f"{first}\n{asks}\n{last}")
    assert "debt_too_long" not in small(bundle, f"{first}\n{last}")


def test_a_couple_card_is_refused_after_violence(bundle):
    joint = Card(
        id="couple", title="دونفره", sources=("x",), reviewed_on="2026-10-01", status="reviewed", tags=("joint",),
        messages=(Texts(text=("با هم حرف بزنید. 123",)),),
    )  # fmt: skip
    with_card = replace(bundle, cards={**bundle.cards, "couple": joint})
    ask = "- {ask: a, text: چه شده؟, choice: {x: {label: کتک, danger: low, kinds: [spouse_abuse]}, y: قهر}}"
    rest = "- {escalate: e, when: risk == T3, tier: T3, text: 123}\n- {end: bye, text: 123}"

    assert "joint_after_violence" in small(with_card, f"{ask}\n- {{guide: g, card: couple}}\n{rest}")
    assert "joint_after_violence" not in small(
        with_card, f"{ask}\n- {{guide: g, when: risk == none, card: couple}}\n{rest}"
    )


def test_a_turn_of_six_messages_is_too_long(bundle):
    says = "\n".join(f"- {{say: s{n}, text: سلام}}" for n in range(6))

    assert "turn_too_long" in small(bundle, says + "\n- {end: bye}")


def test_names_that_do_not_fit_a_telegram_button_are_refused(bundle):
    long = "a" * 31

    assert "names_too_long" in small(
        bundle, f"- {{ask: {long}, text: کدام؟, choice: {{{long}: این, y: آن}}}}\n- end: bye"
    )


def test_a_label_that_speaks_of_danger_needs_a_tag_or_a_note(bundle):
    def screen(text):
        return Screening(tier="T1", label="danger") if "می‌کشم" in text else NOTHING_FOUND

    options = replace(OPTIONS, screen=screen)
    ask = "- {{ask: a, {note}text: کدام؟, choice: {{x: خودم را می‌کشم, y: آن}}}}\n- {{end: bye}}"

    assert "untagged_danger" in small(bundle, ask.format(note=""), options=options)
    assert "untagged_danger" in small(bundle, ask.format(note="note: پیش‌نویس, "), options=options)
    assert "untagged_danger" not in small(bundle, ask.format(note="note: این‌جا خبر خطر نیست, "), options=options)


def test_an_authors_claim_is_proved_or_answered_with_a_conversation(bundle):
    steps = "- {ask: a, text: کدام؟, choice: {x: این, y: آن}}\n- {end: bye}"
    claim = "properties:\n- {id: never_y, never: a == y, at: end}\n"

    assert small(bundle, steps, extra=claim)["property_broken"].example == "آن"


def test_personal_questions_need_their_consent(bundle):
    phone = "- {ask: p, text: شماره؟, phone: {}}\n- {end: bye}"
    consent = "- {consent: ok, purpose: contact, text: اجازه هست؟}\n"

    assert "no_consent" in small(bundle, phone)
    assert "no_consent" not in small(bundle, consent + phone.replace("{ask: p,", "{ask: p, when: ok == yes,"))


def test_an_old_card_and_an_unchecked_line_are_named(bundle):
    later = CheckOptions(today=date(2028, 1, 1), is_explored=False)

    assert {"old_card", "old_line"} <= {issue.rule for issue in check_bundle(bundle, later)}


def test_calls_deeper_than_four_are_refused(bundle):
    flows = dict(bundle.flows)
    for n in range(6):
        text = f"flow: f{n}\ntitle: t\nowner: o\nsteps:\n- {{call: c, flow: f{n + 1}}}\n- {{end: e}}\n"
        flows[f"f{n}"] = load_flow(text, f"f{n}.yaml", bundle)[0]
    flows["f6"] = load_flow("flow: f6\ntitle: t\nowner: o\nsteps:\n- {end: e}\n", "f6.yaml", bundle)[0]
    changed = replace(bundle, flows=flows)

    assert "calls_too_deep" in {issue.rule for issue in check_bundle(changed, OPTIONS)}


def test_a_missing_silence_block_is_one_error_with_a_count(bundle, text_of):
    found = rules_of(bundle, re.sub(r"^silence: .*\n", "", text_of("danger_now"), flags=re.MULTILINE), "danger_now")

    (block,) = [issue for issue in found if issue.rule.startswith("no_silence")]
    assert re.search(r"\d+ questions lack it", block.what_en)
    assert (block.line, block.col) == (1, 1)
    assert "silence: {after: 10m" in block.mend_fa


def test_a_danger_that_ends_elsewhere_is_named_at_its_own_question(bundle, text_of):
    added = (
        "- {ask: hurt_now, text: الان؟, choice: {x: {label: بله, danger: immediate, go: gone}, y: نه}}\n- {end: gone}"
    )
    callee = load_flow(
        f"flow: callee\ntitle: t\nowner: o\nsilence: {{after: 10m, then: settle}}\nsteps:\n{added}\n",
        "callee.yaml",
        bundle,
    )[0]
    caller = "flow: caller\ntitle: t\nowner: o\nsilence: {after: 10m, then: settle}\nsteps:\n- {call: c, flow: callee}\n- {ask: z, text: ؟, choice: {x: این, y: آن}}\n- {end: bye}\n"
    with_callee = replace(bundle, flows={**bundle.flows, "callee": callee})
    whole = replace(
        with_callee, flows={**with_callee.flows, "caller": load_flow(caller, "caller.yaml", with_callee)[0]}
    )

    found = check_bundle(whole, replace(OPTIONS, flows=("caller",)))

    (named,) = [issue for issue in found if issue.rule == "danger_not_escalated"]
    assert (named.file, named.line) == ("callee.yaml", 6)
    assert "hurt_now" in named.what_fa
    assert named.example


@pytest.mark.parametrize(("word", "is_near"), [("tenants", False), ("women_head_right", True), ("zzz", False)])
def test_only_what_is_close_is_suggested(bundle, text_of, word, is_near):
    changed = text_of("women_head").replace("card: women_head_rights", f"card: {word}")

    (found,) = [issue for issue in rules_of(bundle, changed, "women_head") if issue.rule == "unknown_card"]

    assert is_near == ("نزدیک‌ترین: women_head_rights" in found.what_fa)
    assert is_near == ("the nearest is" in found.what_en)
    assert "-" not in found.what_fa.replace("نزدیک‌ترین", "")
