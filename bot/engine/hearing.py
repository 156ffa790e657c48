"""Where her words lead in the entry flow (`heard`, flow-language §2): by what triage heard, else by what they name.

Her first words, and words that a question of that flow did not ask for.

What they name are the kinds of an option whose label or synonym stands in them, so that a script's own words are
enough and the danger lexicon need not know every need.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bot.engine.model import Ask, FreeText, Option

if TYPE_CHECKING:
    from bot.engine.run import Run

#: A shorter label («کار») stands in too many sentences to lead anywhere.
_CHARS_MIN = 8


def target_of(run: "Run", told: Iterable[str], about: str = "") -> str:
    """Give the step of the running flow that these kinds (or HEARD_WORDS) lead to; empty for none.

    `about`: the kind among them that leads before the others; leaving unseen leads before all.
    """
    marks = {"covert"} if run.session.covert else set()
    for found in (marks, {about}, {*told, *marks}):
        target = next((heard.go for heard in run.flow.heard if not found.isdisjoint(heard.words)), "")
        if target:
            return target
    return ""


def target_beside(run: "Run", ask: Ask, option: Option | None) -> str:
    """Give the step that words lead to which do not answer the waiting question; empty for none.

    `option`: what they may mean all the same. It stands unless they tell of danger and it does not; and what was heard
    before leads nowhere a second time.
    """
    if not run.flow.heard or isinstance(ask.spec, FreeText):
        return ""
    tells = run.screening.tier == "T2"
    if option is not None and (not tells or option.danger or option.covert):
        return ""
    if tells and set(run.screening.kinds) <= set(run.session.kinds):
        return ""
    return words_target(run)


def words_target(run: "Run") -> str:
    """Give the step that her words lead to; empty for none."""
    screening = run.screening
    if screening.tier is not None or screening.label in {"history", "third_party"}:
        third = ("third_party",) if screening.label == "third_party" else ()
        return target_of(run, (*screening.kinds, *third), "" if third else screening.about)
    named = _kinds_named(run)
    return target_of(run, named) if named else ""


def _kinds_named(run: "Run") -> tuple[str, ...]:
    padded = f" {run.folded} "
    return tuple(
        kind
        for step in run.flow.steps
        if isinstance(step, Ask)
        for words, key in step.keys_by_text.items()
        if len(words) >= _CHARS_MIN and f" {words} " in padded and key in step.by_key
        for kind in step.by_key[key].kinds
    )
