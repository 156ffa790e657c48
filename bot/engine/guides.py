"""Looking for a guidance card by its words: «راهنما خواب» at any question, folded like everything people type.

The words that were looked for are kept nowhere; what is shown is in the events by the card's name.
"""

from datetime import date, timedelta
from typing import TYPE_CHECKING

from bot.core.events import GuideShown
from bot.core.jalali import tehran_today
from bot.core.text import close, fold
from bot.engine.library import Card
from bot.engine.model import Texts
from bot.engine.parts import VIOLENCE
from bot.engine.render import translated

if TYPE_CHECKING:
    from bot.engine.run import Run

#: The first word of a search; the longer forms also begin other sentences and count only when a card fits.
_SURE = frozenset(map(fold, ("راهنما", "راهنمای")))
_PERHAPS = frozenset(map(fold, ("راهنمایی", "guide")))
_HEADS = tuple(_SURE | _PERHAPS)
_FILLERS = """
می‌خواهم می‌خوام کنید بده بدید بگو بگید لطفا دربارهٔ درباره برای از و در را رو با یک چیست من به
"""
_EMPTY = frozenset(map(fold, _FILLERS.split()))
_WORDS_MAX = 6
_OTHERS_MAX = 3


def query_of(folded: str) -> tuple[str, ...]:
    """Give the words a folded text looks for; nothing when it is no search."""
    if not folded.startswith(_HEADS):  # nearly every message of a talk
        return ()
    head, *rest = folded.split()
    if head not in _SURE | _PERHAPS or len(rest) > _WORDS_MAX:
        return ()
    return tuple(word for word in rest if word not in _EMPTY)


def is_search(run: "Run") -> bool:
    """True when a text looks for a card, and the scripts can answer that."""
    query = query_of(run.folded)
    if not query or run.bundle.always.step("guide_none") is None:
        return False
    return run.folded.split()[0] in _SURE or bool(find(run, query))


def find(run: "Run", query: tuple[str, ...]) -> list[Card]:
    """Give the cards that fit, the best first; expired ones and what must not be said now are left out."""
    today = tehran_today(run.facts.now)
    ranked = [
        (_points(card, query), card.id, card) for card in run.bundle.cards.values() if _may_show(run, card, today)
    ]
    return [card for points, _, card in sorted(ranked, key=lambda one: (-one[0], one[1])) if points]


def show(run: "Run") -> None:
    """Answer a search: the best card and the names of the next ones, or that there is none."""
    cards = find(run, query_of(run.folded))
    if not cards:
        run.say_always("guide_none")
        return
    for texts in cards[0].messages:
        run.say(texts)
    run.emit(GuideShown, card=cards[0].id)
    more = run.bundle.always.step("guide_more")
    if more is not None and len(cards) > 1 and not run.session.covert:
        titles = "، ".join(translated(run, card.title) for card in cards[1 : _OTHERS_MAX + 1])
        run.say(Texts(text=tuple(f"{translated(run, text)} {titles}" for text in more.texts.text)))


def _may_show(run: "Run", card: Card, today: date) -> bool:
    if "joint" in card.tags and not VIOLENCE.isdisjoint(run.session.kinds):
        return False
    if not card.reviewed_on:
        return False
    return date.fromisoformat(card.reviewed_on) + timedelta(days=card.review_after_days) >= today


def _points(card: Card, query: tuple[str, ...]) -> int:
    """Give how well a card fits: a word of its own counts most, then the title, then a slip of either."""
    own = {word for words in card.words for word in (fold(words), *fold(words).split())}
    title = set(fold(card.title).split()) - _EMPTY
    whole = " ".join(query)
    points = 8 if whole in own or whole == fold(card.title) else 0
    for word in query:
        if word in own:
            points += 4
        elif word in title:
            points += 3
        elif any(_is_near(word, known) for known in own | title):
            points += 2
    return points


def _is_near(word: str, known: str) -> bool:
    """True for a slip («بدحی»), or a word with an ending («کتکم», «بچه‌ام»)."""
    if len(word) > 3 and close(word, known):
        return True
    return len(known) >= 3 and word.startswith(known) and len(word) - len(known) <= 2
