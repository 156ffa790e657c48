"""What the documents name exists, and what exists is documented.

docs/events.md is made from the docstrings of bot/core/events.py: `python tests/docs/test_docs.py > docs/events.md`.
"""

import inspect
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from bot.app import EVENT_ROWS  # noqa: E402 - the line above makes the script run from anywhere
from bot.cli import VERBS, main  # noqa: E402
from bot.core.events import EVENT_TYPES  # noqa: E402
from bot.proof.invariants import INVARIANTS  # noqa: E402
from bot.settings import Settings  # noqa: E402
from bot.store.schema import metadata  # noqa: E402
from escalation.policy import ROLES  # noqa: E402

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PATH = re.compile(r"`((?:bot|escalation|tests|docs|locales|\.ci)/[\w./-]+)`")
_SETTING = re.compile(r"\bPANAH_([A-Z][A-Z_]*)")
_VERB = re.compile(r"(?:`|^ {4}|^)(?:\./run|panah) ([a-z][a-z-]*)", re.MULTILINE)
#: How the documents say «./run», which takes any verb.
_WORD = re.compile(r"^\| ([A-Z][\w ,-]*) \|", re.MULTILINE)

_HEAD = """\
# Events: what a turn can cause

A turn gives a list of events. Each is a `value` of `bot/core/events.py` and carries the place in the script:
`flow`, `step`, `visit`. No event holds a person's words. The whole list is kept, sealed, in `turns.sealed_events`.
An event that moves rows has a mapper in `EVENT_ROWS` of `bot/app.py`, and `bot/commit.py` writes the rows in the turn's
own transaction. The others are a record only. This page is made from the docstrings; a test keeps it current.

| Event | Fields | Means | Mapper |
|---|---|---|---|
"""


def render_events():
    lines = []
    for name, kind in EVENT_TYPES.items():
        own = [field for field in kind.__dataclass_fields__ if field not in {"flow", "step", "visit"}]
        means = " ".join((inspect.getdoc(kind) or "").split())
        mapper = EVENT_ROWS.get(kind)
        moves = f"`{mapper.__module__}.{mapper.__name__}`" if mapper else ""
        lines.append(f"| `{name}` | {' '.join(f'`{field}`' for field in own)} | {means} | {moves} |")
    return _HEAD + "\n".join(lines) + "\n"


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_events_page_lists_every_event_as_it_is():
    assert render_events() == read("docs/events.md")


@pytest.mark.parametrize("page", ["README.md", "README.fa.md"])
def test_both_readmes_name_every_verb(page):
    text = read(page)

    assert [] == [verb for verb in VERBS if f"`{verb}`" not in text]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    targets = [link.partition("#")[0] for link in _LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]

    assert [] == [target for target in targets if target and not (page.parent / target).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_in_the_documents_exists(page):
    text = page.read_text(encoding="utf-8")

    assert [] == [path for path in _PATH.findall(text) if not (ROOT / path).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_in_the_documents_is_one(page):
    known = {name.upper() for name in Settings.__dataclass_fields__} | {"DATABASE", "WHEELS"}  # the second: .ci/setup

    assert set() == set(_SETTING.findall(page.read_text(encoding="utf-8"))) - known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_documents_is_one(page):
    assert set() == set(_VERB.findall(page.read_text(encoding="utf-8"))) - set(VERBS)


def test_every_verb_shows_an_example_that_begins_with_itself(capsys):
    for verb, (_, _, example) in VERBS.items():
        with pytest.raises(SystemExit):
            main([verb, "--help"])

        assert example.startswith(f"panah {verb}")
        assert f"Example: {example}" in capsys.readouterr().out


def test_the_data_inventory_lists_every_table_and_every_sealed_column():
    text = read("docs/data-inventory.md")
    sealed = [column.name for table in metadata.tables.values() for column in table.c if column.name[:7] == "sealed_"]

    assert [] == [name for name in [*metadata.tables, *sealed] if f"`{name}`" not in text]


@pytest.mark.parametrize("page", ["docs/runbook.md", "docs/runbook.fa.md"])
def test_the_runbooks_say_what_each_finding_of_the_doctor_means(page):
    sources = "".join(read(f"bot/commands/{name}.py") for name in ("doctor", "doctor_rows", "doctor_settings"))
    named = set(re.findall(r'(?:ok|warn|fail)\("([a-z ]+)"', sources)) | {
        f"{found.name} ({found.code})" for found in INVARIANTS
    }
    text = read(page)

    assert len(named) > 20
    assert [] == sorted(name for name in {*named, "configuration"} if f"`{name}`" not in text)


def test_the_runbook_names_every_role():
    assert [] == [role for role in ROLES if f"`{role}`" not in read("docs/runbook.md")]


def test_the_glossary_explains_each_word_once():
    words = [word for row in _WORD.findall(read("docs/glossary.md")) for word in row.split(", ") if word != "Word"]

    assert len(words) > 60
    assert len(words) == len({word.casefold() for word in words})
    assert [] == [row for row in read("docs/glossary.md").splitlines() if row.startswith("| ") and row.count("|") != 4]


if __name__ == "__main__":
    sys.stdout.write(render_events())
