"""Health of a store in a test: the real thing, with what the wiring of a process would answer given by the test."""

from fakes.log import RecordingLog

from bot.beats import Beats
from bot.health import HealthWatch
from bot.health.watch import HealthDeps


def health_of(store, clock, directory, *, beats=None, oldest_arrival=lambda: None, has_way_out=lambda: True):
    """Make the one that looks at an installation's health."""
    beats = beats or Beats(clock)
    return HealthWatch(
        HealthDeps(
            store=store,
            clock=clock,
            beats=beats,
            log=RecordingLog([]),
            data_dir=directory,
            oldest_arrival=oldest_arrival,
            oldest_line=lambda: None,
            has_way_out=has_way_out,
            counted=lambda: beats.counts,
        )
    )
