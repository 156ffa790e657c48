"""A house on a virtual clock that hears late: messages with a date of their own, and what stands in the tables after."""

import itertools
from datetime import timedelta

import pytest

from bot.core.messages import InboundMsg, Press, PressInput, TextInput
from bot.store.vault import contact_key, unseal

_numbers = itertools.count(1)


class Late:
    """Brings messages that were written a while ago."""

    def __init__(self, core) -> None:
        self.core = core
        self.contact_id = ""

    def message(self, text="", *, ago_s=0, who="a", channel="telegram", received=None):
        """Make a message that was written `ago_s` seconds before now."""
        now = self.core.clock.now()
        return InboundMsg(
            channel=channel,
            external_id=who,
            provider_id=f"m{next(_numbers)}",
            input=received or TextInput(text),
            received_at=now,
            sent_at=now - timedelta(seconds=ago_s),
        )

    def says(self, text="", **given):
        """Bring one message; give the texts that come back."""
        return self.together(self.message(text, **given))[0]

    def press(self, said, label, **given):
        """Press a button of an answer by its label."""
        data = next(button.data for reply in said for button in reply.buttons if button.label == label)
        return self.together(self.message(received=PressInput(Press.decode(data)), **given))[0]

    def together(self, *messages):
        """Bring several that wait for one batch; give the answers to each."""
        self.core.worker._kicked = True  # hold the worker, so that all wait together
        arrivals = [self.core.inbox.put(one) for one in messages]
        self.core.worker._kicked = False
        self.core.worker.kick()
        outcomes = [arrival.done.result(30) for arrival in arrivals]
        self.contact_id = outcomes[-1].contact_id
        return [outcome.replies for outcome in outcomes]

    def rows(self, sql, *values):
        """Give rows of the database."""
        return [tuple(row) for row in self.core.store.read_now(lambda db: db.exec_driver_sql(sql, values).all())]

    def why(self):
        """Give the reasons that stand on the newest contact's case."""
        sql = "SELECT contact_id, sealed_summary FROM cases ORDER BY opened_at DESC, id DESC LIMIT 1"
        contact_id, sealed = self.rows(sql)[0]
        key = self.core.store.read_now(lambda db: contact_key(db, self.core.keyring, contact_id))
        return unseal(key, "cases.summary", sealed)["why"]


@pytest.fixture
def late(core):
    return Late(core)
