"""`pytest tests/journeys --update` writes the journeys anew; the difference is reviewed like any other text."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch that rewrites."""
    parser.addoption("--update", action="store_true", default=False, help="write the golden journeys anew")
