"""docs/asvs.md names tests that there are."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_test_that_the_table_names_exists():
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "asvs.md").read_text(encoding="utf-8")))
    written = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py"))

    assert len(named) > 30
    assert [] == sorted(name for name in named if f"def {name}(" not in written)
