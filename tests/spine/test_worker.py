"""Inbox, worker and commit on a real SQLite: nothing is lost, doubled or left without a person."""

import itertools
import json

import pytest

from bot.content import PACKAGE_FLOWS
from bot.core.messages import InboundMsg, MediaInput, SilenceInput, TextInput, UnreadableInput, text_input
from bot.core.screening import NOTHING_FOUND
from bot.engine.loader import load_bundle
from bot.inbox import Accepted
from bot.store.schema import metadata
from bot.store.vault import contact_key, unseal
from bot.waiting import SAFE_TEXT

_numbers = itertools.count(1)


def say(core, text, *, who="09120000001", provider_id=None, channel="web", received=None) -> Accepted:
    message = InboundMsg(
        channel=channel,
        external_id=who,
        provider_id=provider_id or f"m{next(_numbers)}",
        input=received or TextInput(text),
        received_at=core.clock.now(),
    )
    return core.inbox.put(message).done.result()


def rows(core, sql, *values):
    return core.store.read_now(lambda db: db.exec_driver_sql(sql, values).all())


def count(core, table):
    return rows(core, f"SELECT count(*) FROM {table}")[0][0]


class Breaks:
    """A screener with a bug: it cannot read one word."""

    version = "broken"

    def screen(self, text, earlier=()):
        if "زهر" in text:
            raise RuntimeError
        return NOTHING_FOUND


def test_a_first_cry_opens_one_t1_case_in_the_same_turn_and_gives_the_numbers(core):
    accepted = say(core, "شوهرم داره منو می‌زنه")

    assert "T1" == accepted.tier
    assert [("T1", "queued", accepted.case_code)] == rows(core, "SELECT tier, state, code FROM cases")
    said = " ".join(reply.text for reply in accepted.replies)
    assert "110" in said
    assert "123" in said


def test_a_second_cry_raises_the_same_case_and_never_opens_another(core):
    say(core, "شوهرم دیروز کتکم زد")
    say(core, "داره منو خفه می‌کنه کمک")

    assert [("T1",)] == rows(core, "SELECT tier FROM cases")


def test_a_redelivered_message_is_known_and_changes_nothing(core):
    say(core, "سلام", provider_id="one")
    before = {table: count(core, table) for table in ("inbox", "turns", "messages", "outbox")}

    again = say(core, "سلام", provider_id="one")

    assert again.duplicate
    assert before == {table: count(core, table) for table in before}


def test_an_id_that_a_provider_uses_again_after_an_idle_week_does_not_swallow_a_cry(core, clock):
    say(core, "سلام", provider_id="42:7", who="a", channel="telegram")
    clock.advance(8 * 24 * 3600)

    cry = say(core, "شوهرم داره منو می‌زنه", provider_id="42:7", who="b", channel="telegram")

    assert not cry.duplicate
    assert "T1" == cry.tier
    assert say(core, "شوهرم داره منو می‌زنه", provider_id="42:7", who="b", channel="telegram").duplicate
    assert 2 == count(core, "inbox")


def test_a_message_is_still_known_five_days_later(core, clock):
    say(core, "سلام", provider_id="42:7", channel="telegram")
    clock.advance(5 * 24 * 3600)

    assert say(core, "سلام", provider_id="42:7", channel="telegram").duplicate


def test_the_same_message_twice_in_one_batch_is_one_turn(make_core):
    core = make_core()
    message = InboundMsg(
        channel="web", external_id="a", provider_id="x", input=TextInput("سلام"), received_at=core.clock.now()
    )
    core.worker._kicked = True  # hold the worker, so that both wait together
    first, second = core.inbox.put(message), core.inbox.put(message)
    core.worker._kicked = False
    core.worker.kick()

    assert [False, True] == [first.done.result().duplicate, second.done.result().duplicate]
    assert 1 == count(core, "turns")


def test_a_late_lower_update_id_is_taken_too(core):
    say(core, "سلام", provider_id="200")
    say(core, "کمک", provider_id="100")

    assert [("200", "done"), ("100", "done")] == rows(core, "SELECT provider_id, state FROM inbox ORDER BY id")


def test_nothing_a_person_wrote_stands_readable_in_the_database(core):
    say(core, "نام من مریم است و می‌ترسم", who="+989121112233")

    values = [value for table in metadata.tables for row in rows(core, f"SELECT * FROM {table}") for value in row]
    dump = "\n".join(value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in values)
    assert "مریم" not in dump
    assert "9121112233" not in dump


def test_a_message_that_cannot_be_turned_is_tried_three_times_and_then_a_person_gets_it(make_core, clock):
    core = make_core(screener=Breaks())

    accepted = say(core, "زهر خوردم")
    assert accepted.deferred
    for _ in range(3):
        clock.advance(11)
        core.waiting.run_due()

    assert [("quarantined", 3)] == rows(core, "SELECT state, attempts FROM inbox")
    assert [("T2", "failure")] == rows(core, "SELECT tier, cause FROM cases")
    assert 0 == count(core, "turns")
    key = core.store.read_now(lambda db: contact_key(db, core.keyring, accepted.contact_id))
    (body,) = (unseal(key, "messages.body", row[0]) for row in rows(core, "SELECT sealed_body FROM outbox"))
    assert SAFE_TEXT == body["text"]
    said = [unseal(key, "messages.body", row[0])["text"] for row in rows(core, "SELECT sealed_body FROM messages")]
    assert ["زهر خوردم", SAFE_TEXT] == said  # the desk can read what the program could not


def test_a_row_that_cannot_even_be_given_up_does_not_hold_the_others(core):
    core.worker.be_careful()
    say(core, "سلام", who="a")
    say(core, "سلام", who="b")
    core.store.write_now(lambda tx: tx.raw.execute("UPDATE inbox SET attempts = 3 WHERE id = 1"))
    core.store.write_now(  # its safe message cannot be written: the key is taken
        lambda tx: tx.raw.execute(
            "INSERT INTO outbox (key, contact_id, address_id, channel, kind, state, created_at, due_at, expires_at)"
            " VALUES ('1.1', 'x', 'x', 'web', 'reply', 'sent', 0, 0, 0)"
        )
    )

    core.waiting.run_due()

    assert [("waiting",), ("done",)] == rows(core, "SELECT state FROM inbox ORDER BY id")


def test_a_damaged_row_is_somebodys_words_all_the_same(core):
    core.worker.be_careful()
    say(core, "سلام")
    core.store.write_now(lambda tx: tx.raw.execute("UPDATE inbox SET sealed_input = x'00'"))

    core.waiting.run_due()

    assert [("done",)] == rows(core, "SELECT state FROM inbox")
    assert count(core, "outbox") or count(core, "cases")


def test_one_bad_message_in_a_batch_leaves_its_neighbours_their_turns(make_core):
    core = make_core(screener=Breaks())
    core.worker._kicked = True
    arrivals = [
        core.inbox.put(
            InboundMsg(
                channel="web",
                external_id=f"person {number}",
                provider_id=f"{number}",
                input=TextInput("زهر" if number == 2 else "سلام"),
                received_at=core.clock.now(),
            )
        )
        for number in range(5)
    ]
    core.worker._kicked = False
    core.worker.kick()

    assert [False, False, True, False, False] == [arrival.done.result().deferred for arrival in arrivals]
    assert 4 == count(core, "turns")


def test_after_an_unclean_stop_a_message_is_stored_and_answered_before_it_is_run(core):
    core.worker.be_careful()

    assert say(core, "سلام").deferred
    assert [("waiting", 0)] == rows(core, "SELECT state, attempts FROM inbox")

    core.waiting.run_due()
    assert [("done", 1)] == rows(core, "SELECT state, attempts FROM inbox")
    assert 1 == count(core, "turns")


def test_a_message_that_killed_the_process_three_times_ends_as_a_case(core):
    core.worker.be_careful()
    say(core, "سلام")
    core.store.write_now(lambda tx: tx.raw.execute("UPDATE inbox SET attempts = 3"))  # three tries, none came back

    core.waiting.run_due()

    assert [("quarantined",)] == rows(core, "SELECT state FROM inbox")
    assert [("T2", "failure")] == rows(core, "SELECT tier, cause FROM cases")


def test_a_silence_fires_once_however_often_the_clock_is_asked(core, clock):
    say(core, "سلام")
    clock.advance(3 * 24 * 3600)
    core.timers.fire_due()
    turns = count(core, "turns")

    core.timers.fire_due()
    core.timers.fire_due()

    assert turns == count(core, "turns")


def test_an_old_timer_of_an_answered_question_changes_nothing(core):
    first = say(core, "سلام")
    say(core, "نه")
    before = count(core, "outbox")

    core.inbox.put(
        InboundMsg(
            channel="timer", external_id="", provider_id="old", input=SilenceInput(1), received_at=core.clock.now()
        ),
        contact_id=first.contact_id,
    )

    assert before == count(core, "outbox")


@pytest.mark.parametrize(
    "text",
    ["\x00", "\ud800", "ا" * 4096, "{{7*7}} {x.__class__} %s", "\u200e\u200f\u202a", " ", "🔪" * 500, "0" * 4000],
    ids=["nul", "lone surrogate", "long", "templates", "controls", "blank", "emoji", "zeros"],
)
def test_any_text_ends_in_a_committed_turn_with_an_answer_or_a_case(core, text):
    accepted = say(core, text)

    assert 1 == count(core, "turns")
    assert accepted.replies or count(core, "cases")


@pytest.mark.parametrize("received", [MediaInput("voice"), MediaInput("sticker"), UnreadableInput("broken")])
def test_what_has_no_words_is_answered_too(core, received):
    accepted = say(core, "", received=received)

    assert accepted.replies or count(core, "cases")


def test_a_case_tells_the_console_that_she_wrote_again(core):
    say(core, "شوهرم داره منو می‌زنه")
    say(core, "در خانه‌ام")

    kinds = [row[0] for row in rows(core, "SELECT kind FROM case_events ORDER BY id")]
    assert "opened" == kinds[0]
    assert "message" in kinds


def test_erasing_destroys_the_key_and_every_text_once_no_case_needs_her(core, clock):
    first = say(core, "سلام")
    say(core, "حذف اطلاعات من")
    say(core, "بله")
    clock.advance(301)
    core.timers.fire_due()

    assert [(None,)] == rows(core, "SELECT wrapped_key FROM contacts WHERE id = ?", first.contact_id)
    assert 0 == count(core, "messages")
    assert [("erase",)] == rows(core, "SELECT action FROM audit")
    assert say(core, "سلام").contact_id != first.contact_id


def test_an_erasure_waits_while_an_open_case_needs_her(core, clock):
    say(core, "شوهرم داره منو می‌زنه")
    say(core, "حذف اطلاعات من")
    say(core, "بله")
    clock.advance(301)
    core.timers.fire_due()

    assert [("T1", "queued")] == rows(core, "SELECT tier, state FROM cases")
    assert [(1,)] == rows(core, "SELECT wrapped_key IS NOT NULL FROM contacts")


def test_a_quick_exit_hides_what_was_said_and_asks_the_channel_to_delete_it(core):
    first = say(core, "سلام")
    say(core, "0")

    hidden = rows(core, "SELECT count(*) FROM messages WHERE hidden_at IS NOT NULL")[0][0]
    key = core.store.read_now(lambda db: contact_key(db, core.keyring, first.contact_id))
    last = unseal(key, "messages.body", rows(core, "SELECT sealed_body FROM outbox ORDER BY id DESC LIMIT 1")[0][0])
    assert hidden > 0
    assert last["delete"]
    assert json.dumps(last).count("123") == 0


def test_what_she_says_of_a_safe_way_is_kept_sealed_for_the_gate_and_the_counsellor(make_core, clock, tmp_path):
    flow = """
flow: welcome
title: x
owner: x
silence: {after: 5m, then: settle}
steps:
- safe_contact: reach
- {end: bye, text: ممنون.}
"""
    for path in sorted(PACKAGE_FLOWS.rglob("*.yaml")):
        if "lexicon" not in path.parts and path.parent.name in {"flows", "instruments", "guides", "directory"}:
            target = tmp_path / path.relative_to(PACKAGE_FLOWS)
            target.parent.mkdir(exist_ok=True)
            target.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "welcome.yaml").write_text(flow, encoding="utf-8")
    bundle, _ = load_bundle(tmp_path)
    core = make_core(bundle=bundle)

    first = say(core, "سلام")
    for answer in ("تماس تلفنی", "۰۹۱۲۱۱۱۲۲۳۳", "صبح تا ظهر", "فقط خودم", "درمانگاه", "انار", "خاله پری"):
        say(core, answer)

    sealed = rows(core, "SELECT sealed_safe_contact FROM contacts")[0][0]
    key = core.store.read_now(lambda db: contact_key(db, core.keyring, first.contact_id))
    kept = unseal(key, "contacts.safe_contact", sealed)
    assert {
        "way": "تماس تلفنی",
        "phone": "+989121112233",
        "hours": "صبح تا ظهر",
        "who": "فقط خودم",
        "word": "انار",  # whoever rings her says it first
        "duress": "خاله پری",
    }.items() <= kept.items()


@pytest.mark.parametrize("before", [0, 4085, 4096, 5000, 12_000])
def test_danger_is_heard_wherever_it_stands_in_a_long_text(core, before):
    filling = ("امروز هوا خوب بود و نان خریدم. " * 600)[:before]
    accepted = say(core, "", received=text_input(filling + " شوهرم داره منو می‌زنه " + "باران آمد. " * 30))

    assert "T1" == accepted.tier
    assert [("T1",)] == rows(core, "SELECT tier FROM cases")
