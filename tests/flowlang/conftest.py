from pathlib import Path

import pytest

from bot.engine.loader import load_bundle

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(scope="session")
def fixtures_dir():
    return FIXTURES


@pytest.fixture(scope="session")
def bundle():
    loaded, issues = load_bundle(FIXTURES)
    assert issues == []
    assert loaded is not None
    return loaded


@pytest.fixture(scope="session")
def text_of():
    def read(flow):
        return (FIXTURES / f"{flow}.yaml").read_text()

    return read
