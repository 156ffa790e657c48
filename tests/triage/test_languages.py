"""Danger in other languages: heard always, however it is typed, and nothing made of ordinary lines."""

from dataclasses import replace
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bot.core.text import words
from bot.triage import LexiconError, Screener, load_lexicon
from bot.triage.languages import SCENES, Languages, files_of, load_languages
from bot.triage.lexfile import read_sections
from bot.triage.lexicon import LEXICON_DIR

DATA = Path(__file__).parent / "data"
LANGUAGES = ("ar", "azb", "ckb", "en", "fa-AF")
#: What a keyboard without these letters gives.
PERSIAN_KEYS = str.maketrans("ەێۆڵڕ", "هیولر")
PLAIN_LATIN = str.maketrans("əıöüşçğƏİÖÜŞÇĞ", "eiouscgEIOUSCG")
ARABIC_KEYS = str.maketrans("یک", "يك")


@pytest.fixture(scope="module")
def lexicon():
    return load_lexicon()


@pytest.fixture(scope="module")
def screener(lexicon):
    return Screener(lexicon)


@pytest.fixture(scope="module")
def persian_only(lexicon):
    return Screener(replace(lexicon, languages=Languages()))


def lines(language, part):
    return YAML(typ="safe").load(DATA / "languages" / f"{language}.yaml")[part]


def typed(text):
    """Give a line as other keyboards and hurried people type it."""
    return {
        text,
        text.translate(PERSIAN_KEYS),
        text.translate(PLAIN_LATIN),
        text.translate(ARABIC_KEYS),
        text.replace("\u200c", ""),
        text.upper() if text.isascii() else text,
        f"{text}!!!",
    }


def as_heard(language, part, screener, tiers):
    return [
        line for cry in lines(language, part) for line in sorted(typed(cry)) if screener.screen(line).tier not in tiers
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_immediate_danger_is_t1_however_it_is_typed(screener, language):
    assert 40 <= len(lines(language, "now"))
    assert [] == as_heard(language, "now", screener, {"T1"})


@pytest.mark.parametrize("language", LANGUAGES)
def test_urgent_danger_opens_a_case_however_it_is_typed(screener, language):
    assert 40 <= len(lines(language, "soon"))
    assert [] == as_heard(language, "soon", screener, {"T1", "T2"})


@pytest.mark.parametrize("language", LANGUAGES)
def test_ordinary_lines_raise_nothing(lexicon, language):
    calm = lines(language, "calm")

    assert [] == [line for line in calm if list(lexicon.languages.hear(line, words(line)))]


@pytest.mark.parametrize("name", ["ordinary", "lookalikes"])
def test_ordinary_persian_raises_nothing(lexicon, name):
    said = [line for part in YAML(typ="safe").load(DATA / f"{name}.yaml").values() for line in part]

    assert [] == [line for line in said if list(lexicon.languages.hear(line, words(line)))]


def test_other_languages_never_lower_a_verdict(screener, persian_only):
    cries = [line for language in LANGUAGES for part in ("now", "soon") for line in lines(language, part)]
    persian = YAML(typ="safe").load(DATA / "danger.yaml")
    cries += [line for part in persian.values() for line in part]

    for line in cries:
        before, after = persian_only.screen(line), screener.screen(line)
        assert (after.tier or "T9") <= (before.tier or "T9")
        assert set(before.kinds) <= set(after.kinds)


def test_the_evidence_says_where_and_in_which_language(screener):
    text = "سڵاو، مێردەکەم لێم دەدات"
    found = screener.screen(text)

    assert "spouse_abuse" in found.kinds
    assert ["مێردەکەم لێم دەدات"] == [
        text[one.start : one.end] for one in found.evidence if one.pattern == "ckb.D.spouse"
    ]
    assert all("کردی" in one.why for one in found.evidence if one.pattern.startswith("ckb."))


def test_a_cry_in_two_messages_is_heard(screener):
    assert "T1" == screener.screen("منی دؤیور", ["اریم هر گون"]).tier
    assert "T1" == screener.screen("يضربني", ["زوجي"]).tier


def test_a_film_is_no_danger_but_asked_about(screener):
    for text in ("filmdə kişi onu öldürəcək, məni yox", "في الفيلم البطل يقول راح يقتلني"):
        assert screener.screen(text).tier is None


def test_a_cry_beside_persian_is_heard(screener):
    assert "T1" == screener.screen("سلام خوبید؟ اریم منی دؤیور لطفا کمک کنید").tier


def test_the_version_changes_with_a_lexicon_of_another_language(tmp_path, lexicon):
    copy_lexicon(tmp_path)
    path = tmp_path / "languages" / "en.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("my bf", "my bf, my man"), encoding="utf-8")

    assert load_lexicon(tmp_path).version != lexicon.version


@pytest.mark.parametrize("path", files_of(LEXICON_DIR), ids=lambda path: path.stem)
def test_a_file_means_the_same_to_any_yaml_reader(path):
    assert read_sections(path) == plain(YAML(typ="safe").load(path))


def test_no_word_stands_in_a_class_of_no_scene(tmp_path):
    wrong(tmp_path, "  ME: me, us", "  ME: me, us\n  MEE: mee")
    with pytest.raises(LexiconError, match=r"en\.yaml: no scene has MEE"):
        load_languages(tmp_path, "")


def test_a_lexicon_must_say_who_looked_at_it(tmp_path):
    wrong(tmp_path, "status: unreviewed", "status: reviewed")
    with pytest.raises(LexiconError, match=r"en\.yaml must name who reviewed it"):
        load_languages(tmp_path, "")
    wrong(tmp_path, "status: unreviewed", "status: fine")
    with pytest.raises(LexiconError, match="reviewed or unreviewed"):
        load_languages(tmp_path, "")


def test_a_stem_that_begins_half_the_words_is_refused(tmp_path):
    wrong(tmp_path, "  ME: me, us", "  ME: me, us, i*")
    with pytest.raises(LexiconError, match="too short"):
        load_languages(tmp_path, "")


def test_words_without_scenes_are_refused(tmp_path):
    wrong(tmp_path, "", "")
    (tmp_path / "languages" / f"{SCENES}.yaml").unlink()
    with pytest.raises(LexiconError, match="have no scenes"):
        load_languages(tmp_path, "")


def wrong(folder, old, new):
    """Write the English lexicon with one change, and the scenes."""
    (folder / "languages").mkdir(exist_ok=True)
    for name in ("en", SCENES):
        text = (LEXICON_DIR / "languages" / f"{name}.yaml").read_text(encoding="utf-8")
        (folder / "languages" / f"{name}.yaml").write_text(text.replace(old, new) if name == "en" else text, "utf-8")


def copy_lexicon(folder):
    for path in LEXICON_DIR.rglob("*"):
        if path.is_file():
            target = folder / path.relative_to(LEXICON_DIR)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(path.read_bytes())


def plain(value):
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return "" if value is None else str(value)
