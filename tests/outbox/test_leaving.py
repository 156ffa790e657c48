"""After a quick exit or an erasure nothing that still waits is said, the decoy goes at once, and her case hears of it."""

import itertools
import json

import pytest
from outbox.conftest import Post
from outbox.virtual_post import Provider

from bot.core.messages import InboundMsg, text_input
from bot.outbox import enqueue
from bot.store.vault import contact_key

_numbers = itertools.count(1)
_CRY = "شوهرم منو می‌زنه"


def write(post, text, who="777", channel="telegram"):
    message = InboundMsg(
        channel=channel,
        external_id=who,
        provider_id=f"u{next(_numbers)}",
        input=text_input(text),
        received_at=post.clock.now(),
    )
    return post.core.inbox.put(message).done.result(5)


def live(post, known, text="الان می‌توانید حرف بزنید؟"):
    """Queue a counsellor's words as the relay does."""

    def act(tx):
        address, channel = tx.raw.execute(
            "SELECT id, channel FROM addresses WHERE contact_id = ?", (known.contact_id,)
        ).fetchone()
        key = contact_key(tx.connection, post.core.keyring, known.contact_id)
        enqueue(
            tx,
            key,
            key=f"live:{next(_numbers)}",
            contact_id=known.contact_id,
            address_id=address,
            channel=channel,
            kind="live",
            text=text,
            now_ms=post.now_ms,
        )

    post.core.store.write_now(act)


def chose_words(post, known):
    """Let her have chosen both words earlier in this conversation."""

    def act(tx):
        session = post.core.directory.find_contact(tx, known.contact_id, post.now_ms).session
        session.code_word, session.duress_word = "گل یاس", "خالهپری"

    post.core.store.write_now(act)


def unsaid(post):
    found = post.rows("SELECT data FROM case_events WHERE kind = 'unsaid' ORDER BY id")
    return [json.loads(content) for (content,) in found]


def queued(post):
    return post.rows("SELECT count(*) FROM outbox WHERE state = 'queued'")[0][0]


@pytest.mark.parametrize("channel", ["telegram", "sms"])
def test_what_waits_when_she_leaves_is_never_said_and_her_case_hears_of_it(post, channel):
    provider = Provider(post.clock, name=channel)
    provider.pace.hold(20)
    known = write(post, _CRY, channel=channel)
    live(post, known)
    waiting = queued(post)
    post.clock.advance(5)
    (decoy,) = write(post, "0", channel=channel).replies
    post.run(post.sender(provider), for_s=60)

    assert [decoy.text] == provider.texts("777")
    assert [("expired", "left", waiting), ("sent", None, 1)] == post.rows(
        "SELECT state, error, count(*) FROM outbox GROUP BY state, error ORDER BY state"
    )
    assert [{"count": waiting, "why": "left"}] == unsaid(post)


def test_what_waits_when_she_has_everything_erased_is_never_said(post):
    post.provider.pace.hold(20)
    write(post, "سلام")
    write(post, "حذف اطلاعات من")
    *_, farewell = write(post, "بله").replies
    post.run(for_s=60)

    assert [farewell.text] == post.provider.texts("777")
    assert {("expired", "erased"), ("sent", None)} == set(post.rows("SELECT state, error FROM outbox"))


def test_what_was_under_way_when_she_left_is_not_tried_again(post):
    write(post, _CRY)
    post.provider.planned["777"].extend(["unavailable"])
    post.provider.latency_s = 2.0
    left = []
    post.run(for_s=400, acts=[(1, lambda: left.extend(write(post, "0").replies))])

    assert [left[0].text] == post.provider.texts("777")
    assert not post.open_rows()


def test_a_counsellors_words_wait_for_nobody_who_has_left(post):
    known = write(post, _CRY)
    write(post, "0")
    live(post, known)
    post.run(for_s=10)

    assert 1 == len(post.provider.said)
    assert {"count": 1, "why": "left"} in unsaid(post)


def test_after_the_duress_word_nothing_goes_out_but_what_a_first_opening_shows(post):
    provider = Provider(post.clock, name="telegram")
    provider.pace.hold(20)
    known = write(post, _CRY)
    live(post, known)
    waiting = queued(post)
    chose_words(post, known)
    (shown,) = write(post, "خاله پری").replies
    post.run(post.sender(provider), for_s=1200)

    assert "شروع" in shown.text
    assert [shown.text] == provider.texts("777")
    assert {"count": waiting, "why": "duress"} in unsaid(post)
    assert [(1,)] == post.rows("SELECT do_not_contact FROM cases")


def test_who_comes_back_is_answered(post):
    write(post, "سلام")
    write(post, "0")
    known = write(post, "سلام")
    live(post, known, "من اینجا هستم")
    post.run(for_s=10)

    assert "من اینجا هستم" == post.provider.texts("777")[-1]


def test_the_decoy_and_the_deletion_do_not_stand_behind_a_crowd(post):
    write(post, "سلام")
    post.run(for_s=5)
    for number in range(300):
        post.contact(f"c{number}")
        post.say(f"c{number}", "سلام")
    left_at = post.clock.monotonic()
    write(post, "0")
    deleted_at = []
    delete = post.provider.delete
    post.provider.delete = lambda *given: (deleted_at.append(post.clock.monotonic()), delete(*given))[1]
    post.run(for_s=10)

    assert max(call.at for call in post.provider.calls if call.chat == "777") <= left_at + 2
    assert deleted_at[0] <= left_at + 2


def test_the_farewell_of_an_erasure_does_not_stand_behind_a_crowd(post):
    write(post, "سلام")
    write(post, "حذف اطلاعات من")
    post.run(for_s=5)
    for number in range(300):
        post.contact(f"c{number}")
        post.say(f"c{number}", "سلام")
    asked_at = post.clock.monotonic()
    write(post, "بله")
    post.run(for_s=10)

    assert asked_at <= max(call.at for call in post.provider.calls if call.chat == "777") <= asked_at + 2


def test_a_text_is_never_joined_with_the_decoy(make_core, clock):
    post = Post(make_core(), clock)
    for number in range(60):
        post.contact(f"c{number}")
        post.say(f"c{number}", "سلام")
    post.contact("a")
    post.say("a", "یک")
    post.say("a", "هوای فردا کمی ابری است.", delete=True)
    post.run(for_s=15)

    assert ["یک", "هوای فردا کمی ابری است."] == post.provider.texts("a")
