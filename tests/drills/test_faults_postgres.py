"""Each short fault between Panah and PostgreSQL, before, at and after an escalation, on real processes."""

import pytest

from bot.proof.wire_postgres_faults import POSTGRES_FAULTS
from bot.proof.wire_rounds import run_faults

#: Half of its minute is our own patience; a machine that is starved needs the other half. tests/store holds its mend,
#: `panah prove --only faults-postgres` strikes with it.
LONG = "PostgreSQL half-open"


@pytest.mark.timeout(900)
def test_ten_faults_of_postgresql_at_three_moments_are_survived():
    report = run_faults(seed=20261122, on_postgres=True, without=LONG)

    assert [] == [found.said for found in report.breaches]
    assert dict.fromkeys((fault.name for fault in POSTGRES_FAULTS if fault.name != LONG), 3) == report.covered
    assert 30 == report.counts["survived"]
