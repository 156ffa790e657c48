import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.engine.model import Ask
from bot.handlers.sms import PARTS_MAX, economical, encoding, fit, pages, parts, units

T1 = "در خطرید؟ همین حالا 110 یا 123. برای تماس ما عدد 1 را بفرستید."


@pytest.mark.parametrize(
    ("text", "alphabet", "size", "in_parts"),
    [
        ("", "gsm7", 0, 1),
        ("a" * 160, "gsm7", 160, 1),
        ("a" * 161, "gsm7", 161, 2),
        ("a" * 306, "gsm7", 306, 2),
        ("a" * 307, "gsm7", 307, 3),
        ("€" * 80, "gsm7", 160, 1),
        ("€" * 81, "gsm7", 162, 2),
        ("ن" * 70, "ucs2", 70, 1),
        ("ن" * 71, "ucs2", 71, 2),
        ("ن" * 134, "ucs2", 134, 2),
        ("ن" * 135, "ucs2", 135, 3),
        ("a" * 70 + "ن", "ucs2", 71, 2),
        ("😀" * 35, "ucs2", 70, 1),
        ("😀" * 36, "ucs2", 72, 2),
        (T1, "ucs2", 62, 1),
    ],
)
def test_a_text_costs_what_the_standard_says(text, alphabet, size, in_parts):
    assert (encoding(text), units(text), parts(text)) == (alphabet, size, in_parts)


def test_idle_half_spaces_emoji_and_blank_lines_are_not_paid_for():
    text = "کار\u200cها  را 😀 می\u200cبینیم\u00a0.\n\n\nباز\u200c گردید"

    assert economical(text) == "کارها را می\u200cبینیم .\nباز گردید"


def test_half_spaces_go_when_that_saves_a_part():
    text = "می\u200cخواهیم " * 7 + "ن"

    assert (len(text), parts(text)) == (71, 2)
    assert parts(economical(text)) == 1


def test_a_long_text_ends_with_a_sentence_and_keeps_its_answers_whole():
    text = "یک جمله‌ی نسبتاً بلند درباره‌ی کمک. " * 8 + "\n1 بله\n2 نه\n3 نمی‌دانم"

    cut = fit(text)

    assert parts(cut) <= PARTS_MAX
    assert cut.endswith(".\n1 بله\n2 نه\n3 نمی‌دانم")


def test_words_without_a_sentence_end_are_cut_between_words():
    cut = fit("واژه " * 60)

    assert parts(cut) == PARTS_MAX
    assert cut.endswith("واژه…")


def test_a_counsellors_words_go_on_in_a_next_sms():
    text = "\n".join(f"جمله‌ی شماره‌ی {n} از چیزی که مشاور می‌نویسد." for n in range(8))

    found = pages(text, 4)

    assert len(found) == 3
    assert all(parts(page) <= PARTS_MAX for page in found)
    assert "\n".join(found) == text.replace("\u200c", "")


@given(st.text(alphabet=st.sampled_from("ابپ .؟\n\u200c😀a1۱ "), max_size=700))
def test_whatever_is_written_fits(text):
    assert parts(fit(text)) <= PARTS_MAX
    assert all(parts(page) <= PARTS_MAX for page in pages(text, 4))
    assert economical(economical(text)) == economical(text)


def as_sent(step, *, covert):
    """Give a step's messages in sms mode, its answers numbered under the last, as bot.engine.render does."""
    texts = list(step.texts.variant("sms", covert=covert))
    if texts and isinstance(step, Ask) and step.options and not (covert and step.texts.discreet):
        lines = [f"{number} {option.label}" for number, option in enumerate(step.options, 1)]
        words = " / ".join(option.label for option in step.options)
        texts[-1] += "\n" + ("\n".join(lines) if step.numbered else f"یا بنویسید: {words}")
    return texts


def test_no_text_of_our_scripts_is_cut_by_sms(bundle):
    steps = [step for flow in bundle.flows.values() for step in flow.steps if hasattr(step, "texts")]
    texts = [text for step in steps for covert in (False, True) for text in as_sent(step, covert=covert)]

    assert len(texts) > 300
    assert [text for text in texts if fit(text) != economical(text)] == []
