"""The simulation can fail: each of these deliberate bugs is caught by the very seeds that CI runs, soon.

Patching our own modules is forbidden elsewhere; here a broken module is what is tested.
"""

import pytest

from bot import app, outbox_claim, outbox_record, sender, turns, waiting, worker
from bot.commit import Rows
from bot.core.channels import Sent
from bot.proof.simulation.plan import plan
from bot.proof.simulation.runner import run_steps
from bot.statements import STATEMENTS, Update
from bot.timers import Timers
from escalation import acts, case, intake, relay

#: A tenth of what CI runs.
SEEDS_MOST = 200


def skip_dedupe(patch):
    """Every redelivery is taken for a new message."""
    patch.setattr(worker, "_stored", lambda _tx, _arrivals: {})


def commit_the_turn_without_its_outbox(patch):
    real = Rows.write

    def write(self, tx):
        self.by_statement.pop("outbox_new", None)
        real(self, tx)

    patch.setattr(Rows, "write", write)


def drop_the_token(patch):
    """Whoever once held a case may go on writing."""
    patch.setattr(case, "guard", lambda *_args, **_more: None)


def let_two_hold_a_case(patch):
    patch.setattr(case, "is_live", lambda _case, _now: False)


def keep_the_token(patch):
    """A new claim gets the old token again."""
    real = case.claim

    def claim(before, **more):
        after = real(before, **more)
        return case.replace(after, token=max(1, before.token))

    patch.setattr(acts.machine, "claim", claim)


def swallow_an_exception(patch):
    """A turn that fails is called done."""
    real = turns.TurnRunner.run

    def run(self, *args):
        try:
            return real(self, *args)
        except Exception:  # noqa: BLE001
            return turns.Accepted()

    patch.setattr(turns.TurnRunner, "run", run)


def quarantine_in_silence(patch):
    patch.setattr(waiting.WaitingRows, "_tell_a_person", lambda *_args: None)


def let_danger_pass(patch):
    """No case is made of what a turn found."""
    real = app.escalation_requested
    patch.setitem(app.EVENT_ROWS, app.EscalationRequested, lambda event, context, rows: (
        None if event.tier == "T1" else real(event, context, rows)))  # fmt: skip


def let_a_tier_fall(patch):
    """The newest tier counts, not the strongest."""
    real = intake._enrich

    def enrich(event, base, before):
        found = real(event, base, before)
        found.case["tier"] = "T4"
        return found

    patch.setattr(intake, "_enrich", enrich)
    raised = Update("UPDATE cases SET tier = :tier, kinds = :kinds, changed_at = :changed_at WHERE id = :id")
    patch.setitem(STATEMENTS, "case_raise", raised)


def call_it_sent_before_it_is(patch):
    """What the provider refused is written down as sent."""

    async def send(_self, _item):
        return Sent()

    patch.setattr(sender.Sender, "_send", send)


def let_messages_pass_one_another(patch):
    patch.setattr(outbox_claim, "_CANDIDATES", outbox_claim._CANDIDATES.replace("p.id < o.id", "p.id < 0"))


def lose_what_was_being_sent(patch):
    """The record of a send is forgotten: it goes out again and again."""
    patch.setattr(outbox_record, "_SENT", outbox_record._SENT.replace("lease_by = ?", "lease_by = ? || 'x'"))


def forget_the_version(patch):
    """A running conversation moves to whatever version is at hand."""
    real = turns.session_row
    patch.setattr(turns, "session_row", lambda context: {**real(context), "version": f"v{context.now_ms}"})


def stop_the_timers(patch):
    patch.setattr(Timers, "fire_due", lambda _self: 0)


def say_unsafe_things(patch):
    """What comes by itself goes out whatever she said."""
    patch.setattr(outbox_claim, "_may_go_out", lambda *_args: True)
    patch.setattr(relay, "_kind_of", lambda _line, _now: "proactive")


MUTATIONS = [
    skip_dedupe,
    commit_the_turn_without_its_outbox,
    drop_the_token,
    let_two_hold_a_case,
    keep_the_token,
    swallow_an_exception,
    quarantine_in_silence,
    let_danger_pass,
    let_a_tier_fall,
    call_it_sent_before_it_is,
    let_messages_pass_one_another,
    lose_what_was_being_sent,
    forget_the_version,
    stop_the_timers,
    say_unsafe_things,
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_a_deliberate_bug_is_caught(mutation, monkeypatch):
    mutation(monkeypatch)

    assert any(run_steps(seed, plan(seed)) for seed in range(10_000, 10_000 + SEEDS_MOST))
