"""One conversation with no network: turn and commit on an in-memory store under a virtual clock.

Replay, the scripts' own `tests:` and the studio use it; it runs the very code that production runs, from the inbox
row to the case, and reads its answers back from the tables.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from bot.core.clock import VirtualClock
from bot.core.event_codec import events_from_json
from bot.core.messages import ClosedInput, HeldInput, InboundMsg, Input, Press
from bot.core.screening import Tier
from bot.core.text import fold
from bot.inbox import Accepted, Inbox
from bot.store.crypto import Keyring
from bot.store.database import Store
from bot.store.vault import contact_key, unseal
from bot.timers import Timers
from bot.waiting import WaitingRows

#: How far a virtual clock moves between two lines of a replay, in seconds.
LINE_S = 20.0
#: The citizen's address on her channel.
ADDRESS = "simulated"


class SimulatedCore(Protocol):
    """What the simulator needs of bot.app's Core."""

    @property
    def store(self) -> Store: ...  # noqa: D102
    @property
    def keyring(self) -> Keyring: ...  # noqa: D102
    @property
    def inbox(self) -> Inbox: ...  # noqa: D102
    @property
    def waiting(self) -> WaitingRows: ...  # noqa: D102
    @property
    def timers(self) -> Timers: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Said:
    """One message the contact got."""

    text: str
    buttons: tuple[tuple[str, str], ...]  #: (label, data) pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one input (or one stretch of time) did."""

    out: tuple[Said, ...]
    tier: Tier | None
    kinds: tuple[str, ...]
    why: tuple[str, ...]
    cases: tuple[dict[str, Any], ...]  #: opened or changed: id, code, tier, kinds, province, state
    ended: bool
    events: tuple[dict[str, Any], ...]


class Simulator:
    """A citizen on one channel, in her own small world."""

    def __init__(self, core: SimulatedCore, clock: VirtualClock, *, channel: str = "web") -> None:
        self._core = core
        self._clock = clock
        self._channel = channel
        self._sent = 0
        self._contact_id = ""
        self._messages_seen = 0
        self._turns_seen = 0
        self._cases_seen: dict[str, str] = {}
        self.buttons: tuple[tuple[str, str], ...] = ()
        self.last_tier: Tier | None = None
        self.last_kinds: tuple[str, ...] = ()

    def send(self, received: Input, *, ago_s: float = 0.0) -> Step:
        """Let something of the citizen arrive that she sent `ago_s` seconds before."""
        self._sent += 1
        now = self._clock.now()
        message = InboundMsg(
            channel=self._channel,
            external_id=ADDRESS,
            provider_id=f"line-{self._sent}",
            input=received,
            received_at=now,
            sent_at=now - timedelta(seconds=ago_s) if ago_s else None,
        )
        accepted: Accepted = self._core.inbox.put(message).done.result()
        self._contact_id = accepted.contact_id or self._contact_id
        self._core.waiting.run_due()
        return self._look()

    def act(self, received: Input) -> Step:
        """Let a counsellor's act reach the session (held, handed back, closed)."""
        self._sent += 1
        message = InboundMsg(
            channel="desk",
            external_id="",
            provider_id=f"act-{self._sent}",
            input=received,
            received_at=self._clock.now(),
        )
        self._core.inbox.put(message, contact_id=self._contact_id).done.result()
        if isinstance(received, HeldInput | ClosedInput):
            self._mark_cases("claimed" if isinstance(received, HeldInput) else "closed")
        return self._look()

    def wait(self, seconds: float) -> Step:
        """Let time pass; what falls due on the way fires in its order."""
        left_s = seconds
        while True:
            due_ms = self._core.timers.next_due_ms()
            gap_s = None if due_ms is None else due_ms / 1000 - self._clock.now().timestamp()
            if gap_s is None or gap_s > left_s:
                self._clock.advance(left_s)
                return self._look()
            self._clock.advance(max(gap_s, 0.001))
            left_s = max(0.0, left_s - max(gap_s, 0.001))
            self._core.timers.fire_due()
            self._core.waiting.run_due()

    def cases(self) -> list[dict[str, Any]]:
        """Give all cases of this conversation."""
        sql = "SELECT id, code, tier, kinds, province, state, changed_at FROM cases ORDER BY opened_at"
        rows = self._core.store.read_now(lambda db: db.exec_driver_sql(sql).mappings().all())
        return [{**row, "kinds": json.loads(row["kinds"])} for row in rows]

    def _mark_cases(self, state: str) -> None:
        self._core.store.write_now(
            lambda tx: tx.raw.execute("UPDATE cases SET state = ? WHERE state <> 'closed'", (state,))
        )

    def _look(self) -> Step:
        out = self._new_messages()
        events = self._new_events()
        changed = [case for case in self.cases() if self._cases_seen.get(case["id"]) != json.dumps(case)]
        self._cases_seen.update({case["id"]: json.dumps(case) for case in changed})
        if out:
            self.buttons = next((said.buttons for said in reversed(out) if said.buttons), ())
        self._note_risk(events)
        ended = any(event["type"] == "SessionEnded" for event in events)
        return Step(
            out=tuple(out),
            tier=self.last_tier,
            kinds=self.last_kinds,
            why=tuple(dict.fromkeys(why for event in events for why in event.get("why", ()))),
            cases=tuple({key: value for key, value in case.items() if key != "changed_at"} for case in changed),
            ended=ended,
            events=tuple(events),
        )

    def _note_risk(self, events: Sequence[dict[str, Any]]) -> None:
        for event in events:
            if event["type"] in {"RiskRaised", "EscalationRequested"}:
                tier = event.get("tier")
                self.last_tier = min(filter(None, (self.last_tier, tier)), default=None)
                self.last_kinds = tuple(dict.fromkeys((*self.last_kinds, *event.get("kinds", ()))))

    def _new_messages(self) -> list[Said]:
        sql = "SELECT id, sealed_body FROM messages WHERE id > ? AND author <> 'contact' ORDER BY id"
        key = self._core.store.read_now(lambda db: contact_key(db, self._core.keyring, self._contact_id))
        rows = self._core.store.read_now(lambda db: db.exec_driver_sql(sql, (self._messages_seen,)).all())
        said: list[Said] = []
        for row_id, sealed in rows:
            self._messages_seen = row_id
            if key is not None:
                body = unseal(key, "messages.body", sealed)
                said.append(Said(body["text"], tuple((item["label"], item["data"]) for item in body["buttons"])))
        return said

    def _new_events(self) -> list[dict[str, Any]]:
        sql = "SELECT id, sealed_events FROM turns WHERE id > ? ORDER BY id"
        key = self._core.store.read_now(lambda db: contact_key(db, self._core.keyring, self._contact_id))
        rows = self._core.store.read_now(lambda db: db.exec_driver_sql(sql, (self._turns_seen,)).all())
        events: list[dict[str, Any]] = []
        for row_id, sealed in rows:
            self._turns_seen = row_id
            if key is not None:
                events.extend(events_from_json(unseal(key, "turns.events", sealed)))
        return events


def press_among(buttons: Sequence[tuple[str, str]], wanted: str) -> Press | None:
    """Find the button that is meant by its key, label or number."""
    for number, (label, data) in enumerate(buttons, start=1):
        press = Press.decode(data)
        if press and (wanted in {press.key, data} or fold(wanted) in {fold(label), str(number)}):
            return press
    return None
