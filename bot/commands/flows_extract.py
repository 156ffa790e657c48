"""`panah flows extract`: every text of the scripts as a gettext catalogue for translators.

A message's context says where it is said: `flow.step`, `flow.step.sms`, `flow.step.discreet`, `flow.step.choice_key`,
`flow.step.unclear`, `flow.step.remind`; cards and instruments likewise. The same scripts give the same bytes.
"""

import argparse
import io
import sys
from collections.abc import Iterator
from pathlib import Path

from bot.commands.flows_check import directory_of
from bot.content import load_or_refuse
from bot.engine.model import Ask, Bundle, Escalate, Flow, Messages, Option, Scale, Step, Texts
from bot.errors import CommandError
from bot.i18n import LOCALES, SOURCE

#: Where the source catalogue lives.
CATALOGUE = LOCALES / SOURCE / "LC_MESSAGES" / "flows.po"
_HEADER = """\
# The words of Panah's scripts. Written by `panah flows extract`: edit the scripts, not this file.
msgid ""
msgstr ""
"Project-Id-Version: panah\\n"
"Language: fa\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""

#: (context, text, note for the translator)
Message = tuple[str, str, str]


def extract(args: argparse.Namespace) -> int:
    """Write the catalogue of a directory of scripts."""
    catalogue = catalogue_of(load_or_refuse(directory_of(args.directory)))
    if args.to == "-":
        sys.stdout.write(catalogue)
        return 0
    target = Path(args.to) if args.to else CATALOGUE
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(catalogue, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"cannot write {target}: {error.strerror}") from error
    return 0


def catalogue_of(bundle: Bundle) -> str:
    """Give the source catalogue of compiled scripts."""
    try:
        from babel.messages.catalog import Catalog  # noqa: PLC0415 - a tool of whoever translates, not of a server
        from babel.messages.pofile import write_po  # noqa: PLC0415
    except ImportError as error:
        raise CommandError("`panah flows extract` needs the package babel") from error
    catalogue = Catalog(locale=SOURCE, charset="utf-8")
    for context, text, note in _messages(bundle):
        catalogue.add(text, context=context, auto_comments=[note] if note else [])
    out = io.BytesIO()
    write_po(out, catalogue, width=0, omit_header=True)
    return _HEADER + out.getvalue().decode("utf-8").strip("\n") + "\n"


def _messages(bundle: Bundle) -> Iterator[Message]:
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
