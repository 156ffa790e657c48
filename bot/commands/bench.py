"""`panah bench`: measure and print, as a table or JSON."""

import argparse
import json
from typing import Any

from bot.bench.turns import Plan, run


def bench(args: argparse.Namespace) -> int:
    """Measure durable turns a second beside a peer."""
    report = run(Plan(args.contacts, args.rounds, args.peer))
    if args.json:
        print(json.dumps(report))  # noqa: T201
        return 0
    for name, value in report.items():
        print(name)  # noqa: T201
        for key, figure in value.items():
            print(f"  {key:24} {_shown(figure)}")  # noqa: T201
    return 0


def _shown(figure: Any) -> str:
    if isinstance(figure, dict):
        return f"{figure['median']:>12,.2f}   [{figure['min']:,.2f} - {figure['max']:,.2f}]"
    return f"{figure:>12,.2f}" if isinstance(figure, float) else f"{figure:>12}"
