"""Which scripts mind whether violence was told: those that ask, or send a card for a couple, and those that call them.

The explorer follows a violent answer only within such a script. Once a script gave back to its caller, an earlier one
may have heard of violence or not: both are walked where it is asked (P11 stays sound, and states stay few).
"""

from collections.abc import Mapping

from bot.engine.explore_reads import conditions_of
from bot.engine.expressions import names_of
from bot.engine.model import Bundle, Call, Card, Guide, Step


def reads_violence(step: Step, cards: Mapping[str, Card]) -> bool:
    """True for a step that asks whether violence was told, or sends a card that must not follow it."""
    asked = any(name == ("facts", "violence") for found in conditions_of(step) for name, _ in names_of(found.tree))
    return asked or (isinstance(step, Guide) and step.card in cards and "joint" in cards[step.card].tags)


def minding_violence(bundle: Bundle) -> frozenset[str]:
    """Give the scripts that mind violence themselves or through a call."""
    minding = {
        flow.id for flow in bundle.flows.values() if any(reads_violence(step, bundle.cards) for step in flow.steps)
    }
    while True:
        callers = {
            flow.id
            for flow in bundle.flows.values()
            if any(isinstance(step, Call) and step.flow in minding for step in flow.steps)
        }
        if callers <= minding:
            return frozenset(minding)
        minding |= callers
