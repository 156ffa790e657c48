"""What every script rests on: named in the file, read aloud to staff, and never said to whoever writes."""

from dataclasses import replace

import pytest

from bot.content import PACKAGE_FLOWS
from bot.engine.loader import load_bundle
from bot.engine.read import read_aloud

BUNDLE = load_bundle(PACKAGE_FLOWS)[0]
FLOWS = sorted(BUNDLE.flows)


@pytest.mark.parametrize("name", FLOWS)
def test_every_script_names_sources_that_say_where_to_look(name):
    flow = BUNDLE.flows[name]

    assert flow.sources
    assert all(len(source) >= 4 and not source.endswith(("…", ":")) for source in flow.sources)
    assert len(set(flow.sources)) == len(flow.sources)


@pytest.mark.parametrize("name", FLOWS)
def test_staff_read_the_sources_on_the_page_they_sign(name):
    aloud = read_aloud(BUNDLE.flows[name])

    assert all(f"- {source}" in aloud for source in BUNDLE.flows[name].sources)


def test_a_script_without_a_source_says_so_to_staff():
    assert "منبعی نام نبرده است" in read_aloud(replace(BUNDLE.flows["violence"], sources=()))
