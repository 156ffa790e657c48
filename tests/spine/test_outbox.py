"""The outbox: each contact's order, back-off, what may no longer be said, and what a dead sender left."""

import itertools

import pytest

from bot.core.channels import SendError, Sent
from bot.core.messages import InboundMsg, TextInput
from bot.outbox import EXPIRES_MS, enqueue
from bot.sender import Sender, recover
from bot.store.vault import contact_key

_numbers = itertools.count(1)


class Provider:
    """A channel that keeps what it was given and fails as told."""

    name = "web"
    mode = "rich"

    def __init__(self):
        self.sent = []
        self.deleted = []
        self.failures = []

    async def send(self, message):
        if self.failures:
            failure = self.failures.pop(0)
            if failure is not None:
                raise failure
        self.sent.append((message.external_id, message.text))
        return Sent(provider_message_id=f"p{len(self.sent)}")

    async def delete(self, external_id, provider_message_ids):
        self.deleted.extend(provider_message_ids)
        return len(provider_message_ids)

    async def close(self): ...


@pytest.fixture
def provider():
    return Provider()


@pytest.fixture
def sender(core, provider):
    return Sender(
        provider, store=core.store, keyring=core.keyring, bus=core.bus, clock=core.clock, log=core.log, beats=core.beats
    )


def say(core, text, who="a"):
    message = InboundMsg(
        channel="web",
        external_id=who,
        provider_id=f"m{next(_numbers)}",
        input=TextInput(text),
        received_at=core.clock.now(),
    )
    return core.inbox.put(message).done.result()


async def drain(sender):
    while await sender.send_due():
        pass


def states(core):
    return [
        row[0] for row in core.store.read_now(lambda db: db.exec_driver_sql("SELECT state FROM outbox ORDER BY id"))
    ]


def add(core, accepted, text, *, kind="live"):
    def write(tx):
        key = contact_key(tx.connection, core.keyring, accepted.contact_id)
        address = tx.raw.execute("SELECT id FROM addresses WHERE contact_id = ?", (accepted.contact_id,)).fetchone()[0]
        enqueue(
            tx,
            key,
            key=f"k{next(_numbers)}",
            contact_id=accepted.contact_id,
            address_id=address,
            channel="web",
            kind=kind,
            text=text,
            now_ms=int(core.clock.now().timestamp() * 1000),
        )

    core.store.write_now(write)


async def test_messages_of_one_contact_go_out_in_their_order(core, sender, provider):
    accepted = say(core, "سلام")
    expected = [reply.text for reply in accepted.replies]
    for number in range(5):
        add(core, accepted, f"پیام {number}")
    await drain(sender)

    assert expected + [f"پیام {number}" for number in range(5)] == [text for _, text in provider.sent]
    assert {"sent"} == set(states(core))


async def test_a_failing_message_holds_only_its_own_contact(core, sender, provider):
    first, second = say(core, "سلام", "a"), say(core, "سلام", "b")
    provider.failures = [SendError("unavailable", retryable=True)]
    await sender.send_due()
    await drain(sender)

    got = {who for who, _ in provider.sent}
    assert 1 == len(got)
    assert len(first.replies) + len(second.replies) > len(provider.sent)


async def test_a_retry_waits_for_its_time_and_then_goes_out_once(core, sender, provider, clock):
    accepted = say(core, "سلام")
    provider.failures = [SendError("throttled", retryable=True, retry_after_s=30.0)]
    await drain(sender)
    assert [] == provider.sent
    clock.advance(29)
    await drain(sender)
    assert [] == provider.sent
    clock.advance(2)
    await drain(sender)

    assert [reply.text for reply in accepted.replies] == [text for _, text in provider.sent]


async def test_a_permanent_failure_flags_the_case_and_closes_nothing(core, sender, provider):
    say(core, "شوهرم داره منو می‌زنه")
    provider.failures = [SendError("blocked_by_contact", retryable=False)]
    await drain(sender)

    found = core.store.read_now(
        lambda db: db.exec_driver_sql("SELECT state, unreachable_at IS NOT NULL FROM cases").all()
    )
    kinds = core.store.read_now(lambda db: db.exec_driver_sql("SELECT kind FROM case_events").all())
    assert [("queued", 1)] == [tuple(row) for row in found]
    assert ("unreachable",) in [tuple(row) for row in kinds]
    assert "failed" in states(core)


async def test_what_came_too_late_to_be_said_expires(core, sender, provider, clock):
    say(core, "سلام")
    clock.advance(EXPIRES_MS["reply"] / 1000 + 1)
    await drain(sender)

    assert [] == provider.sent
    assert {"expired"} == set(states(core))


async def test_nothing_proactive_goes_out_without_a_safe_way(core, sender, provider):
    accepted = say(core, "سلام")
    await drain(sender)
    provider.sent.clear()
    add(core, accepted, "یادآوری", kind="proactive")
    await drain(sender)

    assert [] == provider.sent
    assert "expired" == states(core)[-1]


async def test_what_a_dead_sender_had_leased_goes_out_again(core, sender, provider, clock):
    accepted = say(core, "سلام")
    core.store.write_now(
        lambda tx: tx.raw.execute("UPDATE outbox SET state = 'sending', lease_until = 9999999999999, lease_by = 'dead'")
    )
    await drain(sender)
    assert [] == provider.sent

    core.store.write_now(recover)
    await drain(sender)
    assert len(accepted.replies) == len(provider.sent)


async def test_a_quick_exit_asks_the_provider_to_delete_what_it_holds(core, sender, provider):
    say(core, "سلام")
    await drain(sender)
    before = [f"p{number}" for number in range(1, len(provider.sent) + 1)]
    say(core, "0")
    await drain(sender)

    assert sorted(before) == sorted(provider.deleted)
