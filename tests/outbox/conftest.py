"""A post office over a real core in memory: contacts, cases and messages as rows, senders on virtual time."""

import asyncio
import contextlib
import itertools
import json

import pytest
from outbox.virtual_post import Provider, VirtualLoop

from bot.core.messages import Button
from bot.outbox import enqueue
from bot.sender import Sender
from bot.store.vault import contact_key, seal


class Post:
    def __init__(self, core, clock):
        self.core, self.clock = core, clock
        self.provider = Provider(clock)
        self._numbers = itertools.count(1)
        self.numbers = {}

    @property
    def now_ms(self):
        return int(self.clock.now().timestamp() * 1000)

    def sender(self, provider=None, store=None):
        core = self.core
        return Sender(
            provider or self.provider,
            store=store or core.store,
            keyring=core.keyring,
            bus=core.bus,
            clock=self.clock,
            log=core.log,
            beats=core.beats,
        )

    def contact(self, name, *, safe=None, channel="telegram", **facts):
        """Make a contact with one address, a session on it, and perhaps a safe way; `facts` are columns of hers."""
        wrapped, key = self.core.keyring.new_data_key()

        def write(tx):
            columns = {
                "id": name, "wrapped_key": wrapped, "key_id": "k", "created_at": self.now_ms, "seen_at": self.now_ms,
                "sealed_safe_contact": seal(key, "contacts.safe_contact", safe) if safe else None, **facts,
            }  # fmt: skip
            self._insert(tx, "contacts", columns)
            self._insert(tx, "addresses", {
                "id": f"{name}.a", "contact_id": name, "channel": channel, "address_index": name,
                "sealed_external_id": seal(key, "addresses.external_id", {"id": name}), "created_at": self.now_ms,
            })  # fmt: skip
            self._insert(tx, "sessions", {
                "id": f"{name}.s", "contact_id": name, "address_id": f"{name}.a", "version": "v", "status": "waiting",
                "started_at": self.now_ms, "updated_at": self.now_ms,
            })  # fmt: skip

        self.core.store.write_now(write)
        return name

    def case(self, name, tier="T1", **facts):
        columns = {
            "id": f"{name}.c", "code": "A1", "contact_id": name, "session_id": f"{name}.s", "channel": "telegram",
            "tier": tier, "kinds": "[]", "cause": "step", "desk": "national", "state": "queued",
            "opened_at": self.now_ms, "queued_at": self.now_ms, "changed_at": self.now_ms, **facts,
        }  # fmt: skip
        self.core.store.write_now(lambda tx: self._insert(tx, "cases", columns))

    def wrote(self, name, number, channel="telegram"):
        """Put something she wrote in the inbox, under the provider's number of it."""

        def write(tx):
            raw = contact_key(tx.connection, self.core.keyring, name).seal(b"inbox.raw", number.encode())
            self._insert(tx, "inbox", {
                "channel": channel, "provider_id": f"{name}.{number}", "contact_id": name, "address_id": f"{name}.a",
                "kind": "text", "sealed_raw": raw, "received_at": self.now_ms, "state": "done", "attempts": 1,
                "due_at": self.now_ms, "overtakes": 0,
            })  # fmt: skip

        self.core.store.write_now(write)

    def say(self, name, text, *, urgent=False, kind="reply", buttons=(), delete=False):
        """Put one message in the outbox; give its key."""
        key = f"k{next(self._numbers)}"
        self.numbers[key] = text.strip("<>")

        def write(tx):
            data_key = contact_key(tx.connection, self.core.keyring, name)
            enqueue(
                tx,
                data_key,
                key=key,
                contact_id=name,
                address_id=f"{name}.a",
                channel="telegram",
                kind=kind,
                text=text,
                buttons=[Button(label, label) for label in buttons],
                urgent=urgent,
                now_ms=self.now_ms,
            )
            if delete:
                body = {"text": text, "buttons": [], "delete": True}
                sealed = seal(data_key, "messages.body", body)
                tx.raw.execute("UPDATE outbox SET sealed_body = ? WHERE key = ?", (sealed, key))

        self.core.store.write_now(write)
        self.core.bus.publish("outbox")
        return key

    def rows(self, sql, *values):
        return [tuple(row) for row in self.core.store.read_now(lambda db: db.exec_driver_sql(sql, values).all())]

    def states(self):
        return [row[0] for row in self.rows("SELECT state FROM outbox ORDER BY id")]

    def events(self, name):
        found = self.rows("SELECT kind, data FROM case_events WHERE case_id = ? ORDER BY id", f"{name}.c")
        return [(kind, json.loads(content)) for kind, content in found]

    def open_rows(self):
        return self.rows("SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending')")[0][0]

    def run(self, *senders, for_s, acts=()):
        """Run senders for so long of virtual time; `acts` are (second, function) done beside them."""

        async def all_of_it():
            running = [asyncio.create_task(sender.run()) for sender in senders or (self.sender(),)]
            began = self.clock.monotonic()
            for second, act in sorted(acts, key=lambda item: item[0]):
                await asyncio.sleep(began + second - self.clock.monotonic())
                act()
            await asyncio.sleep(began + for_s - self.clock.monotonic())
            for task in running:
                task.cancel()
            for task in running:
                with contextlib.suppress(asyncio.CancelledError):
                    await task

        self.in_loop(all_of_it())

    def in_loop(self, coroutine):
        loop = VirtualLoop(self.clock)
        try:
            return loop.run_until_complete(coroutine)
        finally:
            self.core.bus._loop = None
            loop.close()

    def _insert(self, tx, table, columns):
        names = ", ".join(columns)
        marks = ", ".join(f":{name}" for name in columns)
        tx.raw.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", columns)


@pytest.fixture
def post(core, clock):
    return Post(core, clock)
