"""Checks of reviews and reach: cards and lines that grew old, flows without a test, handlers that lost their words.

`compare` judges a new bundle against the published one: what became of the steps people wait at.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from bot.engine.checks_context import Context
from bot.engine.issues import Issue, issue
from bot.engine.model import BLANK, SPECIAL_TARGETS, Ask, Bundle, Escalate, Flow, Guide, Score, ScreenBand

LINE_CHECK_DAYS = 365
_MUST_HAVE_WORDS = ("quick_exit", "human", "help", "stop")


def cards(context: Context) -> Iterator[Issue]:
    """A card that a flow sends is reviewed, and its review has not expired."""
    used = {step.card for _, step in context.steps() if isinstance(step, Guide)}
    for name in sorted(used & set(context.bundle.cards)):
        card = context.bundle.cards[name]
        if not card.reviewed_on or _ended(card.reviewed_on, card.review_after_days) < context.today:
            yield issue("old_card", f"guides/{name}.yaml", (1, 1), name=name)
        elif card.status == "draft":
            yield issue("draft_card", f"guides/{name}.yaml", (1, 1), name=name)


def lines(context: Context) -> Iterator[Issue]:
    """A telephone line was checked within a year."""
    for line in context.bundle.lines.values():
        if not line.verified_on or _ended(line.verified_on, LINE_CHECK_DAYS) < context.today:
            yield issue("old_line", "helplines.yaml", (1, 1), name=line.key)


def _ended(day: str, days: int) -> date:
    return date.fromisoformat(day) + timedelta(days=days)


def no_sources(context: Context) -> Iterator[Issue]:
    """A flow says what its words rest on."""
    for flow in context.flows:
        if not any(source.strip() for source in flow.sources):
            yield issue("no_sources", f"{flow.id}.yaml", (1, 1), name=flow.id)


def no_test(context: Context) -> Iterator[Issue]:
    """A flow with a danger tag has a conversation to be run."""
    for flow in context.flows:
        if has_danger(flow) and not flow.tests and flow.id != "always":
            yield issue("no_test", f"{flow.id}.yaml", (1, 1), name=flow.id)


def has_danger(flow: Flow) -> bool:
    """Say whether any option or band of a flow carries a danger tag."""
    for step in flow.steps:
        if isinstance(step, Ask) and any(option.danger for option in step.options):
            return True
        if isinstance(step, Score | ScreenBand) and any(band.danger for band in step.bands):
            return True
    return False


def missing_reviewer(context: Context) -> Iterator[Issue]:
    """A flow that asks about danger or calls a person at once names two roles that sign it."""
    for flow in context.flows:
        signing = {name.strip() for name in flow.reviewers if name.strip() and not name.startswith(BLANK)}
        if touches_danger(flow) and len(signing) < 2:
            yield issue("missing_reviewer", f"{flow.id}.yaml", (1, 1), name=flow.id)


def touches_danger(flow: Flow) -> bool:
    """Say whether a flow has a danger tag, or calls a person at T1 or T2."""
    urgent = any(isinstance(step, Escalate) and step.tier in {"T1", "T2"} for step in flow.steps)
    return urgent or has_danger(flow)


def person_out_of_reach(context: Context) -> Iterator[Issue]:
    """The handlers that lead to a person or out of the chat have words, and none of them is another's (P3)."""
    always = context.bundle.flows.get("always")
    if always is None or always not in context.flows:
        return
    for name in _MUST_HAVE_WORDS:
        handler = always.handler(name)
        lost = [word for word in (handler.words if handler else ()) if not word.strip()]
        if handler is None or not handler.words or lost:
            yield issue("person_out_of_reach", "always.yaml", (1, 1), name="always", why=name)
    exit_words = always.handler("quick_exit")
    if exit_words is not None and exit_words.words and "0" not in exit_words.words:
        yield issue("person_out_of_reach", "always.yaml", (1, 1), name="always", why="quick_exit: 0")


def compare(old: Bundle, new: Bundle, waiting: Mapping[tuple[str, str], int]) -> list[Issue]:
    """Say what a publish would do to people in conversation. `waiting`: (flow, step) → how many wait there."""
    found: list[Issue] = []
    for (flow_id, step_id), count in sorted(waiting.items()):
        flow, before = new.flows.get(flow_id), old.flows.get(flow_id)
        if count == 0 or before is None:
            continue
        file = f"{flow_id}.yaml"
        moved = flow.migrate.get(old.version, {}).get(step_id, step_id) if flow else step_id
        if flow is None or (moved not in flow.index and moved not in {*SPECIAL_TARGETS, "restart"}):
            found.append(issue("renamed_id", file, (1, 1), name=step_id, count=count))
        elif moved in flow.index and moved != step_id and not _fits(before, step_id, flow, moved):
            found.append(issue("migration_unfit", file, (1, 1), name=step_id, other=moved))
    return found


def _fits(old: Flow, old_id: str, new: Flow, new_id: str) -> bool:
    """Say whether a waiting session can go on at another question: same type of answer, same option keys."""
    before, after = old.step(old_id), new.step(new_id)
    if not isinstance(before, Ask) or not isinstance(after, Ask):
        return False
    keys = ({option.key for option in ask.options} for ask in (before, after))
    return type(before.spec) is type(after.spec) and len(set(map(frozenset, keys))) == 1
