"""The facts a condition may read, worked out only when one does.

Reads the session for what the conversation itself settled (risk, consents) and Facts for what the world says.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot.core.jalali import tehran_today
from bot.engine.parts import VIOLENCE
from bot.engine.tongue import language_key

if TYPE_CHECKING:
    from bot.engine.run import Run


class FactView:
    """A mapping in all that conditions need: `get`."""

    __slots__ = ("_run",)

    def __init__(self, run: "Run") -> None:
        self._run = run

    def get(self, key: str, default: Any = None) -> Any:
        """Give one fact by the name conditions use."""
        read = _READERS.get(key)
        return default if read is None else read(self._run)


def _consent(purpose: str) -> "Callable[[Run], str]":
    def read(run: "Run") -> str:
        given = run.session.consents.get(purpose)
        return "unasked" if given is None else "yes" if given else "no"

    return read


_READERS: "dict[str, Callable[[Run], Any]]" = {
    "risk": lambda run: run.session.risk or "none",
    "kinds": lambda run: run.session.kinds,
    "violence": lambda run: "no" if VIOLENCE.isdisjoint(run.session.kinds) else "yes",
    "covert": lambda run: "yes" if run.session.covert else "no",
    "channel": lambda run: run.facts.channel,
    "mode": lambda run: run.facts.mode,
    "language": lambda run: language_key(run.session.language),
    "languages": lambda run: "many" if len(run.bundle.languages) > 1 else "one",
    "hour": lambda run: run.facts.hour,
    "staff": lambda run: run.facts.staff,
    "returning": lambda run: run.facts.returning,
    "age_group": lambda _: "unknown",
    "today": lambda run: tehran_today(run.facts.now).isoformat(),
    "contact.safe": lambda run: "unasked" if run.session.safe == "unset" else run.session.safe,
    **{f"consent.{purpose}": _consent(purpose) for purpose in ("contact", "referral", "record", "health")},
}
