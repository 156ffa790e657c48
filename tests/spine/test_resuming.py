"""A code of half an hour lets her go on at another channel, once; nobody can guess one, and a number alone moves nothing."""

import itertools
import json
import random
from datetime import timedelta

import pytest

from bot.core.codes import code_in, new_code
from bot.core.messages import InboundMsg, TextInput
from bot.store.vault import contact_key, unseal

_numbers = itertools.count(1)
ASK = "کد ادامه"


def written(core, text, *, who="a", channel="telegram"):
    return InboundMsg(
        channel=channel,
        external_id=who,
        provider_id=f"r{next(_numbers)}",
        input=TextInput(text),
        received_at=core.clock.now(),
    )


def say(core, text, **where):
    return core.inbox.put(written(core, text, **where)).done.result()


def rows(core, sql, *values):
    return [tuple(row) for row in core.store.read_now(lambda db: db.exec_driver_sql(sql, values).all())]


def texts(accepted):
    return [reply.text for reply in accepted.replies]


def told_code(core, **where):
    """Begin a talk, ask for a code, and give it with the contact's id."""
    accepted = say(core, "سلام", **where)
    told = texts(say(core, ASK, **where))[0]
    found = [word for word in told.replace(":", " ").replace(".", " ").split() if word.isdecimal()]
    assert [len(group) for group in found] == [4, 4, 4]
    return " ".join(found), accepted.contact_id


def chose_words(core, contact_id, now_ms=0):
    def act(tx):
        core.directory.find_contact(tx, contact_id, now_ms).session.code_word = "گل یاس"

    core.store.write_now(act)


def test_she_goes_on_where_she_stood_and_the_old_chat_begins_anew(core):
    code, her = told_code(core)
    asked = texts(say(core, ASK))[-1]
    code = told_code(core)[0]
    moved = say(core, f" {code.replace(' ', '-')} ", who="+98", channel="sms")

    assert moved.contact_id == her
    assert texts(moved)[0].startswith(asked.split("\n")[0])
    assert rows(
        core, "SELECT channel FROM addresses WHERE contact_id = ? AND address_index NOT LIKE 'moved:%'", her
    ) == [("sms",)]
    sealed = rows(core, "SELECT sealed_external_id FROM addresses WHERE channel = 'sms'")[0][0]
    key = core.store.read_now(lambda db: contact_key(db, core.keyring, her))
    assert unseal(key, "addresses.external_id", sealed) == {"id": "+98"}
    assert say(core, "هستم", who="+98", channel="sms").contact_id == her
    assert say(core, "سلام").contact_id != her


def test_a_case_goes_with_her(core):
    code, her = told_code(core)
    say(core, "شوهرم داره منو می‌زنه")
    say(core, code, who="b", channel="bale")
    say(core, "باز آمد و منو زد", who="b", channel="bale")

    assert rows(core, "SELECT contact_id, channel, state FROM cases") == [(her, "bale", "queued")]


def test_a_counsellor_is_told_of_words_that_could_not_follow_her(core):
    code, _ = told_code(core)
    say(core, "شوهرم داره منو می‌زنه")
    say(core, code, who="b", channel="bale")

    [(told,)] = rows(core, "SELECT data FROM case_events WHERE kind = 'unsaid'")
    assert json.loads(told)["why"] == "moved"


def test_a_code_works_once_and_for_half_an_hour(core, clock):
    code, her = told_code(core)
    assert say(core, code, who="b", channel="bale").contact_id == her
    assert say(core, code, who="c", channel="bale").contact_id != her

    late = told_code(core, who="d")[0]
    clock.advance(timedelta(minutes=31).total_seconds())
    assert say(core, late, who="e", channel="bale").contact_id != her
    assert rows(core, "SELECT count(*) FROM due WHERE kind = 'resume_code' AND state = 'fired'") == [(1,)]


def test_a_newer_code_and_leaving_in_a_hurry_make_an_older_one_worthless(core):
    first, her = told_code(core)
    second = told_code(core)[0]
    assert say(core, first, who="b", channel="bale").contact_id != her
    say(core, "0")
    assert say(core, second, who="c", channel="bale").contact_id != her


def test_where_she_has_a_safe_word_it_comes_first_and_nothing_of_before_is_shown(core):
    code, her = told_code(core)
    chose_words(core, her)
    before = rows(core, "SELECT count(*) FROM messages")
    (asked,) = texts(say(core, code, who="b", channel="bale"))

    assert "کلمهٔ خودتان" in asked
    assert rows(core, "SELECT count(*) FROM messages WHERE hidden_at IS NOT NULL") == before
    assert "هوا" in texts(say(core, "گل زرد", who="b", channel="bale"))[0]


def test_who_has_a_case_of_her_own_keeps_her_own_conversation(core):
    code, her = told_code(core)
    say(core, "شوهرم داره منو می‌زنه", who="b", channel="bale")

    assert say(core, code, who="b", channel="bale").contact_id != her


def test_nobody_guesses_a_code(core):
    code, her = told_code(core)
    wrong = random.Random(5)
    for _ in range(5):
        assert say(core, f"{wrong.randrange(10**11, 9 * 10**11)}", who="b", channel="bale").contact_id != her
    assert say(core, code, who="b", channel="bale").contact_id != her  # even the right one, after five wrong ones
    assert say(core, code, who="c", channel="bale").contact_id == her


def test_a_crowd_of_guessers_closes_the_door_for_everybody_for_a_while(core, clock):
    code, her = told_code(core)
    wrong = random.Random(6)
    for number in range(300):
        say(core, f"{wrong.randrange(10**11, 9 * 10**11)}", who=f"g{number}", channel="bale")
    assert say(core, code, who="c", channel="bale").contact_id != her

    clock.advance(timedelta(minutes=31).total_seconds())
    fresh = told_code(core)[0]
    assert say(core, fresh, who="c", channel="bale").contact_id == her


def test_a_telephone_number_moves_nothing_and_no_code_looks_like_one():
    for text in ("989121112233", "09121112233", "0098912111223", "12345", "کد 123412341234", "1234 1234 12345"):
        assert code_in(TextInput(text)) == ""
    assert code_in(TextInput("۴۸۲۱ ۹۰۳۴ ۷۷۱۶")) == "482190347716"
    drawn = random.Random(7)
    codes = [new_code(f"{drawn.getrandbits(128):032x}") for _ in range(2000)]
    assert all(code_in(TextInput(code)) == code.replace(" ", "") for code in codes)
    assert new_code(f"{980000000000:032x}").startswith("78")


@pytest.mark.parametrize("table", ["due", "turns", "inbox", "outbox"])
def test_the_code_stands_in_the_clear_nowhere(core, table):
    code, _ = told_code(core)
    said = str(rows(core, f"SELECT * FROM {table}"))

    assert code not in said
    assert code.replace(" ", "") not in said


def together(core, *texts, **where):
    """Say several things that have their turns in one batch."""
    kick, core.inbox.on_arrival = core.inbox.on_arrival, lambda: None
    arrivals = [core.inbox.put(written(core, text, **where)) for text in texts]
    core.inbox.on_arrival = kick
    core.worker.kick()
    return [arrival.done.result() for arrival in arrivals]


def test_a_cry_and_a_code_in_one_breath_leave_the_case_where_she_can_be_answered(core):
    code, her = told_code(core)
    cry, typed = together(core, "شوهرم داره منو می‌زنه", code, who="b", channel="bale")

    assert cry.tier == "T1"
    assert typed.contact_id == cry.contact_id != her
    assert rows(core, "SELECT contact_id, channel FROM cases") == [(cry.contact_id, "bale")]


def test_a_greeting_and_a_code_in_one_breath_leave_no_clock_that_rings_for_ever(core, clock):
    code, her = told_code(core)
    hello, typed = together(core, "سلام", code, who="b", channel="bale")
    assert (typed.contact_id, hello.contact_id == her) == (her, False)

    for _ in range(48):
        clock.advance(3600)
        core.timers.fire_due()
        core.waiting.run_due()
    stuck = "SELECT count(*) FROM sessions WHERE contact_id = ? AND ended_at IS NULL"
    assert rows(core, stuck, hello.contact_id) == [(0,)]


def test_who_has_words_that_still_wait_keeps_her_conversation(core):
    code, her = told_code(core)
    core.worker.be_careful()
    cry, typed = together(core, "شوهرم داره منو می‌زنه", code, who="b", channel="bale")
    assert cry.deferred
    assert typed.deferred
    core.waiting.run_due()

    assert rows(core, "SELECT contact_id, tier FROM cases") == [(cry.contact_id, "T1")]
    assert rows(core, "SELECT count(*) FROM inbox WHERE error = 'erased'") == [(0,)]
    assert say(core, code, who="b", channel="bale").contact_id != her
