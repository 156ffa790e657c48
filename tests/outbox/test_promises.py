"""For any schedule of texts, failures and restarts: order, no copy, no early call, an end for every row; receipts."""

from collections import defaultdict
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from outbox.conftest import Post
from outbox.virtual_post import Provider

from bot.core.clock import VirtualClock
from bot.handlers.receipts import WORDS, apply_receipt
from bot.outbox_claim import OVERTAKE_MS

_ANY = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
NIGHT = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
_NAMES = ["a", "b", "c"]
_ANSWERS = st.sampled_from(["ok", "ok", "unavailable", "timeout", "429 3", "429 11", "403"])
_TEXTS = st.lists(
    st.tuples(st.floats(0, 50), st.sampled_from(_NAMES), st.booleans(), st.sampled_from(["reply", "live"])), max_size=25
)


def fresh(make_core, clock):
    core = make_core()
    return Post(core, clock)


@_ANY
@given(
    texts=_TEXTS,
    answers=st.dictionaries(st.sampled_from(_NAMES), st.lists(_ANSWERS, max_size=6)),
    restarts=st.lists(st.floats(1, 40), max_size=2),
    latency_s=st.sampled_from([0.0, 0.05, 2.0]),
)
def test_whatever_happens_order_limits_and_ends_are_kept(make_core, **world):
    clock, texts, restarts = VirtualClock(NIGHT), world["texts"], world["restarts"]
    post = fresh(make_core, clock)
    post.provider = Provider(clock)
    post.provider.latency_s = world["latency_s"]
    for name in _NAMES:
        post.contact(name)
        post.provider.planned[name].extend(world["answers"].get(name, ()))
    asked = {}

    def ask(number, name, urgent, kind):
        def act():
            asked[f"<{number}>"] = (name, urgent or kind == "live", clock.monotonic())
            post.say(name, f"<{number}>", urgent=urgent, kind=kind)

        return act

    acts = [(second, ask(number, *rest)) for number, (second, *rest) in enumerate(texts)]
    began = 0.0
    for end in [*sorted(restarts), 500.0]:
        post.run(for_s=end - began, acts=[(second - began, act) for second, act in acts if began <= second < end])
        began = end

    assert not post.open_rows()
    assert set(post.states()) <= {"sent", "failed"}
    assert all(copies == 1 for copies in post.provider.copies().values())
    assert 0 == post.provider.early
    _check_order(post, asked)


def _check_order(post, asked):
    """Texts of a conversation arrive in the order of their rows, but that an urgent one may pass after 30 seconds."""
    numbers = {text: place for place, (text,) in enumerate(_texts_by_row(post))}
    arrived = defaultdict(list)
    for call in post.provider.calls:
        if call.answer == "ok":
            arrived[call.chat] += [(text, call.at) for text in call.text.split("\n\n")]
    for said in arrived.values():
        for place, (text, at) in enumerate(said):
            passed = [other for other, _ in said[place + 1 :] if numbers[other] < numbers[text]]
            for other in passed:
                assert asked[text][1], "only an urgent text may pass another"
                assert not asked[other][1], "and never one that is as urgent"
                assert at - asked[text][2] >= OVERTAKE_MS / 1000


def _texts_by_row(post):
    keys = post.rows("SELECT key FROM outbox ORDER BY id")
    return [(f"<{post.numbers[key]}>",) for (key,) in keys]


_ORDER = ["sent", "failed", "delivered", "read"]
_STATUSES = st.lists(
    st.tuples(st.sampled_from([*WORDS, "queued", "nonsense"]), st.sampled_from(["SM1", "SM1", "SM1", "forged", ""])),
    max_size=8,
)


@_ANY
@given(receipts=_STATUSES, shuffled=st.randoms(use_true_random=False))
def test_receipts_in_any_order_end_alike_and_forged_ones_move_nothing(make_core, receipts, shuffled):
    post = fresh(make_core, VirtualClock(NIGHT))
    post.contact("a")
    first = _receive(post, receipts)
    shuffled.shuffle(receipts)
    second = _receive(post, receipts)

    genuine = [_ORDER.index(WORDS[status]) for status, sid in receipts if sid == "SM1" and status in WORDS]
    assert first == sorted(first)
    assert second == sorted(second)
    assert max(genuine, default=-1) == first[-1] == second[-1]


def _receive(post, receipts):
    """Send a text, receive the receipts in this order; give how far the row had come at each of them."""
    key = post.say("a", "سلام")
    sent = "UPDATE outbox SET state = 'sent', attempts = 1, provider_message_id = 'SM1' WHERE key = ?"
    post.core.store.write_now(lambda tx: tx.raw.execute(sent, (key,)))
    steps = [-1]
    for status, sid in receipts:
        asked = {"key": key, "provider_message_id": sid, "status": status, "now_ms": post.now_ms}
        moved = post.core.store.write_now(lambda tx, asked=asked: apply_receipt(tx, **asked))
        assert not (moved and sid != "SM1")
        receipt = post.rows("SELECT receipt FROM outbox WHERE key = ?", key)[0][0]
        steps.append(_ORDER.index(receipt) if receipt else -1)
    return steps


def test_a_receipt_for_what_was_not_sent_yet_is_not_believed(post):
    post.contact("a")
    post.case("a")
    key = post.say("a", "سلام")
    moved = post.core.store.write_now(
        lambda tx: apply_receipt(tx, key=key, provider_message_id="SM9", status="failed", now_ms=post.now_ms)
    )

    assert not moved
    assert [] == post.events("a")


def test_one_part_of_several_that_failed_marks_the_case_also_after_another_arrived(post):
    post.contact("a")
    post.case("a")
    key = post.say("a", "سلام")
    post.core.store.write_now(
        lambda tx: tx.raw.execute("UPDATE outbox SET state = 'sent', attempts = 1, provider_message_id = 'SM1,SM2'")
    )
    for sid, status in (("SM1", "delivered"), ("SM2", "undelivered"), ("SM2", "undelivered")):
        post.core.store.write_now(
            lambda tx, sid=sid, status=status: apply_receipt(
                tx, key=key, provider_message_id=sid, status=status, now_ms=post.now_ms
            )
        )

    assert [("delivered",)] == post.rows("SELECT receipt FROM outbox")
    assert [("unreachable", {})] == post.events("a")
