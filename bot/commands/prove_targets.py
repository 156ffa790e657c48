"""All that `panah prove` fuzzes: the ways in, what people and admins write, and the lines of `panah replay`."""

import io
import json
from datetime import UTC, datetime
from functools import partial

from bot.commands.talk import JsonShow, play
from bot.content import PACKAGE_FLOWS, load_screener, simulated_core
from bot.core.clock import VirtualClock
from bot.engine.loader import load_bundle
from bot.engine.model import Bundle
from bot.errors import CommandError
from bot.proof.fuzz import Target
from bot.proof.fuzz_content import content_targets
from bot.proof.fuzz_seeds import Mutator
from bot.proof.fuzz_targets import channel_targets
from bot.simulator import Simulator
from bot.turn import Screener

_LINES = (
    {"text": "سلام"}, {"press": "1"}, {"media": "voice"}, {"location": [35.7, 51.4]}, {"contact": "+989121112233"},
    {"wait_s": 60}, {"text": "میخوام خودمو بکشم"}, {"wait_s": 90000.5}, {"press": "yes"}, {"text": "پاک کن"}, {"text": "0"},
)  # fmt: skip


def all_targets() -> list[Target]:
    """Give every target that can be had on this machine."""
    bundle, _ = load_bundle(PACKAGE_FLOWS)
    assert bundle is not None
    replay = Target(
        name="replay",
        make=_make_lines,
        read=partial(_play, bundle, load_screener()),
        refusals=(CommandError,),
        cpu_s=1.0,
        short=60,
    )
    return [*channel_targets(), *content_targets(), replay]


def _make_lines(by: Mutator) -> bytes:
    lines = [by.json(_LINES) if by.rng.random() < 0.3 else json.dumps(by.rng.choice(_LINES)).encode() for _ in range(6)]
    return b"\n".join(line[:200_000] for line in lines)


def _play(bundle: Bundle, screener: Screener, lines: bytes) -> None:
    clock = VirtualClock(datetime(2026, 11, 22, 10, 0, tzinfo=UTC))
    core = simulated_core(bundle, screener, clock)
    try:
        play(lines, Simulator(core, clock), clock, JsonShow(io.StringIO()))
    finally:
        core.store.close()
