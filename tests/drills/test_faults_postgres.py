"""Every single fault between Panah and PostgreSQL, before, at and after an escalation, on real processes."""

import pytest

from bot.proof.wire_postgres_faults import POSTGRES_FAULTS
from bot.proof.wire_rounds import run_faults


@pytest.mark.timeout(900)
def test_eleven_faults_of_postgresql_at_three_moments_are_survived():
    report = run_faults(seed=20261122, on_postgres=True)

    assert [] == [found.said for found in report.breaches]
    assert dict.fromkeys((fault.name for fault in POSTGRES_FAULTS), 3) == report.covered
    assert 33 == report.counts["survived"]
