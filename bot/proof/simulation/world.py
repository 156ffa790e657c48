"""One seed under way: the installation, the world around it, the oracle that watches; and the passing of time."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.core.messages import Input, OutboundMsg
from bot.proof.simulation.alarm import LATER_S, SOON_S, Alarm
from bot.proof.simulation.citizens import PEOPLE, meaning
from bot.proof.simulation.house import House
from bot.proof.simulation.oracle import Oracle
from bot.proof.simulation.provider import KEPT_S, Update
from bot.proof.simulation.template import CHATS, STAFF, START, Template
from bot.proof.simulation.vigil import Vigil
from bot.proof.simulation.virtual import SimClock
from escalation import acts, shifts
from escalation.case import ActError

#: Loops pass at most so often in one stretch of time; what is left of it then passes at once.
PASSES_MAX = 10
#: So often the alert process looks in a stretch at most.
LOOKS_MAX = 20
#: A present counsellor's console renews its claim at least this often.
RENEW_S = 30.0
#: Whoever works longer than this without a step of hers has left her desk.
PRESENT_S = 120.0

_DUE = """
SELECT min(at) FROM (SELECT min(silence_at) AS at FROM sessions WHERE ended_at IS NULL
UNION ALL SELECT min(not_taken_at) FROM sessions WHERE ended_at IS NULL
UNION ALL SELECT min(due_at) FROM due WHERE state = 'planned'
UNION ALL SELECT min(due_at) FROM inbox WHERE state = 'waiting'
UNION ALL SELECT min(max(due_at, coalesce(lease_until, 0))) FROM outbox WHERE state IN ('queued', 'sending')
UNION ALL SELECT min(lease_until) FROM cases WHERE state = 'claimed'
UNION ALL SELECT min(next_action_at) FROM cases WHERE state = 'waiting'
UNION ALL SELECT min(erase_due_at) FROM contacts WHERE erased_at IS NULL) AS waits
"""
_GATE = """
SELECT c.opted_out_at, c.left_at, c.sealed_safe_contact IS NOT NULL, c.erased_at, o.state FROM outbox o
JOIN contacts c ON c.id = o.contact_id WHERE o.key = ?
"""
_UNSAID = "SELECT 1 FROM outbox WHERE state IN ('queued', 'sending') LIMIT 1"
#: The urgent cases that wait for a person, and how often somebody said of each that she saw it.
_WAITING = """
SELECT id, (SELECT count(*) FROM case_events e WHERE e.case_id = cases.id AND e.kind = 'seen') FROM cases
WHERE tier = 'T1' AND state = 'queued' ORDER BY id
"""
_HELD = "SELECT id, token FROM cases WHERE state = 'claimed' AND holder = ? AND lease_until < ?"
#: The rows that were leased together for one contact go out as one message.
_JOINED = """
SELECT o.key FROM outbox o JOIN outbox f ON f.key = ? AND o.contact_id = f.contact_id AND o.id >= f.id
AND o.urgent = f.urgent WHERE o.state = 'sending' AND o.lease_until = f.lease_until ORDER BY o.id
"""


@dataclass(slots=True)
class Worker:
    """A counsellor at her desk, with what her browser remembers: the token of each case she was given."""

    tokens: dict[str, int] = field(default_factory=dict)
    old_tokens: dict[str, int] = field(default_factory=dict)
    seen_s: float = -1e9  #: when she last did something
    is_on_shift: bool = False


class World:
    """Everything of one seed."""

    def __init__(self, template: Template, directory: Path, seed: int, make_house: type[House] = House) -> None:
        self.clock = SimClock(START)
        self.template = template
        self.house = make_house(template, directory, self.clock, seed)
        self.provider = self.house.provider
        self.provider.on_send = self._on_send
        self.house.on_crash = self._excuse
        self.oracle = Oracle()
        self.vigil = Vigil(frozenset({*CHATS.values(), "duty"}), self.oracle.broken)
        self.alarm = Alarm(directory / "watch.db", self.house, template.policy, self.vigil)
        self.staff = {actor.staff_id: Worker() for actor in STAFF}
        self.met: Counter[str] = Counter()  #: what happened, for the report
        self.commands = 0
        self.wrong_by_s = 0.0  #: how far the wall clock is off
        self.silenced: set[str] = set()  #: chats that left in a hurry or asked to be erased: silence is an answer
        self._meant: dict[tuple[str, str], str] = {}
        self._ledger_at = 0

    # -- citizens ---------------------------------------------------------------------------------------------------

    def writes(self, person: int, received: Input, *, now: bool = True) -> Update:
        """Let a citizen do something, and the provider offer it at once."""
        channel, chat = PEOPLE[self.favourite(person)]
        update = self.provider.new_update(channel, chat, received, meaning(received))
        self._meant[update.channel, update.provider_id] = update.meant
        if now:
            self.offer([update])
        return update

    def meant(self, channel: str, provider_id: str) -> str:
        """Give what the update behind an inbox row meant; nothing for what no citizen sent."""
        return self._meant.get((channel, provider_id), "")

    def favourite(self, number: int) -> int:
        """Give a person's place in PEOPLE: half of everything happens to the first two."""
        spread = (0, 0, 0, 1, 1, 2, 3, 3, 4)
        return spread[number % len(spread)]

    def offer(self, updates: list[Update]) -> None:
        """Have the providers deliver; those they heard a yes for are told to the oracle."""
        heard = [update.times for update in updates]
        self.house.offer(updates)
        for update, times in zip(updates, heard, strict=True):
            if update.times > times:
                self.oracle.said_yes((update.channel, update.provider_id), update.meant)
                if update.chat in self.provider.blocked:
                    self.provider.blocked.discard(update.chat)  # who writes to us has not blocked us
        self.note_full_disk()

    # -- staff ------------------------------------------------------------------------------------------------------

    def open_cases(self) -> list[dict[str, Any]]:
        """Give the cases, open ones first."""
        return self.house.rows_as_dicts(
            "SELECT id, contact_id, state, holder, token, tier, desk, closed_at FROM cases"
            " ORDER BY state = 'closed', opened_at, id"
        )

    def act(self, name: str, who: str, case_id: str, act: Any, *, shown: int | None = None, **more: Any) -> Any:
        """Let somebody do an act on a case; give its answer, None when it was refused or the process died of it."""
        actor = next(actor for actor in STAFF if actor.staff_id == who)
        worker = self.staff[who]
        worker.seen_s = self.clock.monotonic()
        self.oracle.tried.add((name, case_id))
        arguments = dict(more, actor=actor, case_id=case_id)
        before = self.house.rows("SELECT holder, token, state FROM cases WHERE id = ?", (case_id,))[0]
        is_anothers = self._is_anothers(case_id, who)
        if shown is not None:
            arguments["token"] = shown
        try:
            answer = self.house.act(act, **arguments)
        except ActError as error:
            self.met[f"refused:{type(error).__name__}"] += 1
            return None
        except Exception as error:  # noqa: BLE001 - a full disk: the page says that it was not kept
            self.met[f"failed:{type(error).__name__}"] += 1
            return None
        self.note_full_disk()
        if answer is None:
            return None
        is_hers = name in {"claim", "undo_close", "renew"} and getattr(answer, "id", case_id) == case_id
        token: int | None = getattr(answer, "token", None) if is_hers else None
        if shown is not None and before != (who, shown, "claimed"):
            self.oracle.broken("I9", f"{name} passed with a token that was not the present claim's")
        if name == "claim" and is_anothers:
            self.oracle.broken("I9", "a case was taken while another's lease was alive")
        if token is not None:
            self.oracle.claimed(case_id, who, token)
        if token is not None:
            if worker.tokens.get(case_id, token) != token:
                worker.old_tokens[case_id] = worker.tokens[case_id]
            worker.tokens[case_id] = token
        return answer

    def _is_anothers(self, case_id: str, who: str) -> bool:
        """True while somebody else holds the case and her lease has a second left at least."""
        alive = "SELECT 1 FROM cases WHERE id = ? AND state = 'claimed' AND holder <> ? AND lease_until > ?"
        return bool(self.house.rows(alive, (case_id, who, self.house.now_ms() + 1000)))

    def keep_presence(self) -> None:
        """Renew what those who sit at their desks hold, as their open pages do."""
        now = self.clock.monotonic()
        for who, worker in self.staff.items():
            if now - worker.seen_s > PRESENT_S:
                continue
            seen_s = worker.seen_s
            soon_ms = self.house.now_ms() + int(RENEW_S * 1000)
            held = self.house.rows(_HELD, (who, soon_ms))
            for case_id, token in held:
                if worker.tokens.get(case_id) == token:
                    self.act("renew", who, case_id, acts.renew_lease, shown=token)
            if worker.is_on_shift:
                self._touch(who)
            worker.seen_s = seen_s

    def _touch(self, who: str) -> None:
        actor = next(actor for actor in STAFF if actor.staff_id == who)
        now_ms = self.house.now_ms()
        try:
            self.house.write(lambda tx: shifts.touch_shift(tx, actor=actor, now_ms=now_ms))
        except Exception:  # noqa: BLE001 - a full disk
            self.met["failed:touch"] += 1

    # -- time -------------------------------------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        """Let time pass; the loops pass at each moment something falls due."""
        until = self.clock.monotonic() + seconds
        for _ in range(PASSES_MAX):
            left = until - self.clock.monotonic()
            if left <= 0:
                return
            gap = min(left, max(1.0, self._next_due_s()))
            if any(self.clock.monotonic() - worker.seen_s <= PRESENT_S for worker in self.staff.values()):
                gap = min(gap, RENEW_S)
            self._advance(gap)
            self.keep_presence()
            self.redeliver_waiting()
            self.pump()
        self.clock.advance(max(0.0, until - self.clock.monotonic()))
        self.keep_presence()
        self.pump()

    def pump(self) -> None:
        """Let every loop do one pass."""
        self.house.pump()
        self.note_full_disk()
        self.watch()

    def watch(self) -> None:
        """Let the alert process look, if anybody waits; then judge whether all were told in time (I7)."""
        self.vigil.note(self.house.rows(_WAITING), self.clock.monotonic())
        if self.vigil.is_awaited:
            self.alarm.look(self.house.faults)
            self.vigil.judge(self.clock.monotonic(), self.alarm.open_since_s)

    def _advance(self, seconds: float) -> None:
        """Let a stretch pass in which no loop of the service does anything; the alert process looks all the while."""
        until = self.clock.monotonic() + seconds
        for _ in range(LOOKS_MAX):
            now = self.clock.monotonic()
            apart = SOON_S if self.vigil.is_fresh(now) else LATER_S
            if not self.vigil.is_awaited or until - now <= apart:
                break
            self.clock.advance(apart)
            self.watch()
        self.clock.advance(max(0.0, until - self.clock.monotonic()))

    def settle(self) -> None:
        """Let the senders go on for some minutes without a pause: where they stood still, calls were given up."""
        for _ in range(300):
            if not self.house.rows(_UNSAID):
                return
            began = self.clock.monotonic()
            self.house.send()
            if self.clock.monotonic() == began:
                self.clock.advance(1.0)

    def redeliver_waiting(self) -> None:
        """Have the providers offer again what they heard no yes for, unless it is too old; a no ends it for now."""
        now = self.clock.monotonic()
        self.provider.waiting = [update for update in self.provider.waiting if now - update.made_s < KEPT_S]
        for update in list(self.provider.waiting)[:8]:
            self.offer([update])
            if update.heard is None:
                return

    def _next_due_s(self) -> float:
        due = self.house.rows(_DUE)[0][0]
        return 3600.0 if due is None else (due - self.house.now_ms()) / 1000

    def shut(self) -> None:
        """End this world."""
        self.alarm.shut()
        self.house.shut()

    # -- what the world notices ---------------------------------------------------------------------------------------

    def _on_send(self, message: OutboundMsg) -> tuple[str, ...]:
        """Ask, at the very moment a provider is called, whether this may go out (I13, I17); give the rows in it."""
        found = self.house.rows(_GATE, (message.key,))
        if not found:
            self.oracle.broken("I13", "a message goes out that was never committed")
            return (message.key,)
        opted_out, left, safe, erased, state = found[0]
        if state != "sending":
            self.oracle.broken("I13", f"a message goes out in state {state}")
        if message.kind == "proactive" and (
            opted_out is not None or left is not None or not safe or erased is not None
        ):
            self.oracle.broken("I17", "a message that comes by itself goes to somebody it may endanger")
        return tuple(key for (key,) in self.house.rows(_JOINED, (message.key,)))

    def note_ledger(self) -> list[str]:
        """Tell the oracle what the providers took since the last look; give the keys."""
        fresh = self.provider.ledger[self._ledger_at :]
        self._ledger_at = len(self.provider.ledger)
        keys = [(key, delivery.told) for delivery in fresh for key in delivery.keys]
        for key, told in keys:
            self.oracle.took(key, told=told)
        return [key for key, _ in keys]

    def note_full_disk(self) -> None:
        """While the disk takes no record: what was taken and not recorded may go out once more."""
        if self.house.disk_is_full:
            self._excuse()

    def _excuse(self) -> None:
        """Excuse one more copy of what was taken, or is on its way, and not recorded; asked in the moment of a death, by what is committed then."""
        unrecorded = self.house.rows("SELECT key FROM outbox WHERE state IN ('queued', 'sending')")
        for (key,) in unrecorded:
            copies = self.provider.copies[key] + (key in self.provider.under_way)
            self.oracle.excused[key] = max(self.oracle.excused[key], copies)
