"""Checks of names: targets, flows, cards, directory types, placeholders, call cycles, the length of a button's names."""

import re
from collections.abc import Iterator

from bot.core.messages import Press
from bot.engine.checks_context import Context, at_step
from bot.engine.explore_paths import targets_of
from bot.engine.issues import Issue, issue
from bot.engine.loader_fields import nearest
from bot.engine.model import (
    SPECIAL_TARGETS,
    Ask,
    Call,
    Choice,
    End,
    Escalate,
    Flow,
    FollowUp,
    Go,
    Guide,
    Multi,
    Refer,
    Scale,
    Step,
)

PLACEHOLDERS = ("case_code", "wait_minutes", "place_name", "place_phone", "place_hours")
CALLS_MAX = 4
PRESS_BYTES_MAX = 64
_BRACES = re.compile(r"\{([^{}]{0,80})\}")


def targets(context: Context) -> Iterator[Issue]:
    """Every target is a step of the same flow or a special one."""
    for flow in context.flows:
        for step in flow.steps:
            for target in dict.fromkeys(targets_of(step)):
                if target not in flow.index and target not in SPECIAL_TARGETS:
                    yield at_step("unknown_target", flow, step, name=target, nearest=nearest(target, flow.index))
        for heard in flow.heard:
            if heard.go not in flow.index:
                near = nearest(heard.go, flow.index)
                yield issue("unknown_target", f"{flow.id}.yaml", (1, 1), name=heard.go, nearest=near)
        for handler in flow.always:
            if handler.go and handler.go not in flow.index and handler.go not in SPECIAL_TARGETS:
                near = nearest(handler.go, flow.index)
                yield issue("unknown_target", f"{flow.id}.yaml", (1, 1), name=handler.go, nearest=near)


def flows(context: Context) -> Iterator[Issue]:
    """Every called or planned flow exists."""
    known = context.bundle.flows
    for flow, step in context.steps():
        if isinstance(step, Call | FollowUp) and step.flow not in known:
            yield at_step("unknown_flow", flow, step, name=step.flow, nearest=nearest(step.flow, known))


def cards(context: Context) -> Iterator[Issue]:
    """Every card exists, and so does the part of it."""
    known = context.bundle.cards
    for flow, step in context.steps():
        if not isinstance(step, Guide):
            continue
        if step.card not in known:
            yield at_step("unknown_card", flow, step, name=step.card, nearest=nearest(step.card, known))
        elif step.part > len(known[step.card].messages):
            expected = f"1..{len(known[step.card].messages)}"
            yield at_step("bad_value", flow, step, name="part", value=step.part, expected=expected)


def directory(context: Context) -> Iterator[Issue]:
    """Every referral names a directory type, and a place question as `near`."""
    known = context.bundle.directory
    for flow, step in context.steps():
        if not isinstance(step, Refer):
            continue
        if step.to not in known:
            yield at_step("unknown_directory", flow, step, name=step.to, nearest=nearest(step.to, known))
        if step.near and step.near not in flow.index and step.near not in flow.takes:
            yield at_step("unknown_name", flow, step, name=step.near, nearest=nearest(step.near, flow.index))


def recursion(context: Context) -> Iterator[Issue]:
    """No flow calls itself, through others either, and calls are at most four deep."""
    for flow in context.flows:
        for path in _call_paths(context, flow, (flow.id,)):
            step = next(step for step in flow.steps if isinstance(step, Call) and step.flow == path[1])
            rule = "recursion" if path[-1] in path[:-1] else "calls_too_deep"
            yield at_step(rule, flow, step, name=" › ".join(path))


def _call_paths(context: Context, flow: Flow, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Give the call paths that end in a repeat or go too deep."""
    for name in dict.fromkeys(step.flow for step in flow.steps if isinstance(step, Call)):
        longer = (*path, name)
        if name in path or len(longer) > CALLS_MAX + 1:
            yield longer
        elif name in context.bundle.flows:
            yield from _call_paths(context, context.bundle.flows[name], longer)


def falls_off(context: Context) -> Iterator[Issue]:
    """The last step is an unguarded end, go, or an escalate that names where it goes on."""
    for flow in context.flows:
        if flow.id == "always":
            continue  # the engine enters its steps one by one
        if not flow.steps:
            yield issue("falls_off", f"{flow.id}.yaml", (1, 1), name=flow.id)
        elif not _closes(flow.steps[-1]):
            yield at_step("falls_off", flow, flow.steps[-1])


def _closes(step: Step) -> bool:
    if step.when is not None:
        return False
    jumps = isinstance(step, Escalate) and bool(step.while_waiting and step.if_no_staff)
    return isinstance(step, End | Go) or jumps


def placeholders(context: Context) -> Iterator[Issue]:
    """A text inserts declared placeholders and labels of choices only, never a person's own words."""
    for flow, step in context.steps():
        for text in (*step.texts.text, *step.texts.sms, *step.texts.discreet):
            for name in _BRACES.findall(text):
                yield from _placeholder(context, flow, step, name)
    for card in context.bundle.cards.values():
        for text in (text for texts in card.messages for text in (*texts.text, *texts.sms, *texts.discreet)):
            for name in _BRACES.findall(text):
                if name.removeprefix("line.") not in context.bundle.lines:
                    near = nearest(name, [f"line.{key}" for key in context.bundle.lines])
                    yield issue("unknown_placeholder", f"guides/{card.id}.yaml", (1, 1), name=name, nearest=near)


def _placeholder(context: Context, flow: Flow, step: Step, name: str) -> Iterator[Issue]:
    asked = flow.step(name)
    lines = [f"line.{key}" for key in context.bundle.lines]
    if isinstance(asked, Ask) and not isinstance(asked.spec, Choice | Multi | Scale):
        yield at_step("echo", flow, step)
    elif name not in PLACEHOLDERS and name not in lines and not isinstance(asked, Ask):
        yield at_step("unknown_placeholder", flow, step, name=name, nearest=nearest(name, (*PLACEHOLDERS, *lines)))


def names_too_long(context: Context) -> Iterator[Issue]:
    """A press names flow, step, visit and key in at most 64 bytes (Telegram's callback_data)."""
    for flow in context.flows:
        for step in flow.steps:
            if isinstance(step, Ask):
                key = max((option.key for option in step.options), key=len, default="")
                size = len(Press(flow=flow.id, step=step.id, visit=10**9 - 1, key=key).encode().encode())
                if size > PRESS_BYTES_MAX:
                    name = f"{flow.id} / {step.id} / {key}"
                    yield at_step("names_too_long", flow, step, name=name, size=size, most=PRESS_BYTES_MAX)
