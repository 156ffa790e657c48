"""`panah directory import`: a dry run first, clear words about wrong lines, the same file twice changes nothing."""

import shutil
from datetime import date

import pytest

from bot.cli import main
from bot.commands.directory import plan
from bot.commands.doctor_rows import _directory
from bot.content import PACKAGE_FLOWS, load_or_refuse
from bot.engine.model import Bundle, DirectoryType

HEAD = "type,province,city,neighbourhood,name,phone,hours,verified_on,example\n"
ROW = "social_base,کرمان,کرمان,آفتاب,پایگاه تازه (نمونهٔ ساختگی),000-00000000,شنبه تا چهارشنبه 8 تا 14,2026-11-22,yes\n"


@pytest.fixture
def few(tmp_path):
    """Copy enough scripts to stand on."""
    directory = tmp_path / "flows"
    (directory / "directory").mkdir(parents=True)
    for name in ("always.yaml", "helplines.yaml", "directory/social_base.yaml", "directory/ngo.yaml"):
        shutil.copy(PACKAGE_FLOWS / name, directory / name)
    fixture = "flow: welcome\ntitle: x\nowner: x\nsilence: {after: 10m, then: settle}\nsteps:\n- end: bye\n  text: باشد. 123\n"
    (directory / "welcome.yaml").write_text(fixture, "utf-8")
    return directory


def run(few, text, *more):
    file = few.parent / "places.csv"
    file.write_text(text, "utf-8")
    return main(["directory", "import", str(file), str(few), *more])


def names(few):
    return [place["name"] for place in load_or_refuse(few).directory["social_base"].places]


def test_without_write_it_says_what_would_change_and_changes_nothing(few, capsys):
    before = (few / "directory/social_base.yaml").read_bytes()

    assert run(few, HEAD + ROW) == 0
    out = capsys.readouterr().out
    assert "social_base: 1 new, 0 changed, 0 closed, 0 as before" in out
    assert "Nothing was written" in out
    assert (few / "directory/social_base.yaml").read_bytes() == before


def test_writing_twice_is_writing_once(few, capsys):
    old = names(few)

    assert run(few, HEAD + ROW, "--write") == 0
    first = (few / "directory/social_base.yaml").read_bytes()
    assert names(few) == [*old, "پایگاه تازه (نمونهٔ ساختگی)"]
    assert run(few, HEAD + ROW, "--write") == 0
    assert "already says this" in capsys.readouterr().out
    assert (few / "directory/social_base.yaml").read_bytes() == first
    assert load_or_refuse(few).directory["social_base"].places[-1]["province"] == "kerman"


def test_a_new_telephone_is_a_change_and_a_closed_place_goes(few):
    run(few, HEAD + ROW, "--write")
    run(few, HEAD + ROW.replace("000-00000000", "000-11111111"), "--write")
    assert load_or_refuse(few).directory["social_base"].places[-1]["phone"] == "000-11111111"

    run(few, "closed," + HEAD + "yes," + ROW, "--write")
    assert "پایگاه تازه (نمونهٔ ساختگی)" not in names(few)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (ROW.replace("کرمان,کرمان", "کرمانی,کرمان"), "line 2: there is no province"),
        (ROW.replace("social_base", "bakery"), "line 2: there is no type bakery; known are ngo, social_base"),
        (ROW.replace("000-00000000", ""), "line 2: phone is empty"),
        (ROW.replace("2026-11-22", "1405/9/1"), "line 2: verified_on is no day like 2026-11-22"),
        (ROW.replace("پایگاه تازه", "خانه امن بهار"), "line 2: a safe house is never written down"),
        (ROW + ROW, "line 3: the same place stands in line 2"),
        (ROW.replace(",yes", ",yes,more"), "line 2: it has more cells than the first line"),
        (ROW.replace(",کرمان,آفتاب", ",,آفتاب"), "line 2: a neighbourhood needs its city"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_imported(few, capsys, row, words):
    before = (few / "directory/social_base.yaml").read_bytes()

    assert run(few, HEAD + row, "--write") == 2
    assert words in capsys.readouterr().err
    assert (few / "directory/social_base.yaml").read_bytes() == before


FORMULAS = ("=1+1", "+HYPERLINK(1)", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " \n@x", "＝1", "＋x", "＠x", "\u00a0=1",
            "=cmd|' /C calc'!A0")  # fmt: skip
UNSEEN = ("پایگاه \u202eTXET\u202c", "پایگاه \u2067abc", "پایگاه \x1b[31m", "پایگاه \x00", "پایگاه \U000e0041",
          "پایگاه \u2066", "پایگاه \ufeff", "پایگاه \x9b2J")  # fmt: skip


def named(cell):
    """Give a row whose place has this name."""
    return ROW.replace("پایگاه تازه (نمونهٔ ساختگی)", '"' + cell.replace('"', '""') + '"')


def test_formulas_hidden_signs_and_long_cells_are_refused_line_by_line(few, capsys):
    before = (few / "directory/social_base.yaml").read_bytes()

    assert run(few, HEAD + "".join(map(named, (*FORMULAS, *UNSEEN, "پ" * 201))), "--write") == 2
    said = capsys.readouterr().err
    assert len(FORMULAS) == said.count("name is a formula")
    assert len(UNSEEN) == said.count("name holds signs that nobody sees")
    assert 1 == said.count("name is longer than 200 characters")
    assert not {"\x1b", "\x9b", "\u202e", "\x00"} & set(said)
    assert (few / "directory/social_base.yaml").read_bytes() == before


def test_a_cell_of_a_hundred_thousand_letters_is_no_csv(few, capsys):
    assert run(few, HEAD + named("پ" * 140_000)) == 2
    assert "is no CSV" in capsys.readouterr().err


def test_a_wrong_word_of_the_file_moves_no_cursor_and_a_number_may_begin_with_the_country(few, capsys):
    assert run(few, HEAD + ROW.replace("social_base", "\x1b]0;x\x07\u202ebakery")) == 2
    said = capsys.readouterr().err
    assert "there is no type" in said
    assert not {"\x1b", "\x07", "\u202e"} & set(said)

    assert run(few, HEAD + ROW.replace("000-00000000", "+98 000 00000000"), "--write") == 0


def test_a_file_of_another_shape_is_refused(few, capsys):
    assert run(few, "name," * 30_000 + "x" * 140_000) == 2
    assert "is no CSV" in capsys.readouterr().err
    assert run(few, HEAD.replace("example", "\x1b[2J") + ROW) == 2
    assert "\x1b" not in capsys.readouterr().err
    assert run(few, "name,tel\nx,1\n") == 2
    assert "lacks the columns type, phone, hours, verified_on" in capsys.readouterr().err
    file = few.parent / "latin.csv"
    file.write_bytes(b"\xff\xfe\x00")
    assert main(["directory", "import", str(file), str(few)]) == 2
    assert "not UTF-8" in capsys.readouterr().err


def test_a_place_that_the_file_does_not_name_stays():
    kept = {"province": "tehran", "city": "تهران", "name": "مانده"}

    after, change = plan((kept,), [])

    assert (after, change.is_any) == ([kept], False)


@pytest.mark.parametrize(
    ("place", "state"),
    [
        ({"name": "الف", "verified_on": "2026-10-01"}, "ok"),
        ({"name": "الف", "verified_on": "2026-10-01", "example": "yes"}, "warn"),
        ({"name": "الف", "verified_on": "2026-01-01"}, "warn"),
        ({"name": "الف"}, "warn"),
    ],
)
def test_doctor_tells_of_invented_places_and_of_those_nobody_called_for_half_a_year(place, state):
    kind = DirectoryType(id="ngo", title="انجمن", places=(place,))

    assert _directory(Bundle(directory={"ngo": kind}), date(2026, 11, 22)).state == state
