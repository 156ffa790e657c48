import pytest

from bot.drafts import (
    BadNameError,
    EditConflictError,
    TooBigError,
    compile_sources,
    diff,
    install_defaults,
    read_file,
    read_sources,
    save_file,
    text_hash,
)


@pytest.fixture
def flows(tmp_path):
    directory = tmp_path / "flows"
    (directory / "guides").mkdir(parents=True)
    (directory / "lexicon").mkdir()
    (directory / "welcome.yaml").write_text("flow: welcome\n", encoding="utf-8")
    (directory / "guides" / "card.yaml").write_text("card: card\n", encoding="utf-8")
    (directory / "lexicon" / "words.yaml").write_text("secret: rules\n", encoding="utf-8")
    return directory


def test_only_scripts_and_what_they_draw_on_are_sources_not_the_lexicon(flows):
    (flows / "Notes.yaml").write_text("x", encoding="utf-8")
    (flows / ".hidden.yaml").write_text("x", encoding="utf-8")

    assert read_sources(flows) == {"welcome.yaml": "flow: welcome\n", "guides/card.yaml": "card: card\n"}


@pytest.mark.parametrize(
    "name",
    [
        "../panah.db", "/etc/passwd", "guides/../../x.yaml", "lexicon/words.yaml", "welcome.yml", "welcome.yaml\n",
        "Welcome.yaml", "", ".yaml", "a/b/c.yaml", "guides/.yaml", "x\0.yaml", "سلام.yaml", "guides\\card.yaml",
    ],
)  # fmt: skip
def test_no_name_leads_out_of_the_directory(flows, name):
    with pytest.raises(BadNameError):
        read_file(flows, name)
    with pytest.raises(BadNameError):
        save_file(flows, name, "x", seen="")
    with pytest.raises(BadNameError):
        compile_sources({name: "x"})


def test_two_editors_never_overwrite_each_other_silently(flows):
    seen = text_hash(read_file(flows, "welcome.yaml"))
    save_file(flows, "welcome.yaml", "flow: welcome\ntitle: یک\n", seen=seen)
    with pytest.raises(EditConflictError):
        save_file(flows, "welcome.yaml", "flow: welcome\ntitle: دو\n", seen=seen)

    assert read_file(flows, "welcome.yaml") == "flow: welcome\ntitle: یک\n"


def test_a_new_file_is_made_only_where_there_was_none(flows):
    save_file(flows, "directory/shelter.yaml", "id: shelter\r\n", seen="")
    with pytest.raises(EditConflictError):
        save_file(flows, "welcome.yaml", "x", seen="")

    assert read_file(flows, "directory/shelter.yaml") == "id: shelter\n"
    assert sorted(path.name for path in (flows / "directory").iterdir()) == ["shelter.yaml"]


def test_a_draft_may_say_anything_but_not_more_than_a_megabyte(flows):
    save_file(flows, "welcome.yaml", "{[ نه یامل \ud800", seen=text_hash("flow: welcome\n"))
    with pytest.raises(TooBigError):
        save_file(flows, "big.yaml", "خ" * 600_000, seen="")

    assert read_file(flows, "welcome.yaml") == "{[ نه یامل ?"
    assert read_file(flows, "big.yaml") is None


def test_defaults_are_copied_once_and_never_over_edits(flows, tmp_path):
    target = tmp_path / "var" / "flows"

    assert install_defaults(flows, target) is True
    (target / "welcome.yaml").write_text("edited", encoding="utf-8")
    assert install_defaults(flows, target) is False
    assert read_file(target, "welcome.yaml") == "edited"
    assert not (target / "lexicon").exists()
    assert [path.name for path in target.parent.iterdir()] == ["flows"]


def test_a_difference_names_the_file_and_the_step():
    old = {
        "a.yaml": "flow: a\nsteps:\n- say: hello\n  text: سلام\n- ask: safe_now\n  text: الان امن است؟\n",
        "b.yaml": "x",
    }
    new = {"a.yaml": old["a.yaml"].replace("الان امن است؟", "جای امنی هستید؟"), "c.yaml": "y"}
    changed, removed, added = diff(old, new)

    assert (changed.name, changed.state, removed.state, added.state) == ("a.yaml", "changed", "removed", "added")
    assert [hunk.step for hunk in changed.hunks] == ["safe_now"]
    assert ("-", "  text: الان امن است؟") in changed.hunks[0].lines
    assert ("+", "  text: جای امنی هستید؟") in changed.hunks[0].lines
    assert changed.unified().startswith("changed: a.yaml\n@@ safe_now\n")


def test_equal_sources_differ_in_nothing():
    assert diff({"a.yaml": "x"}, {"a.yaml": "x"}) == []
