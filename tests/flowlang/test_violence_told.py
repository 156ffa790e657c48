"""P11 across scripts: a card for a couple needs the question whether violence was told, also by an earlier script."""

from dataclasses import replace
from datetime import date

from bot.engine.checks import CheckOptions, check_bundle
from bot.engine.explore import explore
from bot.engine.loader import load_flow
from bot.engine.model import Card, Texts

HEAD = "title: x\nowner: x\nreviewers: [a, b]\nsilence: {after: 10m, then: settle}\nsteps:\n"
TELLS = "- {ask: a, text: چه شده؟, choice: {x: {label: کتک, danger: low, kinds: [spouse_abuse]}, y: قهر}}\n- {escalate: e, when: risk == T3, tier: T3, text: 123}\n- {end: told, text: 123}\n"
COUPLE = Card(id="couple", title="دونفره", sources=("x",), reviewed_on="2026-10-01", status="reviewed", tags=("joint",), messages=(Texts(text=("با هم. 123",)),))  # fmt: skip
ONCE = "- {guide: g, when: violence == no, card: couple}\n- {end: bye, text: 123}\n"
BARE = "- {guide: g, card: couple}\n- {end: bye, text: 123}\n"


def rules(bundle, **sources: str) -> set[str]:
    flows = dict(bundle.flows)
    for name, text in sources.items():
        flow, issues = load_flow(f"flow: {name}\n{HEAD}{text}", f"{name}.yaml", bundle)
        assert flow is not None, issues
        flows[name] = flow
    made = replace(bundle, flows=flows, cards={**bundle.cards, "couple": COUPLE}, entry="first")
    found = check_bundle(made, CheckOptions(today=date(2026, 11, 22), flows=tuple(sources)))
    return {one.rule for one in found} & {"joint_after_violence", "always_true", "always_false"}


def test_what_an_earlier_script_heard_counts_in_a_later_one(bundle):
    first = "- {call: one, flow: tells}\n- {call: two, flow: couples}\n- {end: bye, text: 123}\n"

    assert rules(bundle, first=first, tells=TELLS, couples=BARE) == {"joint_after_violence"}
    assert rules(bundle, first=first, tells=TELLS, couples=ONCE) == set()


def test_a_script_that_begins_a_talk_knows_that_nothing_was_told(bundle):
    assert rules(bundle, first=BARE) == set()
    assert rules(bundle, first=ONCE) == {"always_true"}


def test_a_script_that_does_not_mind_violence_is_walked_once_for_all(bundle):
    asks = "".join(f"- {{ask: q{n}, text: پرسش؟, choice: {{x: این, y: آن}}}}\n" for n in range(6))
    first = TELLS.replace(
        "- {end: told, text: 123}\n", "- {call: c, flow: plain}\n- {call: two, flow: couples}\n- {end: z, text: 123}\n"
    )
    sources = {"first": first, "plain": asks + "- {end: done}\n", "couples": ONCE}
    flows = {
        name: load_flow(f"flow: {name}\n{HEAD}{text}", f"{name}.yaml", bundle)[0] for name, text in sources.items()
    }
    made = replace(bundle, flows={**bundle.flows, **flows}, cards={**bundle.cards, "couple": COUPLE}, entry="first")

    assert explore(made, roots=["first"], now=lambda: 0.0).states < 20
