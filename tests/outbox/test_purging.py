"""What was said in a chat, by us and by her, is taken back after a day, tried again while it fails, and red in time when it stays."""

from datetime import timedelta

from bot.health.facts import PURGED
from bot.purging import ChatPurge

HOUR_MS = 3_600_000


def purge_of(post, after_h=24):
    core = post.core
    return ChatPurge(
        post.provider, store=core.store, keyring=core.keyring, clock=post.clock, log=core.log, beats=core.beats,
        after_h=after_h,
    )  # fmt: skip


def passes(post, purge, most=200):
    """Do passes until none has more to do."""

    async def all_of_them():
        for _ in range(most):
            if not await purge.purge():
                return
        raise AssertionError("it never ends")

    post.in_loop(all_of_them())


def advance(post, **time):
    post.clock.advance(timedelta(**time).total_seconds())


def said(post, *names):
    """Let one text go out to each of these people."""
    for name in names:
        post.contact(name)
        post.say(name, "سلام")
    post.run(for_s=60)


def done_until_h(post):
    """Give how many hours ago the moment lies before which everything is taken back."""
    return (post.now_ms - min(int(found[0]) for found in post.rows(PURGED))) / HOUR_MS


def test_what_was_said_is_taken_back_after_a_day_and_not_before(post):
    said(post, "a", "b")
    purge = purge_of(post)
    advance(post, hours=23)
    passes(post, purge)
    assert post.provider.deleted == []

    advance(post, hours=2)
    passes(post, purge)
    assert len(post.provider.deleted) == 2
    assert post.rows("SELECT count(*) FROM outbox WHERE provider_message_id IS NOT NULL") == [(0,)]
    assert 23.9 < done_until_h(post) < 24.1

    passes(post, purge)
    assert len(post.provider.deleted) == 2


def test_many_chats_are_all_done_in_small_passes(post):
    names = [f"c{number}" for number in range(13)]
    said(post, *names)
    advance(post, hours=25)
    passes(post, purge_of(post))

    assert len(post.provider.deleted) == 13
    assert 23.9 < done_until_h(post) < 24.1


def test_a_provider_that_fails_is_asked_again_and_what_is_left_is_known(post):
    said(post, "a")
    purge = purge_of(post)
    advance(post, hours=25)
    post.provider.delete_failures = 2
    passes(post, purge)
    advance(post, hours=16)
    passes(post, purge)
    assert post.provider.deleted == []
    assert done_until_h(post) > 40

    passes(post, purge)
    assert len(post.provider.deleted) == 1
    assert done_until_h(post) < 25


def test_what_is_too_old_to_be_deleted_stops_nothing(post):
    said(post, "a")
    advance(post, hours=30)
    said(post, "b")
    advance(post, hours=25)
    passes(post, purge_of(post))

    assert len(post.provider.deleted) == 1
    assert 23.9 < done_until_h(post) < 24.1


def test_an_erased_contact_is_called_no_more_and_holds_nothing_up(post):
    said(post, "a", "b")
    post.core.store.write_now(lambda tx: tx.raw.execute("UPDATE contacts SET wrapped_key = NULL WHERE id = 'a'"))
    advance(post, hours=25)
    passes(post, purge_of(post))

    assert len(post.provider.deleted) == 1
    assert done_until_h(post) < 25


def test_what_waited_for_her_hours_and_was_said_a_day_later_is_taken_back_too(post):
    said(post, "a", "b")
    sql = "UPDATE outbox SET state = ?, provider_message_id = ? WHERE contact_id = 'a'"
    post.core.store.write_now(lambda tx: tx.raw.execute(sql, ("queued", None)))
    purge = purge_of(post)
    advance(post, hours=25)
    passes(post, purge)
    assert len(post.provider.deleted) == 1

    post.core.store.write_now(lambda tx: tx.raw.execute(sql, ("sent", "m-late")))
    passes(post, purge)
    assert len(post.provider.deleted) == 2


def test_what_she_wrote_goes_with_it_after_a_day_and_not_before(post):
    post.contact("a")
    post.wrote("a", "her-1")
    purge = purge_of(post)
    advance(post, hours=23)
    post.wrote("a", "her-2")
    passes(post, purge)
    assert post.provider.deleted == []

    advance(post, hours=2)
    passes(post, purge)
    passes(post, purge)

    assert post.provider.deleted == ["her-1"]
    assert 23.9 < done_until_h(post) < 24.1


def test_many_people_s_words_go_in_small_passes_and_other_channels_words_stay(post):
    for number in range(13):
        post.contact(f"c{number}")
        post.wrote(f"c{number}", f"her-{number}")
        post.wrote(f"c{number}", f"page-{number}", channel="web")
    advance(post, hours=25)
    passes(post, purge_of(post))

    assert sorted(post.provider.deleted) == sorted(f"her-{number}" for number in range(13))


def test_her_words_that_could_not_be_deleted_are_tried_again_and_known_to_be_left(post):
    post.contact("a")
    post.wrote("a", "her-1")
    purge = purge_of(post)
    advance(post, hours=41)
    post.provider.delete_failures = 1
    passes(post, purge)
    assert post.provider.deleted == []
    assert done_until_h(post) > 40

    passes(post, purge)
    assert post.provider.deleted == ["her-1"]
    assert done_until_h(post) < 25


def test_words_too_old_or_of_somebody_erased_stop_nothing(post):
    for name in ("old", "erased", "b"):
        post.contact(name)
    post.wrote("old", "her-old")
    advance(post, hours=30)
    post.wrote("erased", "her-erased")
    post.wrote("b", "her-b")
    post.core.store.write_now(lambda tx: tx.raw.execute("UPDATE contacts SET wrapped_key = NULL WHERE id = 'erased'"))
    advance(post, hours=25)
    passes(post, purge_of(post))

    assert post.provider.deleted == ["her-b"]
    assert done_until_h(post) < 25
