"""What the explorer proves of the scripts, the engine keeps: random conversations, whoever writes and however long.

Nothing immediate is ever lost, nothing is owed when a conversation rests or ends, no turn floods her, nothing fails,
and «مددکار» reaches a person within two turns, from anywhere.
"""

from functools import cache
from typing import Any

from acceptance.cries import CRIES
from acceptance.walks import UNFIT, World, press, texts, told
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.content import PACKAGE_FLOWS, load_screener
from bot.core.events import ContentFailed, Event
from bot.core.messages import Input, MediaInput, NotTakenInput, PressInput, SilenceInput, TextInput
from bot.engine.loader import load_bundle
from bot.engine.model import Ask, Bundle
from bot.engine.session import Session

_WORDS = (
    "سلام", "بله", "نه", "رفتم", "۱", "2", "3", "4", "نمی‌خواهم بگویم", "تهران", "09121234567", "برگشت", "تکرار", "کمک",
    "زبان", "لغو", "پاک کن", "حذف اطلاعات من", "باشه ممنون", "می‌خوام بمیرم", "شوهرم کتکم می‌زنه", "خیلی خسته‌ام دیگه",
    "بچه‌هام گرسنه‌اند", "پارسال کتکم می‌زد", UNFIT, "0",
)  # fmt: skip
_TURNS_MAX = 24
#: One act of hers: an answer by its place among the offered, words, a cry, media, or time running out.
_ACTS = st.one_of(
    st.tuples(st.just("press"), st.integers(0, 11)),
    st.tuples(st.just("press"), st.integers(0, 11)),
    st.tuples(st.just("says"), st.sampled_from(_WORDS)),
    st.tuples(st.just("cries"), st.sampled_from(CRIES)),
    st.tuples(st.just("sends"), st.sampled_from(["voice", "photo", "sticker"])),
    st.tuples(st.just("silence"), st.just("")),
    st.tuples(st.just("not_taken"), st.just("")),
)


@cache
def _worlds() -> tuple[World, ...]:
    bundle, _ = load_bundle(PACKAGE_FLOWS)
    assert isinstance(bundle, Bundle)
    screener = load_screener()
    return (
        World(bundle, screener),
        World(bundle, screener, channel="telegram", staff="none"),
        World(bundle, screener, channel="sms", mode="sms"),
    )


def _input(world: World, session: Session | None, act: tuple[str, Any]) -> Input | None:
    """Turn an act into an input; None when it cannot be done here."""
    kind, what = act
    if kind in {"says", "cries"}:
        return TextInput(what)
    if kind == "sends":
        return MediaInput(what)
    if session is None or not session.stack:
        return None
    if kind == "press":
        return _press(world, session, what)
    armed = session.timers.get(kind)
    if armed is None:
        return None
    return SilenceInput(armed[0]) if kind == "silence" else NotTakenInput(armed[0])


def _press(world: World, session: Session, number: int) -> PressInput | None:
    frame = session.stack[-1]
    ask = world.bundle.flows[frame.flow].step(frame.step)
    if not isinstance(ask, Ask) or not ask.options:
        return None
    return press(session, ask.options[number % len(ask.options)].key)


def _check(act: tuple[str, Any], before: Session | None, after: Session, events: list[Event]) -> None:
    assert not [event for event in events if isinstance(event, ContentFailed)]
    assert len(texts(events)) <= 5
    if after.status in {"resting", "ended", "locked"}:
        assert after.debt is None
    if after.risk == "T1" and before is not None and before.risk != "T1" and after.debt is None:
        assert "T1" in told(events)
    if act[0] == "cries":
        assert after.risk == "T1"
        assert after.case
        assert after.told_tier == "T1"


@settings(max_examples=150, deadline=None)
@given(world=st.sampled_from(range(3)), acts=st.lists(_ACTS, min_size=1, max_size=_TURNS_MAX))
def test_random_conversations_keep_every_promise(world: int, acts: list[tuple[str, Any]]) -> None:
    here = _worlds()[world]
    session: Session | None = None
    earlier: tuple[str, ...] = ()
    for act in acts:
        entered = _input(here, session, act)
        if entered is None:
            continue
        before, (session, events) = session, here.take(session, entered, earlier)
        earlier = (*earlier, entered.text)[-2:] if isinstance(entered, TextInput) else earlier
        _check(act, before, session, events)


@settings(max_examples=100, deadline=None)
@given(world=st.sampled_from(range(3)), acts=st.lists(_ACTS, min_size=1, max_size=_TURNS_MAX))
def test_a_person_is_reached_within_two_turns_from_anywhere(world: int, acts: list[tuple[str, Any]]) -> None:
    here = _worlds()[world]
    session: Session | None = None
    for act in acts:
        entered = _input(here, session, act)
        if entered is not None:
            session, _ = here.take(session, entered)
    for _ in range(2):
        session, _ = here.says(session, "مددکار")

    assert session.case or session.status == "locked"
