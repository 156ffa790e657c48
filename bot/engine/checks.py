"""All checks of a bundle: a visible table of rules, then the explorer.

Each rule is one small function from a Context to issues; adding one is a function, a row here, its words in
bot.engine.catalogue. Tests of the flows are run by bot.simulator; translations are checked where catalogues are read.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from bot.core.screening import Screening
from bot.engine import checks_asks, checks_links, checks_review, checks_texts
from bot.engine.checks_context import Context
from bot.engine.explore import explore
from bot.engine.issues import Issue
from bot.engine.model import Bundle, Flow

Check = Callable[[Context], Iterable[Issue]]

#: Name → rule. The name is that of the main issue the rule reports.
CHECKS: dict[str, Check] = {
    "unknown_target": checks_links.targets,
    "unknown_flow": checks_links.flows,
    "unknown_card": checks_links.cards,
    "unknown_directory": checks_links.directory,
    "recursion": checks_links.recursion,
    "falls_off": checks_links.falls_off,
    "unknown_placeholder": checks_links.placeholders,
    "names_too_long": checks_links.names_too_long,
    "no_silence": checks_asks.no_silence,
    "skip_not_counted": checks_asks.skip_not_counted,
    "once_acts": checks_asks.once_acts,
    "same_answer": checks_asks.same_answer,
    "word_taken": checks_asks.word_taken,
    "too_many_options": checks_asks.too_many_options,
    "bands_gap": checks_asks.bands,
    "too_large": checks_asks.too_many_names,
    "untagged_danger": checks_asks.untagged_danger,
    "too_long": checks_texts.too_long,
    "discloses": checks_texts.discloses,
    "no_discreet": checks_texts.no_discreet,
    "discreet_numbers": checks_texts.discreet_numbers,
    "stigma_word": checks_texts.hard_words,
    "hard_reading": checks_texts.hard_reading,
    "mixed_script": checks_texts.mixed_script,
    "old_card": checks_review.cards,
    "old_line": checks_review.lines,
    "no_sources": checks_review.no_sources,
    "missing_reviewer": checks_review.missing_reviewer,
    "no_test": checks_review.no_test,
    "person_out_of_reach": checks_review.person_out_of_reach,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """What the checks are told: the day, the screening of a label (bot.triage, handed in), which flows (None: all)."""

    today: date
    screen: Callable[[str], Screening] | None = None
    flows: tuple[str, ...] | None = None
    is_explored: bool = True


def check_bundle(bundle: Bundle, options: CheckOptions) -> list[Issue]:
    """Give every issue of a loaded bundle, sorted by place. Those of the loader are not repeated."""
    chosen = options.flows if options.flows is not None else tuple(bundle.flows)
    context = Context(
        bundle=bundle,
        flows=tuple(bundle.flows[name] for name in chosen if name in bundle.flows),
        today=options.today,
        screen=options.screen,
    )
    found = [issue for check in CHECKS.values() for issue in check(context)]
    if options.is_explored:
        found.extend(explore(bundle, options.flows).issues)
    return sorted(set(found))


def needs_two_signatures(flow: Flow) -> bool:
    """Say whether publishing this flow takes two persons: it has a danger tag, or calls a person at T1 or T2."""
    return checks_review.touches_danger(flow)
