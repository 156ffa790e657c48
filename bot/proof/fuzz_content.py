"""What is fuzzed, part two: what people write and what admins write. Texts, danger, conditions, scripts, the lexicon."""

import tempfile
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from bot.content import PACKAGE_FLOWS, load_screener
from bot.core import text
from bot.core.finglish import latin_cost, latin_skeleton, latin_yes_no, persian_skeleton
from bot.core.jalali import parse_date
from bot.core.messages import READ_CHARS_MAX, TEXT_CHARS_MAX
from bot.core.numbers import number_in
from bot.core.screening import KINDS, TIERS
from bot.engine.codec import bundle_from_json, bundle_to_json
from bot.engine.conditions import Names, Problem, fact_names, parse_condition
from bot.engine.expressions import Condition
from bot.engine.issues import errors
from bot.engine.loader import load_bundle, load_flow
from bot.engine.model import Bundle
from bot.proof.fuzz import Target
from bot.proof.fuzz_seeds import TEXTS, VALUES, Mutator
from bot.triage.lexfile import LexiconError
from bot.triage.lexicon import LEXICON_DIR, load_lexicon
from escalation.watch_policy import PACKAGED, PolicyError, read_policy

CONDITIONS = (
    "risk == T1 | T2", "hour >= 22", "count(kinds) < 2", "days_ago(hour) <= 30", "suicide in kinds", "suicide not in kinds",
    "known(risk)", "skipped(risk)", "not (covert == yes and staff == none)", "(hour < 6 or hour > 22) and mode != sms",
    "channel == sms", "returning != no", "age_group == child", "not not known(age_group)", "contact.safe == unasked",
)  # fmt: skip
#: No larger file is read.
POLICY_CHARS = 100_000
_TODAY = date(2026, 11, 22)


def content_targets() -> list[Target]:
    """Give everything that reads what people or admins wrote."""
    screener = load_screener()
    bundle, _ = load_bundle(PACKAGE_FLOWS)
    assert bundle is not None
    names = fact_names()
    flows = [path.read_text("utf-8") for path in sorted(PACKAGE_FLOWS.glob("*.yaml"))]
    return [
        Target(name="text", make=lambda by: by.text()[:TEXT_CHARS_MAX], read=_read_text),
        Target(name="answers", make=lambda by: (by.text()[:TEXT_CHARS_MAX], by.text()[:60]), read=_read_answer),
        Target(name="screening", make=_make_talk, read=partial(_read_talk, screener), cpu_s=0.1, short=500),
        Target(name="condition", make=lambda by: by.text(CONDITIONS), read=partial(_read_condition, names)),
        Target(
            name="script", make=lambda by: _make_script(by, flows), read=partial(_read_script, bundle),
            cpu_s=12.0, memory_bytes=400_000_000, short=25,
        ),
        Target(
            name="policy", make=_make_policy, read=_read_policy, refusals=(PolicyError,),
            cpu_s=3.0, memory_bytes=100_000_000, short=60,
        ),
        Target(
            name="lexicon", make=_make_lexicon, read=_read_lexicon, refusals=(LexiconError,),
            cpu_s=10.0, memory_bytes=400_000_000, short=12,
        ),
    ]  # fmt: skip


def _read_text(written: str) -> None:
    folded = text.fold(written)
    assert text.fold(folded) == folded, "folding twice is not folding once"
    text.squash(written)
    text.ascii_digits(written)
    text.display(written)
    for word in text.words(written):
        assert 0 <= word.start <= word.end <= len(written), "a word that lies outside"
    for one in folded.split()[:8]:
        latin_skeleton(one)
        persian_skeleton(one)
        latin_cost(one, folded[:20])
        latin_yes_no(one)


def _read_answer(given: tuple[str, str]) -> None:
    written, label = given
    text.same_answer(written, label)
    text.close(written, label)
    number_in(written)
    parse_date(written, _TODAY)


def _make_talk(by: Mutator) -> tuple[str, tuple[str, ...]]:
    earlier = tuple(by.text()[:TEXT_CHARS_MAX] for _ in range(by.rng.randrange(3)))
    return by.text()[:TEXT_CHARS_MAX], earlier


def _read_talk(screener: Any, given: tuple[str, tuple[str, ...]]) -> None:
    written, earlier = given
    found = screener.screen(written, earlier)
    assert found.tier is None or found.tier in TIERS, "a strange tier"
    assert set(found.kinds) <= set(KINDS), "a strange kind"
    assert all(0 <= one.start <= one.end <= len(written) for one in found.evidence), "evidence that lies outside"
    assert len(written) <= READ_CHARS_MAX


def _read_condition(names: Names, written: str) -> None:
    for known in (names, None):
        found = parse_condition(written, known)
        if isinstance(found, Problem):
            assert found.col >= 1, "a column before the text"
        else:
            _hold(found)


def _hold(condition: Condition) -> None:
    """A condition is total: whatever stands under its names, it says yes or no."""
    for value in (*VALUES, *TEXTS[:20]):
        facts = dict.fromkeys(("risk", "hour", "kinds", "covert", "staff", "today", "channel"), value)
        assert condition.holds({}, {}, facts) in {True, False}, "neither yes nor no"


def _make_script(by: Mutator, flows: list[str]) -> str:
    chosen = by.rng.choice(flows)
    lines = chosen.split("\n")
    start = by.rng.randrange(max(1, len(lines) - 40))
    part = "\n".join(lines[:8] + lines[start : start + 60]) if by.rng.random() < 0.5 else chosen
    torn = by.lines(part)
    if by.rng.random() < 0.2:
        torn = by.bytes(torn.encode("utf-8", "replace")[:30_000])[:60_000].decode("utf-8", "replace")
    return torn[:60_000]


def _read_script(bundle: Bundle, written: str) -> None:
    flow, issues = load_flow(written, "fuzz.yaml", bundle)
    for found in issues:
        assert found.line >= 1, "an issue without a line"
        str(found).encode()
    if flow is not None and not errors(issues):
        one = Bundle(flows={flow.id: flow})
        assert bundle_from_json(bundle_to_json(one)).flows == one.flows, "a script that is not read back"


def _make_policy(by: Mutator) -> str:
    written = PACKAGED.read_text("utf-8")
    torn = by.lines(written) if by.rng.random() < 0.7 else by.bytes(written.encode()).decode("utf-8", "replace")
    return torn[:POLICY_CHARS]


def _read_policy(written: str) -> None:
    policy = read_policy(written, "fuzz.yaml")
    assert policy.tiers, "a policy that calls nobody"


def _make_lexicon(by: Mutator) -> dict[str, str]:
    files = {path.name: path.read_text("utf-8") for path in sorted(LEXICON_DIR.glob("*.yaml"))}
    for name in by.rng.sample(sorted(files), by.rng.choice((1, 1, 2))):
        files[name] = by.lines(files[name]).encode("utf-8", "replace").decode()[:200_000]
    return files


def _read_lexicon(files: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        for file, written in files.items():
            (Path(name) / file).write_text(written, "utf-8")
        load_lexicon(Path(name))
