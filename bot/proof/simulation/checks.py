"""The looking: after every step the rows are shown to the oracle and asked by SQL; at the end all must be healthy.

The SQL invariants are those of `panah doctor` (bot.proof.invariants), asked from a connection of our own.
"""

import hashlib
from typing import Any

from bot.proof import invariants
from bot.proof.simulation.oracle import Seen
from bot.proof.simulation.provider import KEPT_S
from bot.proof.simulation.world import World

_INBOX = """
SELECT i.id, i.channel, i.provider_id, i.contact_id, i.kind, i.state, t.id AS turn_id, t.at AS turn_at,
c.erased_at IS NOT NULL AS is_erased FROM inbox i LEFT JOIN turns t ON t.inbox_id = i.id
LEFT JOIN contacts c ON c.id = i.contact_id WHERE i.id > ? OR i.state = 'waiting'
"""
_CASES = "SELECT id, contact_id, tier, state, holder, token FROM cases"
#: A row, and whether it may come late: it waits for her safe window, or something urgent has overtaken it (I14).
_OUT = """
SELECT o.id, o.contact_id, o.kind = 'proactive' OR EXISTS (SELECT 1 FROM outbox u WHERE u.contact_id = o.contact_id
AND u.id > o.id AND u.urgent > o.urgent) FROM outbox o WHERE o.key = ?
"""
_SAFETY = tuple(promise for promise in invariants.INVARIANTS if not promise.late)
_LIVENESS = tuple(promise for promise in invariants.INVARIANTS if promise.late)
_HEAL_S = 600.0
#: In stretches shorter than what counts as late: the loops pass ten times in a stretch at most, and what is left of it
#: passes at once (bot.proof.simulation.world).
_HEAL_STRETCHES = 12
#: What is compared when the whole trace was delivered a second time (I2); times and leases may move.
_STATE = (
    "SELECT count(*), max(id) FROM inbox",
    "SELECT count(*), max(id) FROM turns",
    "SELECT count(*), max(id) FROM messages",
    "SELECT count(*), max(id) FROM outbox",
    "SELECT id, tier, kinds, state, token, holder FROM cases ORDER BY id",
    "SELECT id, status, tier, turns, version, ended_at FROM sessions ORDER BY id",
    "SELECT id, opted_out_at, erase_due_at, erased_at, left_at FROM contacts ORDER BY id",
    "SELECT id, state FROM due WHERE kind = 'follow_up' ORDER BY id",
    "SELECT count(*) FROM case_events",
    "SELECT count(*) FROM consents",
)


class Watcher:
    """Looks at one world. `breaches` are the oracle's and its own, in the order they were met."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._settled = 0  #: inbox rows up to here can change no more
        self._message = 0
        self._version: tuple[Any, ...] = ()
        self._unsure = 0

    def look(self) -> list[str]:
        """Look after a step; give what is broken."""
        world = self._world
        keys = world.note_ledger()
        if world.house.unsure != self._unsure:  # what is due by a wrong clock looks like what was missed in a long stop
            self._unsure = world.house.unsure
            world.oracle.fired.clear()
        version = (
            world.house.crashes,
            world.house.rows("PRAGMA data_version")[0][0],
            len(keys),
            len(world.oracle.heard),
        )
        if version != self._version:
            self._version = version
            world.oracle.look(self._seen(keys))
            self._ask(_SAFETY)
        if world.provider.calls_too_early:
            world.provider.calls_too_early = 0
            world.oracle.broken("I16", "a provider was called before the moment it had named")
        return world.oracle.breaches

    def _seen(self, keys: list[str]) -> Seen:
        house = self._world.house
        house.eye.execute("BEGIN")  # one snapshot for all
        try:
            inbox = [self._arrival(row) for row in house.rows(_INBOX, (self._settled,))]
            messages = house.rows("SELECT id, contact_id FROM messages WHERE id > ? ORDER BY id", (self._message,))
            cases = [dict(zip(("id", "contact_id", "tier", "state", "holder", "token"), row, strict=True))
                     for row in house.rows(_CASES)]  # fmt: skip
            seen = Seen(
                inbox=inbox,
                inbox_count=house.rows("SELECT count(*) FROM inbox")[0][0],
                cases=cases,
                sessions=house.rows("SELECT id, version FROM sessions"),
                messages=messages,
                outbox={key: self._out(key) for key in keys},
                follow_ups=house.rows("SELECT id, state FROM due WHERE kind = 'follow_up'"),
            )
        finally:
            house.eye.execute("COMMIT")
        self._message = max([self._message, *(row[0] for row in messages)])
        self._settle(inbox)
        return seen

    def _settle(self, inbox: list[dict[str, Any]]) -> None:
        """Note up to which row nothing changes any more, so that it need not be read again."""
        waiting = [row["id"] for row in inbox if row["state"] == "waiting"]
        newest = max((row["id"] for row in inbox), default=self._settled)
        self._settled = min([*waiting, newest + 1]) - 1

    def _arrival(self, row: tuple[Any, ...]) -> dict[str, Any]:
        names = ("id", "channel", "provider_id", "contact_id", "kind", "state", "turn_id", "turn_at", "is_erased")
        found = dict(zip(names, row, strict=True))
        return {**found, "meant": self._world.meant(found["channel"], found["provider_id"])}

    def _out(self, key: str) -> dict[str, Any]:
        rows = self._world.house.rows(_OUT, (key,))
        if not rows:
            return {}
        row_id, contact, is_late = rows[0]
        return {"id": row_id, "contact_id": contact, "late": bool(is_late)}

    def _ask(self, promises: tuple[Any, ...]) -> None:
        now_ms = self._world.house.now_ms()
        times = {
            "now": now_ms,
            "late": now_ms - invariants.LATE_MS,
            "sending_late": now_ms - invariants.SENDING_LATE_MS,
            "newest": 10**12,
        }
        for promise in promises:
            rows = self._world.house.rows(promise.sql, times)
            if rows:
                self._world.oracle.broken(promise.code, f"{len(rows)} {promise.broken}")

    # -- the end ------------------------------------------------------------------------------------------------------

    def finish(self) -> list[str]:
        """Heal everything, let ten minutes pass, and see that nothing is owed to anybody (I2, I3, I7, I11, I13)."""
        world = self._world
        world.house.faults.disarm()
        if world.house.disk_is_full:
            world.house.free_disk()
        world.provider.heal()
        world.alarm.heal()
        if world.wrong_by_s:
            world.clock.jump(-world.wrong_by_s)
            world.wrong_by_s = 0.0
        for _ in range(_HEAL_STRETCHES):
            world.pass_time(_HEAL_S / _HEAL_STRETCHES)
            if self.look():
                return world.oracle.breaches
        world.settle()
        self._ask(_LIVENESS)
        self._nothing_owed()
        self._again()
        return self.look()

    def _nothing_owed(self) -> None:
        world, oracle = self._world, self._world.oracle
        if world.provider.waiting:
            oracle.broken("I1", f"{len(world.provider.waiting)} updates are refused for ever")
        for (state,) in world.house.rows("SELECT state FROM outbox WHERE state IN ('queued', 'sending')"):
            oracle.broken("I13", f"a message is {state} although everything is healed")
        for key, attempts in world.house.rows("SELECT key, attempts FROM outbox WHERE state = 'sent'"):
            if not world.provider.copies[key]:
                oracle.broken("I13", f"a message is called sent after {attempts} attempts and no provider took it")
        for channel, pid in oracle.heard:
            if not self._answered(channel, pid):
                oracle.broken("I3", "somebody wrote, and there is no answer, no case and no reason")

    def _answered(self, channel: str, provider_id: str) -> bool:
        """True when an update led to words of ours, to a case, or to a silence that has its reason."""
        world = self._world
        row = world.oracle.known.get((channel, provider_id))
        if row is None or row["state"] == "waiting":
            return False
        contact = row["contact_id"]
        if world.house.rows("SELECT 1 FROM outbox WHERE key LIKE ? LIMIT 1", (f"{row['id']}.%",)):
            return True
        return bool(
            world.house.rows(
                "SELECT 1 FROM cases WHERE contact_id = ? UNION SELECT 1 FROM contacts WHERE id = ? AND"
                " (erased_at IS NOT NULL OR erase_due_at IS NOT NULL) UNION SELECT 1 FROM sessions"
                " WHERE contact_id = ? AND status = 'locked' LIMIT 1",
                (contact, contact, contact),
            )
        )

    def _again(self) -> None:
        """Deliver everything a second time: nothing may change (I2)."""
        world = self._world
        before = self._state()
        now = world.clock.monotonic()
        again = [found for found in world.provider.updates if found.heard is not None and now - found.made_s < KEPT_S]
        for at in range(0, len(again), 20):
            world.offer(again[at : at + 20])
        if self._state() != before:
            world.oracle.broken("I2", "delivering everything a second time changed something")

    def _state(self) -> str:
        rows = [self._world.house.rows(sql) for sql in _STATE]
        return hashlib.sha256(repr(rows).encode()).hexdigest()
