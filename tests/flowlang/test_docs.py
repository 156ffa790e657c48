"""The documentation says what the code does: the catalogue, the keys, the example."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

import bot
from bot.engine.catalogue import CATALOGUE, as_markdown
from bot.engine.checks import CheckOptions, check_bundle
from bot.engine.loader import load_flow
from bot.engine.loader_asks import ANSWER_TYPES
from bot.engine.loader_steps import STEP_KINDS

DOCS = Path(__file__).parents[2] / "docs"
PROGRAM = Path(bot.__file__).parent
PAGES = ("flow-language.md", "flow-language.fa.md")


def test_the_table_of_rules_is_current():
    page = (DOCS / "flow-language.md").read_text()
    table = page.split("test_docs.py -->\n")[1].split("<!-- end of catalogue -->")[0]

    assert table == as_markdown()


def test_every_rule_is_one_that_something_reports():
    code = "".join(path.read_text() for path in PROGRAM.rglob("*.py") if path.name != "catalogue.py")

    assert [name for name in CATALOGUE if f'"{name}"' not in code] == []


def test_every_step_and_answer_type_is_documented():
    page = (DOCS / "flow-language.md").read_text()

    assert [name for name in STEP_KINDS if f"`{name}:" not in page] == []
    assert [name for name in ANSWER_TYPES if f"`{name}`" not in page] == []


@pytest.mark.parametrize("page", PAGES)
def test_the_example_of_the_page_is_a_clean_script(bundle, page):
    [example] = re.findall(r"```yaml\n(flow:.*?)```", (DOCS / page).read_text(), re.DOTALL)

    flow, issues = load_flow(example, "hello_there.yaml", bundle)
    whole = replace(bundle, flows={**bundle.flows, "hello_there": flow})

    assert issues == []
    found = check_bundle(whole, CheckOptions(today=date(2026, 11, 22), flows=("hello_there",)))
    assert [one for one in found if one.rule != "no_discreet"] == []
