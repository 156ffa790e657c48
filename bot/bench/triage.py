"""What hearing danger costs: lines a second on one core, the longest texts, memory and time of the start.

The lines are the scripts' own texts, cut into everyday lengths, with a word in each that makes it a new one (what was
read before is remembered); the long texts are made of letters, marks and danger words in any order.
"""

import gc
import json
import os
import random
import subprocess
import sys
import time
from typing import Any

from bot.bench.report import Report, machine, must_be, percentile, spread
from bot.content import PACKAGE_FLOWS, load_or_refuse
from bot.engine.codec import bundle_to_json
from bot.triage import Screener, load_lexicon, load_model

_LETTERS = "اآبپتثجچحخدذرزژسشصضطظعغفقکگلمنوهیئءًٌَُِّْ‌ـ ۰۱۲۳٤٥a!؟.،\n😀\u200f"
_DANGER = ("خودکشی", "کتکم", "زد", "بکشم", "خودمو", "قرص", "خوردم", "چاقو", "بچه", "دیگه", "نمی‌تونم", "مرگ", "شوهرم")
_LONG, _LONGEST = 300, 4096
_START = """
import json, resource, time
def rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6
import bot.triage
before, begun = rss(), time.process_time()
screener = bot.triage.Screener(bot.triage.load_lexicon(), bot.triage.load_model())
screener.screen("سلام، حالم خوب نیست")
print(json.dumps({"mb": rss() - before, "ms": (time.process_time() - begun) * 1000}))
"""


def measure(*, rounds: int = 5, lines: int = 4_000) -> Report:
    """Run everything and give the report."""
    lexicon, texts = load_lexicon(), _texts()
    chance = random.Random(3)  # noqa: S311 - made-up lines, the same in each run
    report: Report = {"machine": machine()}
    kinds = {
        "everyday_lines": [_everyday(texts, chance, number) for number in range(lines)],
        "300_characters": [_cut(texts, chance, _LONG, number) for number in range(max(20, lines // 10))],
        "4096_of_anything": [_anything(chance, number) for number in range(max(8, lines // 40))],
    }
    for name, made in kinds.items():
        screeners = [Screener(lexicon, load_model()) for _ in range(rounds)]
        gc.collect()
        gc.freeze()  # as `panah run` does once it has started: else the collector walks the lexicon while one is heard
        report[name] = _timed(screeners, made)
    starts = [_start() for _ in range(min(rounds, 5))]
    report["start"] = {key: spread([found[key] for found in starts]) for key in ("mb", "ms")}
    return report


def _timed(screeners: list[Screener], made: list[str]) -> dict[str, Any]:
    """Screen all texts by each screener; a fresh one remembers nothing."""
    per_s, p50, p99 = [], [], []
    for screener in screeners:
        took: list[float] = []
        begun = time.thread_time()
        for text in made:
            one = time.perf_counter()
            screener.screen(text)
            took.append(time.perf_counter() - one)
        per_s.append(len(made) / (time.thread_time() - begun))
        must_be(len(made), len(took), "texts")
        took.sort()
        p50.append(percentile(took, 0.5) * 1000)
        p99.append(percentile(took, 0.99) * 1000)
    return {"texts": len(made), "per_cpu_s": spread(per_s), "p50_ms": spread(p50), "p99_ms": spread(p99)}


def _texts() -> list[str]:
    """Give every text of the scripts."""
    found: list[str] = []

    def walk(node: Any) -> None:
        match node:
            case dict():
                for value in node.values():
                    walk(value)
            case list():
                for value in node:
                    walk(value)
            case str() if " " in node:
                found.append(node)

    walk(json.loads(bundle_to_json(load_or_refuse(PACKAGE_FLOWS))))
    return found


def _everyday(texts: list[str], chance: random.Random, number: int) -> str:
    words = chance.choice(texts).split()
    at = chance.randrange(len(words))
    return f"{' '.join(words[at : at + chance.randint(3, 14)])} {number}"


def _cut(texts: list[str], chance: random.Random, size: int, number: int) -> str:
    made = str(number)
    while len(made) < size:
        made += " " + chance.choice(texts)
    return made[:size]


def _anything(chance: random.Random, number: int) -> str:
    made = [str(number)]
    size = len(made[0])
    while size < _LONGEST:
        word = (
            chance.choice(_DANGER)
            if chance.random() < 0.3
            else "".join(chance.choices(_LETTERS, k=chance.randint(1, 9)))
        )
        made.append(word)
        size += len(word) + 1
    return " ".join(made)[:_LONGEST]


def _start() -> dict[str, float]:
    """Give what a process pays that has a screener, in megabytes and milliseconds of CPU."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(  # noqa: S603 - our own text
        [sys.executable, "-c", _START], env=environment, capture_output=True, check=True, timeout=60
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found
