"""Many cases at once: a chat then gets one message a minute that lists them, instead of a message for each (T11).

Besides the colleague's patience it spares the bot's own limits at the messenger, which the alert loop's pages share.
What waits here is not on disk: if the process ends, the alert loop still pages whatever nobody took.
"""

from collections import defaultdict

from escalation.staffbot_alert import StaffAlert

#: As many alerts at one look are told one by one.
ONE_BY_ONE_MAX = 5
#: A chat gets one list in this time.
GAP_S = 60.0


class Storm:
    """What each chat is still to hear of, and when it got its last list. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._waiting: dict[str, dict[str, StaffAlert]] = defaultdict(dict)
        self._listed_at: dict[str, float] = {}

    def takes(self, chat_id: str, count: int, now_s: float) -> bool:
        """True when this many new alerts are to reach the chat as a list."""
        lately = now_s - self._listed_at.get(chat_id, float("-inf")) < GAP_S
        return count > ONE_BY_ONE_MAX or lately or bool(self._waiting.get(chat_id))

    def add(self, chat_id: str, alert: StaffAlert) -> None:
        """Keep an alert for the chat's next list; the newest of a case counts."""
        self._waiting[chat_id][alert.case_id] = alert

    def due(self, now_s: float) -> list[tuple[str, tuple[StaffAlert, ...]]]:
        """Give the lists that may go out now."""
        return [
            (chat_id, tuple(alerts.values()))
            for chat_id, alerts in self._waiting.items()
            if alerts and now_s - self._listed_at.get(chat_id, float("-inf")) >= GAP_S
        ]

    def told(self, chat_id: str, now_s: float) -> None:
        """Note that a chat got its list."""
        self._waiting.pop(chat_id, None)
        self._listed_at[chat_id] = now_s
