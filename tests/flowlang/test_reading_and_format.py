"""The page a reviewer signs, and the one way a script is written."""

from bot.engine.format import format_flow
from bot.engine.loader import load_flow
from bot.engine.loader_yaml import read_yaml
from bot.engine.read import read_aloud


def test_every_word_of_a_script_is_on_its_page(bundle):
    for flow in bundle.flows.values():
        page = read_aloud(flow, bundle.always)
        for step in flow.steps:
            if getattr(step, "safe", ""):
                continue
            for text in (*step.texts.text, *step.texts.sms, *step.texts.discreet):
                assert text in page
            for option in getattr(step, "options", ()):
                assert option.label in page


def test_conditions_and_dangers_are_read_in_persian(bundle):
    page = read_aloud(bundle.flows["women_head"])

    assert "فقط وقتی که خطر T1 یا T2 باشد" in page
    assert "پاسخ home «باید زود تخلیه کنیم» یا «نمی‌خواهم بگویم» باشد" in page
    assert "امشب جایی نداریم — خطر فوری (T1)؛ نوع: homelessness؛ برو به tonight" in page
    assert "پس از ۳۰ دقیقه، ۱ بار یادآوری" in page


def test_the_words_that_always_work_are_on_the_page(bundle):
    assert "quick_exit: 0، خروج، exit" in read_aloud(bundle.flows["covert"], bundle.always)


def test_formatting_keeps_the_meaning_and_is_idempotent(bundle, fixtures_dir):
    for path in sorted(fixtures_dir.glob("*.yaml")):
        text = path.read_text()
        formatted = format_flow(text)

        assert format_flow(formatted) == formatted
        if path.stem in bundle.flows:
            flow, issues = load_flow(formatted, path.name, bundle)
            assert issues == []
            assert flow == bundle.flows[path.stem]


def test_one_key_stands_on_a_line_and_short_options_stay_in_braces(text_of):
    lines = format_flow(text_of("danger_now")).splitlines()

    assert "  - escalate: soon" in lines
    assert "    tier: T2" in lines
    assert "      no: {label: نه، در خطرم, danger: immediate, go: connect}" in lines


def test_comments_are_kept():
    text = "# برای بازبین\nflow: f # نام\ntitle: t\n"

    assert format_flow(text) == text


def test_what_cannot_be_read_comes_back_unchanged():
    for text in ("", "a: 'b", "a: &x b", "a: 1\na: 2", "\0"):
        assert format_flow(text) == text


def test_yaml_1_2_words_stay_words():
    node, issues = read_yaml("no: yes\noff: 010", "f.yaml")

    assert issues == []
    assert [(entry.key, entry.value.text) for entry in node.entries] == [("no", "yes"), ("off", "010")]
