"""What the simulation found, each as the few steps that showed it."""

from datetime import UTC, datetime

from bot.proof.simulation.plan import Step, plan
from bot.proof.simulation.runner import run_steps, shrink
from bot.proof.simulation.world import World
from escalation.watch_ages import Ages
from escalation.watch_model import Attempt, CaseLine, Person
from escalation.watch_policy import load_policy
from escalation.watch_rows import CaseRow
from escalation.watch_rules import due_attempts

_CRY, _PUMP, _CLAIM = Step("cry", 0, 0, 0), Step("pump", 0, 0, 0), Step("claim", 0, 0, 1)


def test_a_new_cry_raises_a_case_again_that_a_person_lowered():
    lower = Step("lower", 2, 0, 1)

    assert run_steps(1, [_CRY, _PUMP, _CLAIM, _PUMP, lower, Step("cry", 0, 1, 0)]) == []


def test_a_new_cry_in_the_moment_of_closing_opens_a_new_case():
    close = Step("close", 0, 0, 1)

    assert run_steps(1, [_CRY, _PUMP, _CLAIM, _PUMP, close, Step("cry", 0, 1, 0)]) == []


def test_several_words_that_are_late_together_are_said_once():
    assert run_steps(3, [_CRY, Step("hours", 26, 0, 0), Step("kill", 0, 0, 0), Step("hours", 1, 0, 0), _PUMP]) == []


def test_a_clock_set_back_to_before_a_closing_makes_no_healthy_row_look_broken():
    give_up = [Step("poison", 3, 0, 0), Step("say", 0, 0, 0), _PUMP, Step("minutes", 1199, 0, 0)]
    close = [_CLAIM, Step("close", 0, 0, 1), Step("minutes", 1199, 0, 0), Step("minutes", 1199, 0, 0)]

    assert run_steps(1, [*give_up, *close, Step("jump", 3, 0, 0), _PUMP]) == []


def test_what_a_death_on_the_way_to_a_clean_stop_left_unrecorded_may_be_said_once_more():
    die_behind_the_providers_yes = Step("crash", 12, 0, 0)  # O4: not written down yet, so the next start says it again

    assert run_steps(1, [_CRY, _PUMP, die_behind_the_providers_yes, Step("stop", 0, 0, 0)]) == []


def test_a_dead_line_is_marked_without_anything_else_to_send():
    blocked = Step("failures", 5, 2, 0)

    assert run_steps(2, [blocked, Step("say", 0, 0, 0), Step("tick", 0, 0, 0)]) == []


def test_the_steps_of_a_seed_are_always_the_same():
    assert plan(5, 50) == plan(5, 50) != plan(6, 50)


def test_a_failing_seed_is_made_small(monkeypatch):
    monkeypatch.setattr(World, "pump", lambda _self: None)  # no loop ever passes: whoever wrote waits for ever

    small = shrink(1, [*plan(1, 4), _CRY, *plan(2, 4)], most=12)

    assert 0 < len(small) < 9


def test_a_case_that_grew_urgent_in_the_moment_of_a_page_was_not_told_by_it():
    began = 1_795_334_400_000
    case = CaseLine(id="a", code="1a", tier="T1", desk="EOC", since=began)
    page = Attempt(
        person="mina", way="staffbot", level=0, cases=("a",), page=began, at=began, urgent=True, state="sent"
    )
    mina = Person(key="mina", roles=frozenset({"counsellor"}), on_shift=True, addresses={"staffbot": "71"})
    now = datetime.fromtimestamp(began / 1000 + 31, UTC)

    assert ["mina"] == [due.person for due in due_attempts([case], [page], load_policy(), [mina], now)]


def test_what_was_seen_before_the_clock_was_set_back_keeps_no_new_watch_quiet():
    now_ms = 1_795_251_768_628
    row = CaseRow(
        id="a", code="1a", tier="T1", desk="EOC", state="queued", since=now_ms + 82_000_000,
        seen_at=now_ms + 82_001_000, lease_until=None, changed_at=now_ms,
    )  # fmt: skip
    (line,) = Ages().lines([row], now_ms, 3768.6)

    assert (line.since, line.seen_at) == (now_ms, None)
