"""Checks of questions and their options, of bands, and of labels that speak of danger without a tag."""

from collections.abc import Iterator

from bot.core.text import fold
from bot.engine.checks_context import Context, at_step
from bot.engine.issues import Issue, issue
from bot.engine.loader_names import most_points
from bot.engine.model import Ask, Band, Instrument, Option, Score, Set
from bot.engine.parts import DANGER_TIER, AnswerSpec

OPTIONS_FEW = 4
NAMES_MAX = 64
_URGENT = {"high", "immediate"}


def no_silence(context: Context) -> Iterator[Issue]:
    """Every wait says what happens when nobody answers (P7); a script without the block is told so once."""
    silent: dict[str, list[Ask]] = {}
    for flow, ask in context.asks():
        if ask.silence is None:
            silent.setdefault(flow.id, []).append(ask)
    for flow in context.flows:
        asks = silent.get(flow.id, [])
        if len(asks) > 1:
            names = "، ".join(ask.id for ask in asks[:3]) + (" …" if len(asks) > 3 else "")
            yield issue("no_silence_block", f"{flow.id}.yaml", (1, 1), count=len(asks), name=names)
        elif asks:
            yield at_step("no_silence", flow, asks[0])


def skip_not_counted(context: Context) -> Iterator[Issue]:
    """Where an option is dangerous, a refusal exists and is dangerous too."""
    for flow, ask in context.asks():
        if _is_safety(ask.options) and (ask.skip is None or ask.skip.danger not in _URGENT):
            yield at_step("skip_not_counted", flow, ask)
    for instrument in context.bundle.instruments.values():
        for item in instrument.items:
            skip = next((option for option in item.options if option.key == "skip"), None)
            if _is_safety(item.options) and (skip is None or skip.danger not in _URGENT):
                yield _at_item("skip_not_counted", instrument, item.at, item.id)


def _is_safety(options: tuple[Option, ...]) -> bool:
    return any(option.danger in _URGENT for option in options if option.key != "skip")


def once_acts(context: Context) -> Iterator[Issue]:
    """What is asked once takes the same answers under its name everywhere, and nothing hangs on being asked."""
    first: dict[str, tuple[AnswerSpec, set[str]]] = {}
    for other in context.bundle.flows.values():
        for ask in other.steps:
            if isinstance(ask, Ask) and ask.once:
                first.setdefault(ask.once, _answers_of(ask))
    for flow, ask in context.asks():
        if ask.once and (_answers_of(ask) != first[ask.once] or any(map(_acts, ask.options)) or ask.screen or ask.safe):
            yield at_step("once_acts", flow, ask, word=ask.once)


def _answers_of(ask: Ask) -> tuple[AnswerSpec, set[str]]:
    return ask.spec, set(ask.by_key) - {"skip"}


def _acts(option: Option) -> bool:
    acts = option.danger or option.kinds or option.covert or option.go or option.points
    return bool(acts) and option.key != "skip"


def same_answer(context: Context) -> Iterator[Issue]:
    """No two options of a question read alike once folded, numbers included."""
    for flow, ask in context.asks():
        taken: dict[str, str] = {}
        if ask.numbered:
            taken = {str(number): option.key for number, option in enumerate(ask.options, 1)}
        for option in ask.options:
            for word in (option.label, *option.accept):
                if taken.setdefault(fold(word), option.key) != option.key:
                    yield at_step("same_answer", flow, ask, word=word)


def word_taken(context: Context) -> Iterator[Issue]:
    """No option uses a handler's word, and none is zero."""
    always = context.bundle.flows.get("always")
    for flow, ask in context.asks():
        taken = {**(always.words if always else {}), **flow.words}
        for option in ask.options:
            for word in (option.label, *option.accept):
                if fold(word) == "0":
                    yield at_step("zero_taken", flow, ask)
                elif fold(word) in taken:
                    yield at_step("word_taken", flow, ask, word=word)


def too_many_options(context: Context) -> Iterator[Issue]:
    """Four options fit a small screen; the refusal is not counted."""
    for flow, ask in context.asks():
        if len([option for option in ask.options if option.key != "skip"]) > OPTIONS_FEW:
            yield at_step("too_many_options", flow, ask)


def bands(context: Context) -> Iterator[Issue]:
    """Every reachable sum lies in exactly one band (P12), and `go` and `enough` name bands that are there."""
    for flow, step in context.steps():
        if isinstance(step, Score):
            most = sum(point.add for point in step.points)
            for rule, points in _badly_covered(step.bands, most):
                yield at_step(rule, flow, step, points=points)
        missing = set(getattr(step, "go", ())) if hasattr(step, "bands") else set()
        keys = [band.key for band in getattr(step, "bands", ())]
        for name in sorted(missing - set(keys)):
            yield at_step("not_in_domain", flow, step, value=name, keys=", ".join(keys))
    for instrument in context.bundle.instruments.values():
        for rule, points in _badly_covered(instrument.bands, most_points(instrument)):
            yield _at_item(rule, instrument, (1, 1), instrument.id, points=points)
        if instrument.enough and not any(band.key == "unknown" for band in instrument.bands):
            yield _at_item("missing_key", instrument, (1, 1), "bands: unknown")


def _badly_covered(found: tuple[Band, ...], most: int) -> Iterator[tuple[str, int]]:
    """Give the first sum in no band and the first sum in two."""
    told: set[str] = set()
    for points in range(most + 1):
        holding = [band for band in found if band.key != "unknown" and band.low <= points <= band.high]
        rule = "bands_gap" if not holding else "bands_overlap" if len(holding) > 1 else ""
        if rule and rule not in told:
            told.add(rule)
            yield rule, points


def too_many_names(context: Context) -> Iterator[Issue]:
    """A flow holds at most 64 answers and vars; a `set` writes what was declared."""
    for flow in context.flows:
        names = [step.id for step in flow.steps if isinstance(step, Ask) and not step.screen and not step.safe]
        size = len(names) + len(flow.vars)
        if size > NAMES_MAX and flow.id != "always":
            yield issue("too_large", f"{flow.id}.yaml", (1, 1), name=flow.id, size=size, most=NAMES_MAX)
        for step in flow.steps:
            for name, value in step.values.items() if isinstance(step, Set) else ():
                var = flow.vars.get(name)
                if var is None:
                    yield at_step("unknown_name", flow, step, name=name, nearest=", ".join(flow.vars) or "-")
                elif value not in (var.keys or ("+1", *map(str, range(var.most + 1)))):
                    keys = ", ".join(var.keys) or f"+1, 0..{var.most}"
                    yield at_step("not_in_domain", flow, step, name=name, value=value, keys=keys)


#: A reviewer's note that contains this says: the words of this question are no news of danger. No other note does.
_NO_NEWS = "خبر خطر نیست"


def untagged_danger(context: Context) -> Iterator[Issue]:
    """An option whose words the lexicon takes for danger is tagged at least so, or a reviewer's note says it is none."""
    if context.screen is None:
        return
    for flow, ask in context.asks():
        for option in ask.options if _NO_NEWS not in ask.note else ():
            for word in (option.label, *option.accept):
                tier = context.screen(word).tier
                own = DANGER_TIER[option.danger] if option.danger else "T4"
                if tier in {"T1", "T2"} and option.danger not in _URGENT and tier < own:
                    yield at_step("untagged_danger", flow, ask, name=option.key, why=word)


def _at_item(rule: str, instrument: Instrument, at: tuple[int, int], name: str, **words: str | int) -> Issue:
    return issue(rule, f"instruments/{instrument.id}.yaml", at, **{"name": name, **words})
