"""Who asks to be erased leaves nothing of the bot in her chat; what she named as safe stays where she named it."""

import asyncio
import itertools

import pytest

from bot.core.channels import SendError, Sent
from bot.core.messages import InboundMsg, TextInput
from bot.core.safe_contact import window_of
from bot.sender import Sender

_numbers = itertools.count(1)


class Phone:
    """A chat on her telephone, at a provider that takes back."""

    name, mode, takes_back = "telegram", "rich", True

    def __init__(self):
        self.shown = {}
        self.is_down = False
        self._numbers = itertools.count(100)

    async def send(self, message):
        if self.is_down:
            raise SendError("unavailable", retryable=True)
        number = str(next(self._numbers))
        self.shown[number] = message.text
        return Sent(provider_message_id=number)

    async def delete(self, _external_id, numbers):
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
