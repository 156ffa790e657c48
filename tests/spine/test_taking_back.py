"""What leaves her chat: all of it with an erasure or a hurried exit, her own word at once; «here» stays where she said it."""

import asyncio
import itertools
import json

import pytest

from bot.core.channels import SendError, Sent
from bot.core.messages import InboundMsg, TextInput
from bot.core.safe_contact import window_of
from bot.sender import Sender
from bot.web.transcript import Window, read_transcript

_numbers = itertools.count(1)


class Phone:
    """A chat on her telephone, at a provider that takes back."""

    name, mode, takes_back = "telegram", "rich", True

    def __init__(self):
        self.shown = {}
        self.is_down = False
        self.deletes_nothing = False
        self._numbers = itertools.count(100)

    async def send(self, message):
        if self.is_down:
            raise SendError("unavailable", retryable=True)
        number = str(next(self._numbers))
        self.shown[number] = message.text
        return Sent(provider_message_id=number)

    def writes(self, text):
        number = str(next(self._numbers))
        self.shown[number] = text
        return json.dumps({"message": {"message_id": int(number), "text": text}}).encode()

    def written_id(self, raw):
        return str(json.loads(raw)["message"]["message_id"])

    async def delete(self, _external_id, numbers):
        if self.deletes_nothing:
            raise SendError("unavailable", retryable=True)
        for number in numbers:
            self.shown.pop(number, None)
        return len(numbers)

    async def close(self): ...


@pytest.fixture
def phone():
    return Phone()


@pytest.fixture
def talk(core, clock, phone):
    """Say something and let the answer arrive."""
    sender = Sender(
        phone, store=core.store, keyring=core.keyring, bus=core.bus, clock=clock, log=core.log, beats=core.beats
    )

    async def deliver():
        while await sender.send_due() and not phone.is_down:
            pass

    def said(text=""):
        if text:
            message = InboundMsg(
                channel="telegram",
                external_id="77",
                provider_id=f"e{next(_numbers)}",
                input=TextInput(text),
                received_at=core.clock.now(),
                raw=phone.writes(text),
            )
            core.inbox.put(message).done.result()
        core.timers.fire_due()
        core.waiting.run_due()
        asyncio.run(deliver())

    return said


def erased(core):
    [row] = core.store.read_now(lambda found: found.exec_driver_sql("SELECT erased_at IS NOT NULL FROM contacts").all())
    return bool(row[0])


def test_an_erasure_takes_back_what_was_said_before_its_farewell(core, clock, talk, phone):
    talk("سلام")
    talk("شوهرم گاهی دعوا می‌کنه")
    talk("حذف اطلاعات من")
    assert len(phone.shown) > 2
    talk("1")
    left = list(phone.shown.values())
    clock.advance(400)
    talk()

    assert len(left) == 1
    assert "پاک" in left[0]
    assert erased(core)


def test_who_leaves_in_a_hurry_leaves_only_the_decoy_behind(talk, phone):
    talk("سلام")
    talk("شوهرم گاهی دعوا می‌کنه")
    talk("0")

    assert len(phone.shown) == 1
    assert "هوا" in next(iter(phone.shown.values()))


def test_what_she_wrote_after_she_left_stays_when_the_deletion_comes_late(core, clock, talk, phone):
    talk("سلام")
    phone.deletes_nothing = True
    talk("0")
    phone.writes("گلدان")
    phone.deletes_nothing = False
    for _ in range(3):
        clock.advance(60)
        talk()

    assert [text for text in phone.shown.values() if "هوا" not in text] == ["گلدان"]


@pytest.fixture
def chosen(talk, phone):
    """She is asked for her word after she named a safe way."""
    for words in (
        "سلام",
        "نه، فقط خودم",
        "حرف زدن با مددکار",
        "بله، امن است",
        "نه",
        "نه",
        "کرمان",
        "به خود مددکار می‌گویم",
    ):
        talk(words)
    for words in ("همین‌جا بنویسید", "هر وقت", "فقط خودم", "درمانگاه"):
        talk(words)
    assert "یک کلمهٔ رمز" in list(phone.shown.values())[-1]


def test_her_own_words_leave_her_chat_at_once_and_nothing_else_does(chosen, talk, phone):
    before = len(phone.shown)
    talk("گلدان شمعدانی")
    talk("کلید زرد")

    assert "گلدان شمعدانی" not in phone.shown.values()
    assert "کلید زرد" not in phone.shown.values()
    assert len(phone.shown) >= before + 2


def test_her_page_and_nobody_who_scrolls_shows_her_own_words(chosen, core, talk):
    talk("گلدان شمعدانی")
    talk("کلید زرد")
    [contact_id] = core.store.read_now(lambda found: found.exec_driver_sql("SELECT id FROM contacts").scalars().all())
    shown = core.store.read_now(lambda found: read_transcript(found, core.keyring, contact_id, Window(after=0)))
    hers = ["".join(words for _, words in one.pieces) for one in shown if one.author == "contact"]

    assert hers[-3:] == ["درمانگاه", "•••", "•••"]


def test_the_word_that_opens_is_not_shown_either_and_a_wrong_one_tells_nothing(chosen, core, talk, phone):
    talk("گلدان شمعدانی")
    talk("لازم نیست")
    talk("0")
    talk("شمعدان")
    talk("گلدان شمعدانی")

    assert "گلدان شمعدانی" not in phone.shown.values()


def test_an_own_word_that_cannot_be_taken_back_keeps_nothing_waiting(chosen, talk, phone):
    phone.deletes_nothing = True
    talk("گلدان شمعدانی")
    asked = len(phone.shown)
    talk("کلید زرد")

    assert len(phone.shown) >= asked + 2


def test_an_erasure_waits_for_a_farewell_that_could_not_be_said_yet(core, clock, talk, phone):
    talk("سلام")
    talk("حذف اطلاعات من")
    phone.is_down = True
    talk("1")
    clock.advance(400)
    talk()
    assert not erased(core)

    phone.is_down = False
    for _ in range(3):
        clock.advance(3600)
        talk()
    assert len(phone.shown) == 1
    assert erased(core)


@pytest.mark.parametrize("way", ["here", "همین‌جا", "همین‌جا بنویسید"])
def test_here_means_where_she_said_it_also_after_she_moved(way):
    told = {"way": way, "hours": "هر وقت", "channel": "telegram"}

    assert window_of(told, "telegram") is not None
    assert window_of(told, "sms") is None
