"""Other languages on offer: refused where danger could not be heard or answered, and chosen by her alone."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from ruamel.yaml import YAML

from bot import i18n
from bot import languages as offered
from bot.commands.doctor_settings import check_settings
from bot.commands.flows_extract import merged
from bot.content import PACKAGE_FLOWS, load_or_refuse, simulated_core
from bot.core.clock import VirtualClock
from bot.core.messages import TextInput
from bot.engine.checks_texts import DISCREET_MAX, LABEL_MAX, SMS_MAX, SMS_T1_MAX
from bot.engine.model import Ask, Escalate
from bot.engine.spoken import spoken
from bot.errors import CommandError
from bot.settings import Settings, read_settings
from bot.simulator import Simulator
from escalation.console import wording

OTHERS = ("fa-AF", "azb", "ckb", "ar", "en")
#: What the scripts look up by name in a text: numbers, placeholders.
KEPT = re.compile(r"[0-9]+|\{[a-z0-9_.]+\}")
#: Where the texts around her own safety stand: code words, the opening after a silence, leaving, «stop», erasing.
SAFETY = (
    "always.safe_", "always.challenge", "always.fresh", "always.decoy", "always.always.", "always.hide_or_erase",
    "always.erase", "family_violence.erase", "violence.erase",
)  # fmt: skip
#: Letters that another language's keyboard would have left in.
FOREIGN = {"fa-AF": "يكێۆڵ", "azb": "يكىةێڵ", "ckb": "يكىة", "ar": "یکگپژەێۆڵڕ"}
CRIES = Path(__file__).parents[1] / "triage" / "data" / "languages"
#: Waits of many kinds: yes or no, a choice, deep in a script, the gentle question, a province, the language.
WAITS = (
    ("سلام",),
    ("سلام", "نه، فقط خودم"),
    ("سلام", "نه، فقط خودم", "۲"),
    ("سلام", "نه، فقط خودم", "سرپناه"),
    ("سلام", "نه، فقط خودم", "حرف زدن با مددکار"),
    ("سلام", "نه، فقط خودم", "خسته شدم از زندگی"),
    ("سلام", "نه، فقط خودم", "زبان"),
)


@pytest.fixture(scope="module")
def scripts():
    """Give the package's scripts with all catalogues."""
    return load_or_refuse(PACKAGE_FLOWS)


@pytest.fixture
def talk(scripts, screener):
    """Begin a conversation in a house that offers some languages; say lines, get the last step."""

    def run(*lines, languages=("fa",), channel="web"):
        clock = VirtualClock(datetime(2026, 11, 22, 8, tzinfo=UTC))
        core = simulated_core(offered.spoken_in(scripts, languages), screener, clock)
        simulator = Simulator(core, clock, channel=channel)
        for line in lines:
            step = simulator.send(TextInput(line))
            clock.advance(100)  # each line by itself, nothing is joined
        return step

    return run


def said(step):
    return "\n".join(one.text for one in step.out)


def labels(step):
    return [label for label, _ in step.out[-1].buttons]


def cry(language):
    return YAML(typ="safe").load(CRIES / f"{language}.yaml")["now"][1]


@pytest.mark.parametrize("wait", WAITS, ids=len)
@pytest.mark.parametrize("language", OTHERS)
def test_danger_in_any_language_opens_a_case_at_any_wait_numbers_first(talk, language, wait):
    step = talk(*wait, cry(language))  # no language but Persian is on, and she never chose another

    assert "T1" == step.tier
    assert "T1" in {case["tier"] for case in step.cases}
    assert "110" in step.out[0].text


def test_only_persian_is_on_by_default():
    assert ("fa",) == offered.languages_of(read_settings({}))


def test_the_package_could_offer_all_of_them(scripts):
    languages = offered.languages_of(read_settings({"PANAH_LANGUAGES": ", ".join(OTHERS)}))

    assert ("fa", *OTHERS) == languages
    offered.require_texts(scripts, languages)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [("fa,tr", "tr is none of fa, fa-AF, azb, ckb, ar, en"), ("fa_AF", "fa_AF is none of"), ("english", "is none of")],
)
def test_a_language_that_is_not_known_is_refused_by_name(wanted, said):
    with pytest.raises(CommandError, match=said):
        offered.languages_of(read_settings({"PANAH_LANGUAGES": wanted}))


def test_a_language_without_its_danger_lexicon_is_refused(tmp_path):
    with pytest.raises(CommandError, match="ckb has no danger lexicon, so danger would not be heard in it"):
        offered.languages_of(read_settings({"PANAH_LANGUAGES": "ckb"}), tmp_path)


def test_a_language_that_cannot_say_what_is_said_in_danger_is_refused(scripts):
    some = dict(scripts.translations["ckb"])
    del some["همین حالا 110 یا 115 یا 123 را بگیرید."]
    poorer = replace(scripts, translations={**scripts.translations, "ckb": some})

    with pytest.raises(CommandError, match=r"ckb cannot be offered, always\.danger has no translation"):
        offered.require_texts(poorer, ("fa", "ckb"))
    assert ("fa", "en") == offered.sayable(poorer, ("fa", "ckb", "en"))


def test_a_service_with_a_language_that_cannot_be_understood_fails_doctor():
    findings = list(check_settings(replace(Settings(), languages="fa,tr")))

    assert ["fail"] == [one.state for one in findings if one.name == "languages"]


def test_doctor_says_that_nobody_has_looked_at_a_language(tmp_path):
    findings = check_settings(replace(Settings(), languages="fa,ckb", flows=PACKAGE_FLOWS, var=tmp_path))
    found = [one for one in findings if one.name == "languages"]

    assert ["warn"] == [one.state for one in found]
    assert "ckb: unreviewed" in found[0].said


@pytest.mark.parametrize("language", OTHERS)
def test_numbers_and_placeholders_stay_in_a_translation(scripts, language):
    wrong = [
        text
        for text, translation in scripts.translations[language].items()
        if sorted(KEPT.findall(text)) != sorted(KEPT.findall(translation)) and "زبان؟ 1" not in text
    ]

    assert [] == wrong


@pytest.mark.parametrize("language", [one for one in OTHERS if one != "en"])
def test_a_translation_fits_where_its_persian_stands(scripts, language):
    """One in Latin letters has twice the room in an SMS."""
    known = scripts.translations[language]
    long = []
    for flow in scripts.flows.values():
        for step in flow.steps:
            most = SMS_T1_MAX if isinstance(step, Escalate) and step.tier == "T1" else SMS_MAX
            limits = [(text, most) for text in step.texts.sms] + [(text, DISCREET_MAX) for text in step.texts.discreet]
            limits += [(one.label, LABEL_MAX) for one in step.options] if isinstance(step, Ask) else []
            long += [known[text] for text, room in limits if len(known.get(text, "")) > room]

    assert [] == long


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_is_in_step_with_the_scripts(scripts, language):
    path = i18n.catalogue_path(language)
    with path.open("rb") as file:
        places = {(one.context, one.id) for one in read_po(file) if one.id}

    assert {(where, text) for where, text, _ in spoken(scripts)} == places


def test_a_changed_persian_text_makes_its_translation_fuzzy_and_unsaid(scripts, tmp_path):
    old = i18n.catalogue_path("en").read_text(encoding="utf-8")
    sentence = "Are you in a safe place now?"
    changed = old.replace("الان جای امنی هستید؟", "الان کجا هستید؟")
    target = i18n.catalogue_path("en", tmp_path)
    target.parent.mkdir(parents=True)
    target.write_text(merged(scripts, "en", changed), encoding="utf-8")

    assert sentence in i18n.load_translations()["en"].values()
    assert sentence not in i18n.load_translations(tmp_path)["en"].values()
    with target.open("rb") as file:
        assert any(one.fuzzy and one.string == sentence for one in read_po(file))


def test_who_looked_at_a_language_is_kept_and_told(scripts, tmp_path):
    old = i18n.catalogue_path("en").read_text(encoding="utf-8").replace("X-Reviewed-By: ", "X-Reviewed-By: Mina K.")
    written = merged(scripts, "en", old)
    target = i18n.catalogue_path("en", tmp_path)
    target.parent.mkdir(parents=True)
    target.write_text(written, encoding="utf-8")

    assert written == merged(scripts, "en", written)
    assert ("Mina K.", "") == (i18n.reviewer_of("en", tmp_path), i18n.reviewer_of("en"))
    assert read_po(io.BytesIO(written.encode())) is not None


def test_a_check_names_what_cannot_be_said_in_danger_and_counts_the_rest(scripts):
    poorer = replace(scripts, translations={"en": {"بله": "Yes"}})
    danger, everything = offered.missing(poorer, "en"), offered.missing(poorer, "en", everything=True)

    assert {"always.danger", "always.soft_check_suicide", "numbers.urgent", "welcome.hello"} <= set(danger)
    assert "always.danger.discreet" not in danger  # «110 / 123» is the same in every language
    assert set(danger) < set(everything)
    assert [] == offered.missing(poorer, "fa")


def test_staff_see_her_language_and_that_nobody_has_looked_at_its_words():
    assert "" == wording.other_language("fa")
    assert "کردی (متن‌ها بازبینی‌نشده)" == wording.other_language("ckb")


def test_the_language_is_offered_only_where_there_is_a_choice(talk):
    assert "language" not in said(talk("سلام"))
    assert "Write “language”" in said(talk("سلام", languages=("fa", "en")))
    assert "فقط به فارسی" in said(talk("سلام", "نه، فقط خودم", "زبان"))


def test_she_chooses_among_those_that_are_on(talk):
    step = talk("سلام", "نه، فقط خودم", "language", languages=("fa", "ckb", "en"))

    assert ["فارسی", "کوردی", "English"] == labels(step)


def test_dari_is_chosen_by_its_name(talk):
    step = talk("سلام", "نه، فقط خودم", "زبان", "دری", languages=("fa", "fa-AF"))

    assert {"language": "fa-AF"}.items() <= next(one for one in step.events if "language" in one).items()


def test_she_is_answered_in_the_language_she_chose_and_told_persian_where_it_has_no_words(talk):
    english = ("fa", "en")
    start = ("سلام", "نه، فقط خودم", "language", "English")

    assert "Which is closest to you?" in said(talk(*start, languages=english))
    assert "Call 110, 115 or 123 right now." in said(talk(*start, "he is going to kill me", languages=english))
    untranslated = talk(*start, "Help for living", languages=english)
    assert "برای کدام کمک می‌خواهید؟" in said(untranslated)


@pytest.mark.parametrize(
    ("name", "language", "yes", "no"),
    [("English", "en", "yes", "nope"), ("کوردی", "ckb", "بەڵێ", "نه‌خێر"), ("تورکجه", "azb", "هه", "یوخ"),
     ("عربی", "ar", "نعم", "لا"), ("دری", "fa-AF", "ها", "نی")],
)  # fmt: skip
def test_a_yes_in_her_language_is_a_yes(talk, name, language, yes, no):
    start = ("سلام", "نه، فقط خودم", "زبان", name, "حرف زدن با مددکار")

    in_danger = talk(*start, no, languages=("fa", language))  # «are you in a safe place now?»
    safe = talk(*start, yes, languages=("fa", language))

    assert "T1" == in_danger.tier
    assert "T1" != safe.tier
    assert safe.out


def test_a_published_version_without_a_language_speaks_it_as_it_is_today(scripts):
    older = replace(scripts, translations={"en": {"بله": "Aye"}})
    spoken_now = offered.spoken_in(older, ("fa", "en", "ckb"))

    assert {"بله": "Aye"} == spoken_now.translations["en"]
    assert "بەڵێ" == spoken_now.translations["ckb"]["بله"]
    assert {} == offered.spoken_in(older, ("fa",)).translations


@pytest.mark.parametrize("language", OTHERS)
def test_code_words_leaving_and_erasing_are_said_in_her_language(scripts, language):
    assert [] == [one for one in offered.missing(scripts, language, everything=True) if one.startswith(SAFETY)]


@pytest.mark.parametrize(("language", "foreign"), FOREIGN.items())
def test_a_translation_is_written_with_the_letters_of_its_language(language, foreign):
    words = i18n.load_translations()[language] | i18n.load_translations(catalogue=i18n.PAGE)[language]
    own = [re.sub("«[^»]*»", "", said) for said in words.values()]  # what is quoted is a word to be typed

    assert [] == [said for said in own if re.search(f"[{foreign}]", said)]


@pytest.mark.parametrize(
    ("name", "language", "weather", "opening"),
    [("کوردی", "ckb", "سبەی ئاسمان", "سڵاو. بۆ دەستپێک 1 بنێرن."), ("تورکجه", "azb", "صاباح هاوا", "باشلاماغا 1 گؤندرین."),
     ("عربی", "ar", "الجو باچر", "للبدء أرسلوا 1."), ("English", "en", "Tomorrow will be", "To start, send 1.")],
)  # fmt: skip
def test_leaving_and_the_opening_after_it_are_in_her_language(talk, name, language, weather, opening):
    start = ("سلام", "نه، فقط خودم", "زبان", name, "0")

    assert weather in said(talk(*start, languages=("fa", language)))
    assert opening in said(talk(*start, "سلام", languages=("fa", language)))


def test_english_is_written_from_the_left():
    assert ["rtl", "rtl", "rtl", "rtl", "rtl", "ltr"] == [i18n.direction(language) for language in i18n.NAMES]
