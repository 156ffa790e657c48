"""The numbers of a running Panah in Prometheus' text form. Labels come from fixed lists; no number tells of a person.

Thirty lines of our own, not a library: what we tell is read from tables and two dictionaries at the moment of asking,
so there is no registry to keep, and the form is one line a number.
Source: prometheus.io/docs/instrumenting/exposition_formats (text format 0.0.4).
"""

import resource
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from bot.beats import Counted, read_beats
from bot.health.checks import Report

#: Each name with its type and its help; nothing else is told.
KNOWN: dict[str, tuple[str, str]] = {
    "panah_turns_total": ("counter", "Inputs that were taken since the start, repeated ones too."),
    "panah_turns_failed_total": ("counter", "Turns that failed at the first try and were put by to be tried again."),
    "panah_turns_failed_again_total": ("counter", "Turns that failed again."),
    "panah_quarantined_total": ("counter", "Inputs given up after three tries; a person got a case."),
    "panah_refused_total": ("counter", "Inputs told to come back because too much was waiting."),
    "panah_send_failed_total": ("counter", "Tries to send that failed, by channel and code."),
    "panah_cases_open": ("gauge", "Open cases by tier and state."),
    "panah_inbox_waiting": ("gauge", "Stored inputs that wait for their turn."),
    "panah_inbox_waiting_seconds": ("gauge", "Age of the oldest of them."),
    "panah_urgent_unclaimed_seconds": ("gauge", "How long the T1 case waits that has waited longest."),
    "panah_outbox_open": ("gauge", "Texts that are still to be sent, by channel and state."),
    "panah_outbox_oldest_seconds": ("gauge", "Age of the oldest of them, by channel."),
    "panah_staff_on_shift": ("gauge", "Members of staff on shift whose console was heard in the last two minutes."),
    "panah_beat_age_seconds": ("gauge", "How long each loop has said nothing."),
    "panah_provider_pending": ("gauge", "Updates that wait at the provider."),
    "panah_alarm": ("gauge", "1 when the condition of the health page is red."),
    "panah_process_resident_bytes": ("gauge", "Memory of the process."),
    "panah_process_cpu_seconds_total": ("counter", "CPU time of the process."),
}
_SHIFT_MS = 120_000

_INBOX = "SELECT count(*), min(received_at) FROM inbox WHERE state = 'waiting'"
_CASES = (
    "SELECT tier, state, count(*), min(queued_at) FROM cases WHERE state IN ('queued', 'claimed', 'waiting')"
    " GROUP BY tier, state"
)
_OUTBOX = (
    "SELECT channel, state, count(*), min(created_at) FROM outbox WHERE state IN ('queued', 'sending')"
    " GROUP BY channel, state"
)
_SHIFTS = "SELECT count(*) FROM shifts WHERE seen_at > ?"


@dataclass(frozen=True, slots=True)
class Sample:
    """One number."""

    name: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


def exposition(samples: Iterable[Sample]) -> str:
    """Put numbers into Prometheus' text form, each name with its help and type once."""
    by_name: dict[str, list[Sample]] = {name: [] for name in KNOWN}
    for sample in samples:
        by_name[sample.name].append(sample)
    lines: list[str] = []
    for name, found in by_name.items():
        kind, words = KNOWN[name]
        lines += [f"# HELP {name} {words}", f"# TYPE {name} {kind}", *(_line(sample) for sample in found)]
    return "\n".join(lines) + "\n"


def _line(sample: Sample) -> str:
    labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels)
    return f"{sample.name}{{{labels}}} {sample.value:g}" if labels else f"{sample.name} {sample.value:g}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def read_numbers(connection: Connection, now_ms: int) -> list[Sample]:
    """Read what the tables say."""
    return [*_waiting(connection, now_ms), *_outbox(connection, now_ms), *_loops(connection, now_ms)]


def _waiting(connection: Connection, now_ms: int) -> Iterator[Sample]:
    count, oldest = connection.exec_driver_sql(_INBOX).one()
    yield Sample("panah_inbox_waiting", count)
    yield Sample("panah_inbox_waiting_seconds", _age_s(now_ms, oldest))
    urgent = None
    for tier, state, cases, queued_at in connection.exec_driver_sql(_CASES):
        yield Sample("panah_cases_open", cases, (("tier", tier), ("state", state)))
        urgent = queued_at if (tier, state) == ("T1", "queued") else urgent
    yield Sample("panah_urgent_unclaimed_seconds", _age_s(now_ms, urgent))
    on_shift = connection.exec_driver_sql(_SHIFTS, (now_ms - _SHIFT_MS,)).scalar()
    yield Sample("panah_staff_on_shift", on_shift or 0)


def _outbox(connection: Connection, now_ms: int) -> Iterator[Sample]:
    oldest: dict[str, int] = {}
    for channel, state, count, created_at in connection.exec_driver_sql(_OUTBOX):
        yield Sample("panah_outbox_open", count, (("channel", channel), ("state", state)))
        oldest[channel] = min(oldest.get(channel, created_at), created_at)
    for channel, created_at in oldest.items():
        yield Sample("panah_outbox_oldest_seconds", _age_s(now_ms, created_at), (("channel", channel),))


def _loops(connection: Connection, now_ms: int) -> Iterator[Sample]:
    for name, beat in sorted(read_beats(connection).items()):
        yield Sample("panah_beat_age_seconds", _age_s(now_ms, beat.at_ms), (("loop", name),))
        if "pending" in beat.detail:
            yield Sample("panah_provider_pending", int(beat.detail["pending"]), (("loop", name),))


def _age_s(now_ms: int, at_ms: int | None) -> float:
    return 0.0 if at_ms is None else max(0.0, (now_ms - at_ms) / 1000)


def report_samples(report: Report) -> Iterator[Sample]:
    """Give each condition of health as 0 or 1."""
    for check in report.checks:
        yield Sample("panah_alarm", int(check.red), (("condition", check.key),))


def count_samples(counts: Mapping[Counted, int]) -> Iterator[Sample]:
    """Give what was counted since the start; what never happened is 0."""
    always = ("turns", "turns_failed", "turns_failed_again", "quarantined", "refused")
    for (name, labels), count in ({(name, ()): 0 for name in always} | dict(counts)).items():
        yield Sample(f"panah_{name}_total", count, labels)


def process_samples() -> Iterator[Sample]:
    """Give memory and CPU time of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    yield Sample("panah_process_resident_bytes", _resident_bytes(used.ru_maxrss))
    yield Sample("panah_process_cpu_seconds_total", used.ru_utime + used.ru_stime)


def _resident_bytes(peak_kib: int) -> int:
    """Give what is resident now; where there is no /proc (macOS), the most it ever was."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return peak_kib * 1024
    return pages * resource.getpagesize()
