"""What she answered, out of the events of her turns: question and answer side by side. Pure.

An answer corrected later («back») replaces the earlier one of the same step; personal answers show no words.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answered question. `answer` is the option's label, or its keys when it has none."""

    flow: str
    step: str
    question: str
    keys: tuple[str, ...]
    answer: str
    sensitive: bool
    at: int


def answers_of(turns: Iterable[tuple[list[dict[str, Any]], int]]) -> tuple[Answer, ...]:
    """Give the answers of some turns, each (events as JSON, time), in the order in which they were last given."""
    questions: dict[tuple[str, str], str] = {}
    answers: dict[tuple[str, str], Answer] = {}
    said = ""
    for events, at in turns:
        for event in events:
            place = (event.get("flow", ""), event.get("step", ""))
            match event.get("type"):
                case "MessageSent":
                    said = event.get("text", "")
                case "QuestionAsked" if not event.get("again"):
                    questions[place] = _words(event, said)
                case "AnswerRecorded":
                    answers.pop(place, None)
                    answers[place] = _answer(event, questions.get(place, place[1]), at)
    return tuple(answers.values())


def cards_of(turns: Iterable[tuple[list[dict[str, Any]], int]]) -> tuple[str, ...]:
    """Give the guidance cards she was shown, each once."""
    shown = (str(event.get("card", "")) for events, _ in turns for event in events if event.get("type") == "GuideShown")
    return tuple(dict.fromkeys(card for card in shown if card))


def _words(event: Mapping[str, Any], said: str) -> str:
    """Give the question in words: its own text, or (when it carries only a name) the text sent just before."""
    question = str(event.get("question", ""))
    return said if question.isascii() and said else question


def _answer(event: Mapping[str, Any], question: str, at: int) -> Answer:
    keys = tuple(event.get("keys", ()))
    return Answer(
        flow=event.get("flow", ""),
        step=event.get("step", ""),
        question=question,
        keys=keys,
        answer=event.get("label") or "، ".join(keys),
        sensitive=bool(event.get("sensitive")),
        at=at,
    )
