"""A whole core on a virtual clock, and the few things that these tests do with it."""

import itertools
import json

import pytest
from stores import STORES

from bot.app import build_core
from bot.bus import InProcessBus
from bot.content import OneVersion, lines_of
from bot.core.clock import SteadyClock
from bot.core.ids import seeded_ids
from bot.core.messages import InboundMsg, TextInput
from bot.core.promise import due_row
from bot.due import plan
from bot.store.crypto import ephemeral_keyring
from bot.store.vault import contact_key, seal
from bot.telemetry import configure
from escalation import acts, relay
from escalation.office import Office
from escalation.policy import Actor
from escalation.sweeper import sweep


class Town:
    """One core, its clock, a counsellor, and shorthand for what happens there."""

    def __init__(self, core, clock):
        self.core, self.clock = core, clock
        self.office = Office(keyring=core.keyring, bus=core.bus, new_id=core.ids)
        self.mina = Actor(staff_id="mina", name="mina", roles=frozenset({"counsellor"}))
        self._numbers = itertools.count(1)

    @property
    def now(self):
        return int(self.core.clock.now().timestamp() * 1000)

    def say(self, text, who="a"):
        return self.send(TextInput(text), who)

    def send(self, entered, who="a", *, opened_anew=False):
        message = InboundMsg(
            channel="web", external_id=who, provider_id=f"m{next(self._numbers)}", input=entered,
            received_at=self.core.clock.now(), opened_anew=opened_anew,
        )  # fmt: skip
        return self.core.inbox.put(message).done.result(20)

    def rows(self, sql, *values):
        return [tuple(row) for row in self.core.store.read_now(lambda db: db.exec_driver_sql(sql, values).all())]

    def run(self, sql, *values):
        self.core.store.write_now(lambda tx: tx.raw.execute(sql, values) and None)

    def act(self, act, **arguments):
        return self.core.store.write_now(lambda tx: act(tx, self.office, actor=self.mina, now_ms=self.now, **arguments))

    def claim(self, case_id):
        return self.act(acts.claim_case, case_id=case_id).token

    def says(self, case_id, token):
        """Let the counsellor write a word."""
        command = f"command-{next(self._numbers)}"
        self.act(relay.write_message, case_id=case_id, token=token, text="من هستم", command_id=command)

    def tick(self):
        """Let every loop look once."""
        self.core.timers.fire_due()
        self.core.store.write_now(lambda tx: sweep(tx, self.office, now_ms=self.now))
        self.core.waiting.run_due()

    def wait(self, seconds, step=30):
        """Let time pass with the loops looking every so often."""
        for _ in range(int(seconds // step)):
            self.clock.advance(step)
            self.tick()

    def texts(self, after=0):
        """Give what the bot said, by its kind in the outbox, in order."""
        return self.rows("SELECT kind FROM outbox WHERE id > ? ORDER BY id", after)

    def last_outbox(self):
        return self.rows("SELECT coalesce(max(id), 0) FROM outbox")[0][0]

    def case(self):
        ((case_id,),) = self.rows("SELECT id FROM cases WHERE state <> 'closed'")
        return case_id

    def due(self, kind):
        return self.rows("SELECT step, state, due_at FROM due WHERE kind = ? ORDER BY id", kind)

    def states(self, kind):
        return [state for _, state, _ in self.due(kind)]

    def plan(self, kind, subject, step="1", *, after_s=0, contact_id="", **detail):
        row = due_row(
            kind, subject, step, due_at=self.now + int(after_s * 1000), now_ms=self.now, contact_id=contact_id,
            detail=detail,
        )  # fmt: skip
        self.core.store.write_now(lambda tx: plan(tx, row))

    def make_reachable(self, contact_id, hours="هر وقت"):
        """Write down that she may be written to, here and at these hours."""
        safe = {"way": "here", "hours": hours}

        def put(tx):
            key = contact_key(tx.connection, self.core.keyring, contact_id)
            sealed = seal(key, "contacts.safe_contact", safe)
            tx.raw.execute("UPDATE contacts SET sealed_safe_contact = ? WHERE id = ?", (sealed, contact_id))

        self.core.store.write_now(put)

    def events(self, kind):
        return [json.loads(data) for (data,) in self.rows("SELECT data FROM case_events WHERE kind = ?", kind)]


@pytest.fixture
def make_town(bundle, screener, clock):
    """Give a maker of towns; made again on the same file it is the same town after a restart."""
    stores, keyring, ids = [], ephemeral_keyring(), seeded_ids(7)

    def make(path=None, *, steady=False, screener=screener):
        store = STORES.open(path, threaded=False)
        stores.append(store)
        core = build_core(
            store=store,
            keyring=keyring,
            bus=InProcessBus(),
            clock=SteadyClock(clock) if steady else clock,
            ids=ids,
            screener=screener,
            versions=OneVersion(bundle),
            lines=lambda: lines_of(bundle),
            log=configure(),
            staff_on=lambda _tx, _now: True,
        )
        return Town(core, clock)

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def town(make_town):
    return make_town()
