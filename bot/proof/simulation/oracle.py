"""What must be true, by a model that shares no code with what it judges.

It knows only what the world outside saw: which updates we said yes to, what the providers took, which acts of staff
were answered. After every step it is shown the rows and says what cannot be.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

#: What each invented text is worth at least, as soon as its turn is committed (I6).
WORTH = {"danger": "T1", "worry": "T2"}
#: Time in seconds within which two timers of one person count as a burst (I18), and how many may come in it.
BURST_S, BURST_MAX = 60.0, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The rows as they stand after a step."""

    #: id, channel, provider_id, contact_id, kind, state, turn_id, turn_at, is_erased; newest only
    inbox: list[dict[str, Any]]
    inbox_count: int
    cases: list[dict[str, Any]]
    sessions: list[tuple[str, str]]  #: (id, version)
    messages: list[tuple[int, str]]  #: (id, contact_id) of new rows
    outbox: dict[str, dict[str, Any]]  #: by key: those the providers took since the last look
    follow_ups: list[tuple[str, str]]


@dataclass(slots=True)
class Oracle:
    """The model. Each method that learns a fact is called by the world; `look` gives the breaches."""

    heard: dict[tuple[str, str], str] = field(default_factory=dict)  #: update we said yes to → what it meant
    known: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)  #: its row, once seen
    cases: dict[str, dict[str, Any]] = field(default_factory=dict)
    claims: dict[str, tuple[str, int]] = field(default_factory=dict)  #: case → who was last told that she holds it
    versions: dict[str, str] = field(default_factory=dict)
    follow_ups: dict[str, str] = field(default_factory=dict)
    last_message: dict[str, int] = field(default_factory=dict)
    last_out: dict[str, int] = field(default_factory=dict)
    last_turn: dict[str, tuple[int, int]] = field(default_factory=dict)
    fired: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    tried: set[tuple[str, str]] = field(default_factory=set)  #: (act, case) that staff tried in this step
    excused: dict[str, int] = field(default_factory=lambda: defaultdict(int))  #: copies that a crash may have cost
    taken: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    rows: int = 0
    breaches: list[str] = field(default_factory=list)

    def broken(self, invariant: str, what: str) -> None:
        """Note a breach."""
        self.breaches.append(f"{invariant}: {what}")

    def said_yes(self, name: tuple[str, str], meant: str) -> None:
        """We confirmed an update: from now on it must be there for ever (I1)."""
        self.heard.setdefault(name, meant)

    def claimed(self, case_id: str, who: str, token: int) -> None:
        """Somebody was told that a case is hers under this token (I9)."""
        last_who, last = self.claims.get(case_id, ("", 0))
        if token < last or (token == last and who != last_who):
            self.broken("I9", "a claim's token did not rise")
        self.claims[case_id] = (who, token)

    def took(self, key: str, *, told: bool) -> None:
        """A provider took a message; when it could not tell us so, one more copy is excused (I13)."""
        self.taken[key] += 1
        if self.taken[key] > 1 + self.excused[key]:
            self.broken("I13", f"message {key} went out {self.taken[key]} times without a reason")
        self.excused[key] += not told

    def look(self, seen: Seen) -> None:
        """Judge the rows after a step."""
        self._inbox(seen)
        self._cases(seen)
        self._words(seen)
        for session_id, version in seen.sessions:
            if self.versions.setdefault(session_id, version) != version:
                self.broken("I19", "a session moved to another version")
        for row_id, state in seen.follow_ups:
            if state == "planned" and self.follow_ups.get(row_id, "planned") != "planned":
                self.broken("I18", "a follow-up that had fired is planned again")
            self.follow_ups[row_id] = state
        self.tried.clear()

    def _inbox(self, seen: Seen) -> None:
        if seen.inbox_count < self.rows:
            self.broken("I1", "arrivals are gone")
        self.rows = seen.inbox_count
        open_tiers = {case["contact_id"]: case["tier"] for case in seen.cases if case["state"] != "closed"}
        for row in seen.inbox:
            name = (row["channel"], row["provider_id"])
            before = self.known.get(name)
            if before is not None and before["id"] != row["id"]:
                self.broken("I2", "an update is stored twice")
            if before is not None and before["turn_id"] is not None and row["turn_id"] != before["turn_id"]:
                if row["turn_id"] is not None:
                    self.broken("I2", "a turn was run twice")
                elif not row["is_erased"]:
                    self.broken("I1", "a turn is gone")
            is_new = row["turn_id"] is not None and (before is None or before["turn_id"] is None)
            self.known[name] = row
            if is_new:
                self._turn(row, open_tiers)
        for name in self.heard:
            if name not in self.known:
                self.broken("I1", "an update that we confirmed is not there")

    def _turn(self, row: dict[str, Any], open_tiers: dict[str, str]) -> None:
        contact = row["contact_id"]
        worth = WORTH.get(row["meant"])
        if worth is not None and open_tiers.get(contact, "T9") > worth:
            self.broken("I6", f"a {row['meant']} text made no case of {worth}")
        if row["channel"] == "timer":
            now = row["turn_at"] / 1000
            times = self.fired[contact] = [at for at in self.fired[contact] if abs(now - at) < BURST_S] + [now]
            if len(times) > BURST_MAX:
                self.broken("I18", "timers fire in a burst")
        elif row["meant"] == "plain" or (row["meant"] == "answer" and open_tiers.get(contact) != "T1"):
            # danger, and leaving in a hurry, do not wait behind a message that failed
            last = self.last_turn.get(contact, (0, 0))
            if (row["id"] < last[0]) != (row["turn_id"] < last[1]):
                self.broken("I4", "turns of one person took effect out of order")
            self.last_turn[contact] = max(last, (row["id"], row["turn_id"]))

    def _cases(self, seen: Seen) -> None:
        gone = set(self.cases) - {case["id"] for case in seen.cases}
        if gone:
            self.broken("I11", "cases are gone")
        for case in seen.cases:
            before = self.cases.get(case["id"], case)
            if case["token"] < before["token"]:
                self.broken("I9", "a token fell")
            if case["holder"] != before["holder"] and case["holder"] and case["token"] <= before["token"]:
                self.broken("I9", "a new holder got no new token")
            if case["tier"] > before["tier"] and ("lower", case["id"]) not in self.tried:
                self.broken("I8", f"a case fell from {before['tier']} to {case['tier']} by itself")
            if case["state"] == "closed" != before["state"] and ("close", case["id"]) not in self.tried:
                self.broken("I8", "a case closed by itself")
            self.cases[case["id"]] = case

    def _words(self, seen: Seen) -> None:
        for message_id, contact in seen.messages:
            if message_id <= self.last_message.get(contact, 0):
                self.broken("I12", "the transcript grew in its middle")
            self.last_message[contact] = message_id
        for key, row in seen.outbox.items():
            if not row:
                self.broken("I13", f"message {key} went out and was never committed")
            elif row["id"] <= self.last_out.get(row["contact_id"], 0):
                if self.taken[key] <= 1 and not row["late"]:
                    self.broken("I14", "messages of one person went out in another order than they were made")
            else:
                self.last_out[row["contact_id"]] = row["id"]
