"""Every text that scripts, instruments and cards can say, with the gettext context that says where.

`flow.step`, `flow.step.sms`, `flow.step.discreet`, `flow.step.choice_key`, `flow.step.unclear`, `flow.step.remind`;
cards and instruments likewise.
"""

from collections.abc import Iterator

from bot.engine.model import Ask, Bundle, Escalate, Flow, Messages, Option, Scale, Step, Texts

#: (context, text, note for the translator)
Message = tuple[str, str, str]


def spoken(bundle: Bundle) -> Iterator[Message]:
    """Give every text of a bundle with its gettext context, in the order of the scripts."""
    for flow in bundle.flows.values():
        for step in flow.steps:
            if not (
                isinstance(step, Ask) and (step.screen or step.safe)
            ):  # these stand with their instrument, or `always`
                yield from _step(flow, step)
        for handler in flow.always:
            yield from _texts(f"{flow.id}.always.{handler.name}", handler.say)
    for instrument in bundle.instruments.values():
        for item in instrument.items:
            yield from _variants(f"{instrument.id}.{item.id}", item.texts)
            yield from _labels(f"{instrument.id}.{item.id}", item.options)
    for card in bundle.cards.values():
        yield f"{card.id}.title", card.title, ""
        for number, texts in enumerate(card.messages, 1):
            yield from _variants(f"{card.id}.{number}", texts)


def _step(flow: Flow, step: Step) -> Iterator[Message]:
    context = f"{flow.id}.{step.id}"
    yield from ((name, text, step.note) for name, text, _ in _variants(context, step.texts))
    if isinstance(step, Escalate) and step.if_not_taken is not None:
        yield from _variants(f"{context}.if_not_taken", step.if_not_taken.texts)
    if isinstance(step, Ask):
        yield from _texts(f"{context}.short", step.short)
        yield from _labels(context, step.options)
        yield from _texts(f"{context}.unclear", step.unclear.text)
        if step.silence is not None:
            yield from _texts(f"{context}.remind", step.silence.remind_text)
        if isinstance(step.spec, Scale):
            yield from _texts(f"{context}.ends", step.spec.ends)


def _variants(context: str, texts: Texts) -> Iterator[Message]:
    yield from _texts(context, texts.text)
    yield from _texts(f"{context}.sms", texts.sms)
    yield from _texts(f"{context}.discreet", texts.discreet)


def _labels(context: str, options: tuple[Option, ...]) -> Iterator[Message]:
    for option in options:
        yield f"{context}.{option.key}", option.label, ""


def _texts(context: str, messages: Messages) -> Iterator[Message]:
    yield from ((context, text, "") for text in messages if text)
