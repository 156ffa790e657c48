"""What must be heard and what must not: tables of domain.md §5.4 and §5.5 with their variants, and lists of our own."""

import random
from collections import Counter
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bot.core.screening import Tier
from bot.triage import Screener, load_lexicon
from bot.triage.lexfile import read_sections
from bot.triage.lexicon import LEXICON_DIR

DATA = Path(__file__).parent / "data"
ZWNJ = "\u200c"
#: The tier each group must reach, and one of the kinds it must carry.
GROUPS: dict[str, tuple[Tier, set[str]]] = {
    "A": ("T1", {"suicide"}),
    "B": ("T2", {"suicide"}),
    "C": ("T2", {"self_harm"}),
    "D": ("T1", {"spouse_abuse", "family_violence", "threat_weapon"}),
    "E": ("T2", {"spouse_abuse", "family_violence"}),
    "F": ("T1", {"threat_weapon"}),
    "G": ("T2", {"sexual_violence", "extortion"}),
    "H": ("T2", {"child_abuse", "child_labour"}),
    "I": ("T2", {"homelessness", "hunger"}),
    "J": ("T2", {"runaway"}),
    "K": ("T3", {"addiction"}),
    "L": ("T2", {"forced_marriage"}),
    "M": ("T3", {"custody"}),
    "N": ("T2", {"elder_abuse", "family_violence", "spouse_abuse"}),
    "O": ("T1", {"harm_to_others"}),
    "P": ("T2", set()),
}
#: Phrases of the mixed groups whose condition for T1 is met.
ALSO_T1 = (
    "بهم تجاوز شده", "به دخترم دست‌درازی شده", "ناپدریش بچه‌مو می‌سوزونه", "بچه رو با سیخ داغ کرده", "می‌خواد بچه رو بفروشه",
    "می‌خوان نوزادو بفروشن", "بچه‌م از کتک باباش زخمیه", "می‌ترسم بلایی سر بچه‌هام بیارم", "با بچه‌هام تو خیابونم",
    "برگردم خونه منو می‌کشن", "هفده سالمه تو خیابونم", "شوهرم اوردوز کرده", "اوردوز کرده نفس نمی‌کشه", "بچه متادون خورده",
    "پسرم زیاد مصرف کرده بیهوشه", "شوهرم شیشه زده چاقو برداشته", "فردا عقدمه من راضی نیستم", "مادربزرگمو بستن به تخت",
    "به خواهر معلولم غذا نمی‌دن", "برادرم معلوله زنجیرش کردن", "همسایمون بچشو کتک می‌زنه صدای جیغش میاد",
    "دارم بچه‌مو می‌زنم نمی‌تونم خودمو کنترل کنم",
)  # fmt: skip
KEYS = ("ضصثقفغعهخحجچ", "شسیبلاتنمکگ", "ظطزرذدپو", "qwertyuiop", "asdfghjkl", "zxcvbnm")


@pytest.fixture(scope="module")
def screener():
    return Screener(load_lexicon())


def load(name):
    return YAML(typ="safe").load(DATA / f"{name}.yaml")


def examples():
    sections = read_sections(LEXICON_DIR / "examples.yaml")
    return [(name[0], phrase) for name, phrases in sections.items() for phrase in phrases]


def with_a_slip(text, rnd):
    """Swap two letters, drop one, or hit the key beside it."""
    at = rnd.choice([i for i in range(len(text) - 1) if text[i].isalpha() and text[i + 1].isalpha()])
    match rnd.choice("sdk"):
        case "s":
            return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        case "d":
            return text[:at] + text[at + 1 :]
    for row in KEYS:
        near = row.find(text[at])
        if near >= 0:
            return text[:at] + row[near + 1 if near + 1 < len(row) else near - 1] + text[at + 1 :]
    return text


def held_down(text, rnd):
    at = rnd.choice([i for i, char in enumerate(text) if char.isalpha()])
    return text[:at] + text[at] * 4 + text[at + 1 :]


VARIANTS = {
    "as written": lambda text, _: text,
    "no half-space": lambda text, _: text.replace(ZWNJ, ""),
    "space for half-space": lambda text, _: text.replace(ZWNJ, " "),
    "Arabic letters": lambda text, _: text.replace("ی", "ي").replace("ک", "ك").replace(ZWNJ, ""),
    "held down": held_down,
    "spaces and marks": lambda text, _: f"  {text.replace(' ', '   ')} !!!",
    "one slip": with_a_slip,
    "another slip": with_a_slip,
}


def is_heard(screening, group, phrase):
    tier, kinds = GROUPS[group]
    wanted = "T1" if phrase in ALSO_T1 else tier
    return screening.tier is not None and screening.tier <= wanted and (not kinds or kinds & set(screening.kinds))


def test_immediate_danger_is_heard_in_every_variant(screener):
    rnd = random.Random(123)
    heard, asked = Counter(), Counter()
    for group, phrase in examples():
        if GROUPS[group][0] != "T1" and phrase not in ALSO_T1:
            continue
        for name, vary in VARIANTS.items():
            asked[name] += 1
            heard[name] += bool(is_heard(screener.screen(vary(phrase, rnd)), group, phrase))
    print({name: f"{heard[name]}/{asked[name]}" for name in VARIANTS})  # noqa: T201 - the table, shown with -rP

    assert heard.total() / asked.total() >= 0.98


def test_every_group_is_heard_at_its_tier_and_kind(screener):
    missed = [phrase for group, phrase in examples() if not is_heard(screener.screen(phrase), group, phrase)]
    by_group = Counter(group for group, phrase in examples() if phrase not in missed)
    print(dict(by_group))  # noqa: T201 - the table, shown with -rP

    assert missed == []


def test_the_patterns_alone_hear_the_examples_without_the_one_slip_index(screener, tmp_path):
    # Otherwise the examples would only prove that they equal themselves.
    for file in LEXICON_DIR.glob("*.yaml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "examples.yaml").write_text("X_none:\n  - سلام سلام سلام\n", encoding="utf-8")
    patterns_only = Screener(load_lexicon(tmp_path))
    missed = [phrase for group, phrase in examples() if not is_heard(patterns_only.screen(phrase), group, phrase)]

    assert missed == []


def test_covert_signals_set_covert_and_with_danger_are_immediate(screener):
    for phrase in ("نمی‌تونم حرف بزنم", "گوشیمو چک می‌کنه", "yavashaki payam midam"):
        screening = screener.screen(phrase)
        assert screening.covert
        assert screening.tier == "T2"

    assert screener.screen("نمی‌تونم حرف بزنم شوهرم منو می‌زنه").tier == "T1"


def test_unseen_danger_is_heard(screener):
    asked, reached, missed = Counter(), Counter(), []
    for name, phrases in load("danger").items():
        tier = name[-2:]
        for phrase in phrases:
            found = screener.screen(phrase)
            asked[tier] += 1
            reached[tier] += found.tier is not None and found.tier <= tier
            if found.tier is None and not found.soft:
                missed.append(phrase)
    print(dict(reached), dict(asked))  # noqa: T201 - the table, shown with -rP

    assert missed == []
    assert all(reached[tier] / asked[tier] >= 0.97 for tier in asked)


def test_ordinary_life_queues_nobody(screener):
    queued, urgent, asked, total = [], [], 0, 0
    for phrases in load("ordinary").values():
        for phrase in phrases:
            found = screener.screen(phrase)
            total += 1
            asked += found.soft
            if found.tier in {"T1", "T2"}:
                queued.append(phrase)
            if found.tier == "T1":
                urgent.append(phrase)
    print(len(queued), asked, total)  # noqa: T201 - the table, shown with -rP

    assert urgent == []
    assert len(queued) / total <= 0.015
    assert asked / total <= 0.03


def test_look_alikes_do_not_raise_an_immediate_alarm(screener):
    rnd = random.Random(5)
    alarms, total = [], 0
    for name, phrases in load("lookalikes").items():
        for phrase in phrases:
            for variant, vary in VARIANTS.items():
                if "slip" in variant:
                    continue
                total += 1
                found = screener.screen(vary(phrase, rnd))
                if found.tier == "T1" or (found.tier == "T2" and name != "third_party"):
                    alarms.append(phrase)

    assert len(alarms) / total <= 0.02


@pytest.mark.parametrize(
    ("heading", "labels"),
    [("history", {"history"}), ("third_party", {"third_party"}), ("info", {"info", "none"})],
)
def test_look_alikes_carry_the_label_of_their_heading(screener, heading, labels):
    wrong = [phrase for phrase in load("lookalikes")[heading] if screener.screen(phrase).label not in labels]

    assert len(wrong) <= len(load("lookalikes")[heading]) // 6, wrong


def test_denied_suicide_asks_one_gentle_question(screener):
    for phrase in ("نمی‌خوام خودکشی کنم", "قصد خودکشی ندارم", "ghasde khodkoshi nadaram"):
        found = screener.screen(phrase)
        assert found.tier is None
        assert found.soft


def test_an_idiom_does_not_hide_the_danger_beside_it(screener):
    found = screener.screen("خودمو کشتم تا نوبت گرفتم ولی شوهرم منو می‌زنه")

    assert found.tier == "T2"
    assert "spouse_abuse" in found.kinds


def test_the_flat_reader_agrees_with_ruamel():
    for file in LEXICON_DIR.glob("*.yaml"):
        assert read_sections(file) == YAML(typ="safe", pure=True).load(file), file.name


def test_scenes_without_the_usual_words_are_mostly_heard(screener):
    for name, phrases in load("scenes").items():
        tier = name[-2:]
        reached = sum((screener.screen(phrase).tier or "T9") <= tier for phrase in phrases)

        assert reached / len(phrases) >= 0.8, name
