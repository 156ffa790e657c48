"""What a first message means soon after a counsellor closed the case: she is told how to go on, a person that she wrote.

A close by a person stands (I8); what was urgent gets a case of its own at the same desk, never the top tier by
repetition alone (domain.md §5). Danger in her words has opened one before this is asked. A bare thank-you opens none.
"""

from typing import TYPE_CHECKING

from bot.core.events import MessageSent
from bot.core.text import fold

if TYPE_CHECKING:
    from bot.engine.run import Run

_THANKS = """
ممنون|ممنونم|خیلی ممنون|خیلی ممنونم|مرسی|مرسی ازتون|خیلی مرسی|متشکرم|تشکر|سپاس|سپاسگزارم|دستتون درد نکنه
دست شما درد نکند|دست شما درد نکنه|لطف کردید|خدا خیرتون بده|خداحافظ|خدانگهدار|باشه|باشد|چشم|اوکی|ok|merci|mersi|mamnoon
"""
#: Whole messages that ask for nothing.
_ASKS_NOTHING = frozenset(fold(words) for words in _THANKS.replace("\n", "|").split("|") if words)


def begin(run: "Run") -> None:
    """Go on covertly where the closed case was covert: the phone is as it was an hour ago."""
    if run.facts.closed is not None and run.facts.closed.covert:
        run.session.covert = True


def note(run: "Run") -> None:
    """Tell her, before the greeting, and tell the desk."""
    closed = run.facts.closed
    if closed is None or run.session.case:
        return
    told = closed.tier is not None and run.folded not in _ASKS_NOTHING
    if told and closed.tier is not None:
        run.session.why = (*run.session.why, "پس از بسته‌شدن پرونده دوباره نوشت")
        run.request(closed.tier, "words", desk=closed.desk)
    step = run.bundle.always.step("written_again" if told else "ended_lately")
    if step is None or closed.covert:
        return
    at = len(run.events)
    run.say(step.texts)
    said, run.events[at:] = run.events[at:], []
    first = next((at for at, event in enumerate(run.events) if isinstance(event, MessageSent)), len(run.events))
    run.events[first:first] = said
