"""`panah flows …`: checking, reading, writing the one way, the catalogue, and the way to the citizens."""

import argparse
import shutil
from contextlib import asynccontextmanager

import pytest

from bot.bus import InProcessBus
from bot.commands import flows_check, flows_extract
from bot.commands.acts import Acts, accounts_of
from bot.content import PACKAGE_FLOWS, load_or_refuse
from bot.control import RefusedError
from bot.errors import CommandError
from bot.i18n import load_translations
from bot.installation import open_core
from bot.publishing import history, requests
from bot.settings import Settings
from bot.telemetry import configure
from escalation.profiles import Profile


@pytest.fixture
def few(tmp_path):
    """Copy enough scripts to stand on."""
    directory = tmp_path / "flows"
    (directory / "directory").mkdir(parents=True)
    for name in ("always.yaml", "welcome.yaml", "human.yaml", "helplines.yaml", "directory/ngo.yaml"):
        shutil.copy(PACKAGE_FLOWS / name, directory / name)
    return directory


@asynccontextmanager
async def acts(cli):
    """Do the acts of the writing process here."""
    settings = Settings(var=cli.var)
    core = open_core(settings, configure(), InProcessBus())
    made = Acts(core, settings, accounts_of(core, settings))
    try:
        yield made
    finally:
        core.store.close()


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture
def check(screener):
    """Give every problem of a directory, as it is printed."""

    def run(directory, lang="en"):
        return [found.render(lang) for found in flows_check.check_directory(directory, screener)]

    return run


def test_the_scripts_of_the_package_pass_and_show_what_a_person_must_judge(panah):
    done = panah("flows", "check", "bot/flows", "--lang", "en")

    assert done.returncode == 0, done.stdout
    judged = {line.split(": ")[1] for line in done.stdout.splitlines()}
    assert judged == {"draft_card", "too_many_options", "no_discreet"}
    assert done.stderr.startswith("panah: bot/flows: 0 errors, ")


def test_an_error_is_told_with_its_place_and_leaves_with_one(few, verb):
    edit(few / "human.yaml", "owner:", "ownr:")
    done = verb("flows", "check", few, "--lang", "en")
    lines = done.stdout.splitlines()

    assert done.returncode == 1
    assert any(line.startswith("human.yaml:") and ": unknown_key: " in line for line in lines)


def test_what_is_wrong_is_told_in_persian_unless_asked_otherwise(few, check):
    edit(few / "human.yaml", "owner:", "ownr:")
    lines = check(few, lang="fa")

    assert any("شناخته نیست؛ منظورتان owner بود؟" in line for line in lines)


def test_a_danger_that_the_lexicon_hears_in_a_label_must_be_tagged(few, check):
    edit(few / "welcome.yaml", "{label: حالم خوب نیست,", "{label: قرص خوردم که بمیرم,")
    lines = check(few)

    assert any(": untagged_danger: " in line for line in lines)


def test_a_talk_that_does_not_go_as_written_is_an_error(installed, check):
    directory = installed.var / "flows"
    edit(directory / "women_head.yaml", "gets: خرج خانه", "gets: چیز دیگری")
    [line] = [line for line in check(directory) if ": test_failed: " in line]

    assert line.startswith("women_head.yaml:")


@pytest.mark.parametrize("content", [b"flow: [", b"\xff\xfe\x00", b"", b"- 1\n- 2\n", b"&a [*a]"], ids=repr)
def test_a_file_that_is_no_script_is_an_issue_and_never_a_traceback(few, check, content):
    (few / "human.yaml").write_bytes(content)
    lines = check(few)

    assert any(line.startswith("human.yaml:") for line in lines)


def test_an_empty_directory_lacks_what_scripts_stand_on(tmp_path, check):
    lines = check(tmp_path)

    assert [line.split(":")[0] for line in lines] == ["always.yaml", "welcome.yaml"]


def test_a_script_is_read_aloud(capsys):
    flows_check.read(argparse.Namespace(file=str(PACKAGE_FLOWS / "human.yaml")))

    assert capsys.readouterr().out.startswith("سناریوی «")


@pytest.mark.parametrize("name", ["nowhere.yaml", "helplines.yaml", "guides/safe_phone.yaml"])
def test_what_is_no_script_is_not_read_aloud(name):
    with pytest.raises(CommandError):
        flows_check.read(argparse.Namespace(file=str(PACKAGE_FLOWS / name)))


def test_formatting_prints_and_writes_only_when_asked(few, capsys):
    path = few / "human.yaml"
    before = path.read_text(encoding="utf-8")
    flows_check.format_(argparse.Namespace(file=str(path), write=False))
    printed = capsys.readouterr().out
    untouched = path.read_text(encoding="utf-8")
    flows_check.format_(argparse.Namespace(file=str(path), write=True))

    assert untouched == before != printed
    assert path.read_text(encoding="utf-8") == printed
    assert [item.name for item in few.iterdir() if item.name.startswith(".")] == []


def test_the_committed_catalogue_is_that_of_the_scripts():
    """Run `panah flows extract bot/flows` when this fails."""
    committed = flows_extract.CATALOGUE.read_text(encoding="utf-8")

    assert committed == flows_extract.catalogue_of(load_or_refuse(PACKAGE_FLOWS))


def test_the_catalogue_names_where_each_text_is_said(capsys):
    flows_extract.extract(argparse.Namespace(directory=str(PACKAGE_FLOWS), to="-", language=None))
    out = capsys.readouterr().out

    for context in ("welcome.hello", "welcome.hello.sms", "welcome.hello.discreet", "welcome.topic.now"):
        assert f'msgctxt "{context}"\n' in out
    assert "Date" not in out


def test_translations_are_read_but_for_fuzzy_and_empty_ones(tmp_path):
    catalogue = tmp_path / "ckb" / "LC_MESSAGES" / "flows.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text(
        'msgid ""\nmsgstr ""\n"Language: ckb\\n"\n\n'
        '#. note\nmsgctxt "welcome.hello"\nmsgid "سلام"\nmsgstr "سڵاو"\n\n'
        'msgctxt "welcome.long"\nmsgid ""\n"یک \\"دو\\"\\n"\n"سه"\nmsgstr ""\n"یەک"\n" دوو"\n\n'
        '#, fuzzy\nmsgctxt "a.b"\nmsgid "کهنه"\nmsgstr "کۆن"\n\n'
        'msgctxt "a.c"\nmsgid "خالی"\nmsgstr ""\n',
        encoding="utf-8",
    )

    assert load_translations(tmp_path) == {"ckb": {"سلام": "سڵاو", 'یک "دو"\nسه': "یەک دوو"}}


def test_the_source_language_translates_nothing():
    assert "fa" not in load_translations()


@pytest.fixture
def edited(installed):
    """Give an installation whose admin changed a word."""
    edit(installed.var / "flows" / "welcome.yaml", "owner: ", "owner: بخش ")
    return installed


def test_from_an_edit_to_the_citizens_and_back_while_nothing_runs(edited, verb):
    assert edited.var.is_dir()
    shown = verb("flows", "diff")
    published = verb("flows", "publish", "--author", "sara", "--by", "mina")
    nothing = verb("flows", "diff")
    back = verb("flows", "rollback", "--by", "mina", "--reason", "آزمایش")

    assert "changed: welcome.yaml" in shown.stdout
    assert (published.returncode, published.stdout.split()[0]) == (0, "published"), published.stderr
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert back.returncode == 0
    assert back.stdout != published.stdout


async def test_warnings_need_a_tick_and_errors_are_never_published(edited):
    flows = edited.var / "flows"
    women_head = (flows / "women_head.yaml").read_text("utf-8")
    (flows / "women_head.yaml").write_text(women_head[: women_head.index("tests:")], "utf-8")
    async with acts(edited) as made:
        with pytest.raises(RefusedError, match=r"1 warnings that need --accept-warnings.*no_test"):
            await made.flows_publish(by="mina", author="sara", note="", accept_warnings=False)
        await made.flows_publish(by="mina", author="sara", note="", accept_warnings=True)
        edit(flows / "women_head.yaml", "owner: ", "ownr: ")
        with pytest.raises(RefusedError, match=r"errors; run `panah flows check`.*women_head.yaml"):
            await made.flows_publish(by="mina", author="sara", note="", accept_warnings=True)


async def test_who_publishes_must_be_somebody_else_who_may(edited):
    async with acts(edited) as made:
        both = Profile(username="both", name="هر دو", roles=("flow_admin", "reviewer"))
        await made.staff_add(username=both.username, name=both.name, roles=list(both.roles), province="")
        edit(edited.var / "flows" / "danger_now.yaml", "owner: ", "owner: بخش ")
        for by, author, said in (
            ("nobody", "sara", "no enabled account nobody"),
            ("sara", "sara", "roles of sara do not allow to publish"),
            ("mina", "mina", "roles of mina do not allow to propose"),
            ("both", "both", "must be another person"),
        ):
            with pytest.raises(RefusedError, match=said):
                await made.flows_publish(by=by, author=author, note="", accept_warnings=True)


async def test_a_refused_publication_leaves_no_request_behind(edited):
    async with acts(edited) as made:
        await made.staff_add(username="both", name="", roles=["flow_admin", "reviewer"], province="")
        edit(edited.var / "flows" / "danger_now.yaml", "owner: ", "owner: بخش ")
        with pytest.raises(RefusedError):
            await made.flows_publish(by="both", author="both", note="", accept_warnings=True)

        assert made.core.store.read_now(requests) == []


async def test_going_back_needs_a_known_version_and_a_reason(installed):
    async with acts(installed) as made:
        with pytest.raises(RefusedError, match="no other version"):
            await made.flows_rollback(by="mina", reason="r", version=None)
        with pytest.raises(RefusedError, match="version 0000 was never published"):
            await made.flows_rollback(by="mina", reason="r", version="0000")
        [first] = made.core.store.read_now(history)
        with pytest.raises(RefusedError, match="--reason"):
            await made.flows_rollback(by="mina", reason=" ", version=first.version)


async def test_what_does_not_differ_is_not_published_again(installed):
    async with acts(installed) as made:
        with pytest.raises(RefusedError, match="do not differ"):
            await made.flows_publish(by="mina", author="sara", note="", accept_warnings=True)
