"""The conditions under which health is red, as pure functions over gathered facts (I30). No clock, no SQL, no file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from bot.beats import Beat
from bot.core.text import persian_digits
from bot.health.words import CHANNELS, NEVER_DONE, NOW, WORDS, Words, loop_words

ENGINE_S = 15
INBOX_S = 30
URGENT_S = 60
PENDING_MAX = 50
FAILURES_MAX = 3
DISK_SHARE = 0.10
WATCH_S = 15
JUMP_S = 30
JUMP_HEALS_S = 600
FUTURE_S = 60
BACKUP_H = 24
RETENTION_H = 48
AUDIT_H = 48
PURGE_H = 40
PURGE_FORGOTTEN_H = 7 * 24
LINES_DAYS = 180
SHARED_S = 15
_NEVER_DAYS = 10_000
#: How long each loop may be silent: its own longest wait, a provider's patience, and the five seconds of a write.
SILENCE_S = {
    "waiting": 15,
    "timers": 15,
    "sweeper": 15,
    "sender": 30,
    "poller": 70,
    "webhook": 115,
    "catch_up": 400,
    "audit": 900,
    "purge": 400,
    "staffbot": 40,
    "web": 25,
    "console": 25,
}
_SILENCE_OTHER_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known at one moment. Times are milliseconds since 1970; None is «there is none»."""

    now_ms: int
    started_ms: int  # of the process; before it nothing can be late
    beats: Mapping[str, Beat]
    watch_ms: int | None  # when the alert loop last gave its sign
    has_way_out: bool
    oldest_inbox_ms: int | None
    urgent_ms: int | None  # since when the longest waiting immediate case waits
    newest_row_ms: int | None
    disk_free: float  # share of the whole
    installed_ms: int | None
    backup_ms: int | None
    retention_ms: int | None
    oldest_line_on: date | None
    today: date
    audit_ms: int | None = None  # when the chain of the audit was last verified
    audit_broken: int = 0  # the number of its first row that is not as it was written
    purged_ms: int | None = None  # all that was said in chats before this is taken back
    readable: bool = True  # the database could be read
    shared_away_s: float = 0.0  # since when Redis, where it is set, does not answer this process


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One condition, judged."""

    key: str
    red: bool
    detail: str
    words: Words
    to_do: bool = False  # never done yet, and not late: neither well nor an alarm

    @property
    def now(self) -> bool:
        """True when it cannot wait for the morning."""
        return self.key in NOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All conditions at one moment, in the order of their urgency."""

    at_ms: int
    checks: tuple[Check, ...]

    @property
    def red(self) -> tuple[Check, ...]:
        """Give what is red."""
        return tuple(check for check in self.checks if check.red)

    @property
    def to_do(self) -> tuple[Check, ...]:
        """Give what somebody has to do once before it turns red."""
        return tuple(check for check in self.checks if check.to_do)

    @property
    def well(self) -> tuple[Check, ...]:
        """Give what is as it should be."""
        return tuple(check for check in self.checks if not check.red and not check.to_do)


#: Gives in Persian how bad it is, «» when it is red without a number, None when all is well.
Condition = Callable[[Facts], str | None]


def judge(facts: Facts) -> Report:
    """Judge every condition; what cannot be known while the database is silent counts as its silence, not as green."""
    return Report(at_ms=facts.now_ms, checks=tuple(_judged(key, facts) for key in WORDS))


def _judged(key: str, facts: Facts) -> Check:
    detail = CONDITIONS[key](facts)
    never = facts.readable and key in NEVER_DONE and _DONE[key](facts) is None
    words = NEVER_DONE[key] if never else WORDS[key]
    return Check(key=key, red=detail is not None, detail=detail or "", words=words, to_do=never and detail is None)


def _age_s(facts: Facts, at_ms: int | None) -> float:
    """Give how old something is; what is not there is as old as the process, and nothing is older than it."""
    return (facts.now_ms - max(at_ms or 0, facts.started_ms)) / 1000


def _seconds(age_s: float) -> str:
    if age_s < 120:
        return persian_digits(f"{age_s:.0f} ثانیه")
    return persian_digits(f"{age_s / 60:.0f} دقیقه" if age_s < 7200 else f"{age_s / 3600:.0f} ساعت")


def _waits(facts: Facts, at_ms: int | None, most_s: int) -> str | None:
    if at_ms is None or facts.now_ms - at_ms <= most_s * 1000:
        return None
    return _seconds((facts.now_ms - at_ms) / 1000)


def engine_stands(facts: Facts) -> str | None:
    """No turn of the engine, not even an empty one."""
    beat = facts.beats.get("worker")
    age_s = _age_s(facts, beat.at_ms if beat else None)
    return _seconds(age_s) if facts.readable and age_s > ENGINE_S else None


def inbox_waits(facts: Facts) -> str | None:
    """What came in gets no turn."""
    return _waits(facts, facts.oldest_inbox_ms, INBOX_S)


def urgent_waits(facts: Facts) -> str | None:
    """Nobody took an immediate case."""
    return _waits(facts, facts.urgent_ms, URGENT_S)


def watch_sleeps(facts: Facts) -> str | None:
    """The alert loop, a process of its own, gives no sign. Without a way out it is not started: that is said instead."""
    if not facts.has_way_out:
        return None
    age_s = _age_s(facts, facts.watch_ms)
    return _seconds(age_s) if age_s > WATCH_S else None


def no_way_out(facts: Facts) -> str | None:
    """Nothing is configured that could reach a person who is not at a console."""
    return None if facts.has_way_out else ""


def loop_silent(facts: Facts) -> str | None:
    """A loop missed its heartbeat; the engine's own is a condition of its own."""
    silent = [
        loop_words(name)
        for name, beat in sorted(facts.beats.items())
        if name not in {"worker", "clock"}
        and _age_s(facts, beat.at_ms) > SILENCE_S.get(name.partition(":")[0], _SILENCE_OTHER_S)
    ]
    return "، ".join(silent) or None


def _channels(facts: Facts, detail: str, most: int) -> str | None:
    found = [
        f"{CHANNELS.get(name.partition(':')[2], name)}: {beat.detail[detail]}"
        for name, beat in sorted(facts.beats.items())
        if int(beat.detail.get(detail, 0)) > most
    ]
    return persian_digits("، ".join(found)) or None


def provider_away(facts: Facts) -> str | None:
    """A provider refuses or does not answer, several times in a row."""
    return _channels(facts, "failures", FAILURES_MAX)


def updates_pile_up(facts: Facts) -> str | None:
    """Updates wait at the provider."""
    return _channels(facts, "pending", PENDING_MAX)


def database_silent(facts: Facts) -> str | None:
    """The database could not be read."""
    return None if facts.readable else ""


def disk_full(facts: Facts) -> str | None:
    """The data directory's disk is nearly full."""
    return persian_digits(f"{facts.disk_free:.0%}").replace("%", "٪") if facts.disk_free < DISK_SHARE else None


def clock_off(facts: Facts) -> str | None:
    """Wall time jumped against monotonic time, or rows lie in the future."""
    if facts.newest_row_ms is not None and facts.newest_row_ms - facts.now_ms > FUTURE_S * 1000:
        return _seconds((facts.newest_row_ms - facts.now_ms) / 1000)
    beat = facts.beats.get("clock")
    jumped_s, at_ms = (int(beat.detail.get("jumped_s", 0)), int(beat.detail.get("jumped_at", 0))) if beat else (0, 0)
    if abs(jumped_s) <= JUMP_S or abs(facts.now_ms - at_ms) > JUMP_HEALS_S * 1000:
        return None
    return _seconds(abs(jumped_s))


def backup_old(facts: Facts) -> str | None:
    """No backup for a day, or none at all a day after the installation."""
    return _late(facts, facts.backup_ms, BACKUP_H)


def retention_late(facts: Facts) -> str | None:
    """What is due for deletion was not all deleted for two days."""
    return _late(facts, facts.retention_ms, RETENTION_H)


def purge_late(facts: Facts) -> str | None:
    """What we said is still on people's phones, and soon no provider deletes it any more."""
    if facts.purged_ms is None or facts.now_ms - facts.purged_ms > PURGE_FORGOTTEN_H * 3600_000:
        return None  # no channel that can, or one that was taken away long ago
    return _waits(facts, facts.purged_ms, PURGE_H * 3600)


def audit_broken(facts: Facts) -> str | None:
    """The audit was changed, or nobody verified it for two days."""
    if facts.audit_broken:
        return persian_digits(f"ردیف {facts.audit_broken}")
    return _late(facts, facts.audit_ms, AUDIT_H)


def _late(facts: Facts, at_ms: int | None, most_h: int) -> str | None:
    at_ms = at_ms or facts.installed_ms
    return None if at_ms is None else _waits(facts, at_ms, most_h * 3600)


def lines_old(facts: Facts) -> str | None:
    """A number that we tell people was not verified for half a year."""
    if facts.oldest_line_on is None:
        return None
    days = (facts.today - facts.oldest_line_on).days
    if days <= LINES_DAYS:
        return None
    return persian_digits(f"{days} روز") if days < _NEVER_DAYS else "بررسی نشده"


def shared_away(facts: Facts) -> str | None:
    """Redis does not answer: each process keeps its limits alone, and hints are polled for."""
    return _seconds(facts.shared_away_s) if facts.shared_away_s > SHARED_S else None


#: When it was last done, for what people must do themselves (words.NEVER_DONE).
_DONE: dict[str, Callable[[Facts], int | None]] = {"backup": lambda facts: facts.backup_ms}

#: One function a condition; a test keeps the keys those of WORDS.
CONDITIONS: dict[str, Condition] = {
    "urgent": urgent_waits,
    "engine": engine_stands,
    "inbox": inbox_waits,
    "watch": watch_sleeps,
    "ways_out": no_way_out,
    "beats": loop_silent,
    "provider": provider_away,
    "pending": updates_pile_up,
    "database": database_silent,
    "disk": disk_full,
    "clock": clock_off,
    "backup": backup_old,
    "retention": retention_late,
    "purge": purge_late,
    "audit": audit_broken,
    "shared": shared_away,
    "lines": lines_old,
}
