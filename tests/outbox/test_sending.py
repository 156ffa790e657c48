"""The pipeline on virtual time: order, retries, the provider's limits, the urgent lane, leases, a stop."""

import asyncio
import itertools

import pytest

from bot.bus import InProcessBus
from bot.handlers.pace import Pace
from bot.sender import recover


def test_a_conversation_is_said_in_its_order_and_each_text_once(post):
    for name in ("a", "b"):
        post.contact(name)
        for number in range(5):
            post.say(name, f"{name}{number}")
    post.run(for_s=20)

    assert [[f"{name}{number}" for number in range(5)] for name in "ab"] == [
        "\n\n".join(post.provider.texts(name)).split("\n\n") for name in "ab"
    ]
    assert {"sent"} == set(post.states())


def test_a_slow_call_holds_nobody_else(post):
    for number in range(20):
        post.contact(f"c{number}")
        post.say(f"c{number}", "سلام")
    post.provider.hanging.add("c0")
    post.run(for_s=5)

    assert {f"c{number}" for number in range(1, 20)} == {chat for chat, _ in post.provider.said}
    assert 19 == post.states().count("sent")


def test_a_call_that_hangs_is_given_up_before_its_lease_ends_and_tried_again(post):
    post.contact("a")
    post.say("a", "سلام")
    post.provider.hanging.add("a")
    post.run(for_s=70, acts=[(46, post.provider.hanging.clear)])

    assert ["سلام"] == post.provider.texts("a")
    assert [("sent", 2)] == post.rows("SELECT state, attempts FROM outbox")


class StandsStill:
    """A store whose process stands still for a while, once, right behind the commit of its first lease."""

    def __init__(self, store, clock):
        self._store, self._clock, self._for_s = store, clock, 70

    async def read(self, ask):
        return await self._store.read(ask)

    async def write(self, act):
        answer = await self._store.write(act)
        if answer:
            self._clock.advance(self._for_s)
            self._for_s = 0
        return answer


def test_no_call_begins_under_a_lease_that_ended_while_the_process_stood_still(post):
    post.contact("a")
    post.say("a", "سلام")
    post.run(post.sender(store=StandsStill(post.core.store, post.clock)), for_s=80)

    assert ["سلام"] == post.provider.texts("a")
    assert [("sent", 2)] == post.rows("SELECT state, attempts FROM outbox")


def test_retries_wait_longer_and_longer_and_not_all_alike(post):
    names = [post.contact(f"c{number}") for number in range(6)]
    for name in names:
        post.say(name, "سلام")
        post.provider.planned[name].extend(["unavailable"] * 6)
    post.run(for_s=400)

    waits = {}
    for name in names:
        times = [call.at for call in post.provider.calls if call.chat == name]
        waits[name] = [later - earlier for earlier, later in itertools.pairwise(times)]
        assert 7 == len(times)
        assert all(2**n * 0.5 <= wait <= 2**n + 3 for n, wait in enumerate(waits[name], start=1))
    assert len({round(found[-1], 1) for found in waits.values()}) > 3
    assert {"sent"} == set(post.states())


def test_an_urgent_text_is_tried_again_at_least_every_half_minute(post):
    post.contact("a")
    post.say("a", "۱۱۰ را بگیرید", urgent=True)
    post.provider.planned["a"].extend(["unavailable"] * 12)
    post.run(for_s=400)

    times = [call.at for call in post.provider.calls]
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) <= 33
    assert ["sent"] == post.states()


def test_a_failing_text_holds_a_more_urgent_one_of_the_same_contact_for_30_seconds_at_most(post):
    post.contact("a")
    post.contact("b")
    post.say("a", "عادی")
    post.say("b", "دیگری")
    post.provider.planned["a"].extend(["unavailable"] * 5)
    post.run(for_s=60, acts=[(10, lambda: post.say("a", "فوری", urgent=True)), (20, lambda: post.say("a", "بعدی"))])

    urgent = next(call.at for call in post.provider.calls if call.text == "فوری")
    assert urgent <= 10 + 32
    assert post.provider.calls[1].text == "دیگری"
    assert ["فوری"] == post.provider.texts("a")[:1]


def test_nothing_is_called_before_the_moment_a_429_named_urgent_or_not(post):
    for number in range(30):
        post.contact(f"c{number}")
        post.say(f"c{number}", "سلام")
    post.contact("u")
    post.provider.planned["c3"].append("429 20")
    post.run(for_s=40, acts=[(5, lambda: post.say("u", "فوری", urgent=True))])

    assert 0 == post.provider.early
    assert ["فوری"] == post.provider.texts("u")
    assert {"sent"} == set(post.states())


def test_a_429_is_remembered_over_a_restart(post):
    post.contact("a")
    post.contact("b")
    post.say("a", "سلام")
    post.provider.planned["a"].append("429 60")
    post.run(for_s=2)
    ledger = post.provider
    post.provider = type(ledger)(post.clock)
    post.say("b", "سلام", urgent=True)
    named = ledger._quiet_until
    post.run(for_s=80)

    assert [named <= call.at < named + 3 for call in post.provider.calls] == [True, True]


def test_a_429_of_another_bot_or_a_clock_that_jumped_holds_nobody_for_ever(post):
    post.contact("a")
    post.say("a", "سلام")
    post.provider.planned["a"].append("429 5")
    post.run(for_s=1)
    post.core.store.write_now(
        lambda tx: tx.raw.execute("UPDATE meta SET value = '[99999999999999, 5]' WHERE key LIKE 'hold:%'")
    )
    post.provider = type(post.provider)(post.clock)
    post.run(for_s=10)

    assert ["سلام"] == post.provider.texts("a")


def test_five_thousand_bulk_texts_delay_urgent_ones_two_seconds_at_most(post):
    for number in range(5_000):
        post.contact(f"c{number}")
        post.say(f"c{number}", "سلام")
    for number in range(12):
        post.contact(f"u{number}")
    asked = {}

    def ask(name, kind):
        def act():
            asked[f"فوری {name}"] = post.clock.monotonic()
            post.say(name, f"فوری {name}", urgent=kind == "reply", kind=kind)

        return act

    post.run(
        for_s=20,
        acts=[(2 + 1.3 * number, ask(f"u{number}", ("reply", "live")[number % 2])) for number in range(11)]
        + [(9, ask("c4990", "reply"))],  # she herself still waits in the bulk lane
    )

    said = {call.text: call.at for call in post.provider.calls}
    assert 12 == len(asked)
    assert max(said[text] - at for text, at in asked.items()) <= 2
    assert ["سلام", "فوری c4990"] == post.provider.texts("c4990")
    assert 0 == sum(call.answer != "ok" for call in post.provider.calls)
    assert 250 <= len(post.provider.calls) <= 20 * 20 + 1
    assert post.provider.most_in_a_second() <= 21


def test_a_crowd_of_urgent_texts_uses_the_whole_speed(post):
    for number in range(60):
        post.contact(f"u{number}")
        post.say(f"u{number}", "فوری", urgent=True)
    post.run(for_s=4)

    assert 60 == len(post.provider.said)


def test_texts_that_queue_up_for_one_chat_are_joined_and_no_button_is_lost(post):
    for number in range(60):
        post.contact(f"c{number}")
        post.say(f"c{number}", "سلام")
    post.contact("a")
    for text in ("یک", "دو"):
        post.say("a", text)
    post.say("a", "سه؟", buttons=("بله", "نه"))
    post.say("a", "چهار")
    shown = []
    send = post.provider.send
    post.provider.send = lambda message: (shown.append(message), send(message))[1]
    post.run(for_s=15)

    hers = [
        (message.text, [button.label for button in message.buttons]) for message in shown if message.external_id == "a"
    ]
    assert [("یک\n\nدو\n\nسه؟", ["بله", "نه"]), ("چهار", [])] == hers
    assert {"sent"} == set(post.states())
    ids = post.rows("SELECT provider_message_id FROM outbox WHERE contact_id = 'a' ORDER BY id")
    assert ids[0] == ids[1] == ids[2] != ids[3]


@pytest.mark.parametrize("long", [4000, 3999])
def test_what_would_be_too_long_together_is_not_joined(post, long):
    for number in range(60):
        post.contact(f"c{number}")
        post.say(f"c{number}", "سلام")
    post.contact("a")
    post.say("a", "ا" * long)
    post.say("a", "ب")
    post.run(for_s=15)

    assert ["ا" * long, "ب"] == post.provider.texts("a")


def test_several_senders_never_say_one_thing_twice(post):
    for number in range(40):
        post.contact(f"c{number}")
        for text in range(3):
            post.say(f"c{number}", f"{text}")
    free = type(post.provider)(post.clock, paced=False, per_s=10_000, per_chat=10_000)
    post.run(*(post.sender(free) for _ in range(3)), for_s=10)

    assert {1} == set(free.copies().values())
    assert all(["0", "1", "2"] == free.texts(f"c{number}") for number in range(40))


def test_the_result_of_a_lost_lease_moves_nothing(post):
    post.contact("a")
    post.say("a", "سلام")
    post.provider.hanging.add("a")

    def lose():
        post.core.store.write_now(
            lambda tx: tx.raw.execute("UPDATE outbox SET lease_by = 'another', attempts = attempts + 1")
        )

    post.run(for_s=50, acts=[(1, lose)])

    assert [("sending", "another", 2, None)] == post.rows("SELECT state, lease_by, attempts, error FROM outbox")


def test_a_stop_waits_for_the_calls_under_way_so_that_nothing_is_said_twice(post):
    post.contact("a")
    post.say("a", "سلام")
    post.provider.latency_s = 2.0
    post.run(for_s=0.5)
    assert ["sent"] == post.states()

    post.core.store.write_now(recover)
    post.run(for_s=10)
    assert {1} == set(post.provider.copies().values())


class FullDisk:
    """A store whose next writes fail from a moment on."""

    def __init__(self, store, post):
        self.read, self._store, self._post, self.failures = store.read, store, post, 2

    async def write(self, fn):
        if self.failures and self._post.provider.calls:
            self.failures -= 1
            raise OSError
        return await self._store.write(fn)


def test_a_full_disk_forgets_no_answer(post):
    post.contact("a")
    post.say("a", "سلام")
    disk = FullDisk(post.core.store, post)
    post.run(post.sender(store=disk), for_s=10)

    assert 0 == disk.failures
    assert {1} == set(post.provider.copies().values())
    assert ["sent"] == post.states()


class TornCommit:
    """A store whose first write of the sender is taken back after it ran."""

    def __init__(self, store):
        self.read, self._store, self.is_torn = store.read, store, False

    async def write(self, fn):
        def torn(tx):
            fn(tx)
            raise OSError

        if self.is_torn:
            return await self._store.write(fn)
        self.is_torn = True
        return await self._store.write(torn)


def test_after_a_commit_that_was_taken_back_an_urgent_text_still_passes_what_waits(post):
    class NoRoom(Pace):
        bulk_room = 0

    post.contact("a")
    post.provider.pace = NoRoom(post.clock, per_s=20.0, per_chat=True)
    post.say("a", "یکی از بسیار")
    post.say("a", "همین حالا 110", urgent=True)
    post.run(post.sender(store=TornCommit(post.core.store)), for_s=5)

    assert ["یکی از بسیار", "همین حالا 110"] == post.provider.texts("a")


def test_a_deletion_that_must_be_tried_again_does_not_say_the_farewell_twice(post):
    post.contact("a")
    post.say("a", "سلام")
    post.run(for_s=2)
    post.say("a", "خدانگهدار", delete=True)
    post.provider.delete_failures = 2
    post.run(for_s=30)

    assert ["سلام", "خدانگهدار"] == post.provider.texts("a")
    assert ["p1"] == post.provider.deleted
    assert ["sent", "sent"] == post.states()


@pytest.mark.parametrize("passes", range(6))
async def test_a_stop_that_meets_a_hint_is_not_lost(passes):
    with InProcessBus().subscribe("outbox") as hints:
        waiting = asyncio.create_task(hints.wait(5))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        hints.wake()
        for _ in range(passes):
            await asyncio.sleep(0)
        asked = waiting.cancel()
        await asyncio.wait([waiting])

    assert asked == waiting.cancelled()
