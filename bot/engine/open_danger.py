"""Questions about danger that stand over a script's own and that she has not answered yet, and what silence counts for."""

from typing import TYPE_CHECKING

from bot.core.screening import Tier, strongest
from bot.engine.model import Ask, Escalate
from bot.engine.session import Frame

if TYPE_CHECKING:
    from bot.engine.run import Run

#: Why a case was opened, for staff: a question about danger got no answer.
UNANSWERED = "پرسش خطر بی‌پاسخ ماند"


def asks_of_danger(frame: Frame) -> bool:
    """True for the gentle question and for the one about media that nobody read."""
    return frame.step == "media" or frame.step.startswith("soft_check")


def kinds_asked(frame: Frame) -> tuple[str, ...]:
    """Give the kinds a gentle question was asked for."""
    return tuple(kind for kind in str(frame.vars.get("kinds", "")).split(",") if kind)


def open_danger(run: "Run") -> Frame | None:
    """Give the one that she has not answered yet."""
    over = (frame for frame in run.session.stack[1:] if frame.flow == "always" and asks_of_danger(frame))
    return next(over, None)


def silence_counts(run: "Run", frame: Frame) -> Tier:
    """Give what no answer to a gentle question counts for: what the question says, more where a sign stood behind it."""
    ask = run.bundle.always.step(frame.step)
    silence = ask.silence if isinstance(ask, Ask) else None
    told = run.bundle.always.step(silence.then) if silence is not None else None
    signed: Tier | None = "T2" if frame.vars.get("sign") else None
    return strongest((told.tier if isinstance(told, Escalate) else "T2", signed)) or "T2"


def count_open(run: "Run", *, least: Tier = "T3") -> None:
    """Count one left unanswered: to be told to a person.

    `least`: what it counts for at least, as when she leaves in a hurry instead of answering.
    """
    frame = open_danger(run)
    if frame is None:
        return
    is_media = frame.step == "media"
    tier: Tier = "T2" if is_media else min(silence_counts(run, frame), least)
    why = "پیام بی‌متن" if is_media else UNANSWERED
    run.raise_risk(tier, kinds_asked(frame), (why,))
    if tier != "T3":
        run.owe(tier)
