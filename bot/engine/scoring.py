"""Adding up: an instrument's band and a script's own score. Nobody who writes to us is shown a number."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from bot.core.events import InstrumentScored, ScoreComputed
from bot.engine.model import DANGER_TIER, Ask, Band, Instrument, Item, Option, Score, ScreenBand

if TYPE_CHECKING:
    from bot.engine.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What answers to an instrument come to: what counted, in its order, and the items that want an answer yet."""

    points: int
    band: Band | None
    chosen: tuple[tuple[Item, Option], ...]
    missing: tuple[str, ...]


def score_answers(instrument: Instrument, answers: Mapping[str, str]) -> Scored:
    """Score answers (item id → option key) that a trained person ticked.

    What its condition leaves out need not be answered; where it was all the same, it counts: of answers that contradict
    each other the graver must not be the one that is passed over. No band while too few are answered.
    """
    points = 0
    chosen: list[tuple[Item, Option]] = []
    missing: list[str] = []
    for item in instrument.items:
        is_due = item.condition is None or item.condition.holds({"points": points}, {}, {})
        option = next((option for option in item.options if option.key == answers.get(item.id)), None)
        if option is None and is_due:
            missing.append(item.id)
        elif option is not None:
            points += option.points
            chosen.append((item, option))
    answered = sum(1 for _, option in chosen if option.key != "skip")
    band = None if answered < instrument.enough else _band_of(instrument.bands, points)
    return Scored(points=points, band=band, chosen=tuple(chosen), missing=tuple(missing))


def close_screen(run: "Run", step: ScreenBand) -> str:
    """Turn an instrument's sum into its band, raise by it, tell staff the items; give the band's key."""
    answers = run.session.stack[-1].answers
    instrument = run.bundle.instruments[step.instrument]
    points = cast("int", answers.get(f"{step.screen}.points", 0))
    items = _items(run, step.screen)
    answered = sum(1 for _, key, _ in items if key != "skip")
    band = None if answered < step.enough else _band_of(step.bands, points)
    key = band.key if band else "unknown"
    answers[step.screen] = key
    run.emit(
        InstrumentScored, instrument=instrument.id, version=instrument.version, band=key, points=points, items=items
    )
    if band is not None:
        _raise(run, band, band.kinds or instrument.kinds, (f"{instrument.title}: {band.key}",))
    return key


def count_so_far(run: "Run", ask: Ask) -> str:
    """Owe what the items answered so far already come to, should she fall silent; give where the script goes at once.

    Counts only where more points never mean less danger. A band that is immediate already ends the instrument, when
    the script says where that band goes.
    """
    done = run.flow.step(f"{ask.screen}.band")
    if not isinstance(done, ScreenBand):
        return ""
    points = cast("int", run.session.stack[-1].answers.get(f"{ask.screen}.points", 0))
    band = _band_of(done.bands, points)
    if band is None or band.danger not in {"high", "immediate"}:
        return ""
    if any(_weight(above) < _weight(band) for above in done.bands if above.low > band.low):
        return ""
    instrument = run.bundle.instruments[done.instrument]
    _raise(run, band, band.kinds or instrument.kinds, (f"{instrument.title}: {band.key}",))
    answered = sum(1 for _, key, _ in _items(run, ask.screen) if key != "skip")
    is_sure = band.danger == "immediate" and band.key in done.go and answered >= done.enough
    return done.id if is_sure else ""


def _weight(band: Band) -> int:
    return -9 if band.danger is None else -int(DANGER_TIER[band.danger][1:])


def score(run: "Run", step: Score) -> str:
    """Add a score's points, raise by its band; give the band's key."""
    answers = run.session.stack[-1].answers
    counted = [point for point in step.points if run.holds(point.condition)]
    points = sum(point.add for point in counted)
    because = tuple(point.because for point in counted if point.because)
    band = _band_of(step.bands, points)
    if band is None:
        raise LookupError("a score outside every band")
    answers[step.id] = band.key
    answers[f"{step.id}.points"] = points
    run.emit(ScoreComputed, band=band.key, points=points, because=because)
    _raise(run, band, band.kinds, because)
    return band.key


def _items(run: "Run", screen: str) -> tuple[tuple[str, str, int], ...]:
    """List what was answered: (item, key, points) in the script's order."""
    flow, answers = run.flow, run.session.stack[-1].answers
    found: list[tuple[str, str, int]] = []
    for step in flow.steps:
        if isinstance(step, Ask) and step.screen == screen and step.id in answers:
            key = str(answers[step.id])
            points = step.by_key[key].points if key in step.by_key else 0
            found.append((step.id.rpartition(".")[2], key, points))
    return tuple(found)


def _band_of(bands: tuple[Band, ...], points: int) -> Band | None:
    return next((band for band in bands if band.low <= points <= band.high), None)


def _raise(run: "Run", band: Band, kinds: tuple[str, ...], why: tuple[str, ...]) -> None:
    if band.danger is None:
        return
    tier = DANGER_TIER[band.danger]
    run.raise_risk(tier, kinds, why)
    if tier in {"T1", "T2"}:
        run.owe(tier)
