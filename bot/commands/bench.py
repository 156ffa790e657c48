"""`panah bench`: measure and print, as a table or JSON. Each part is imported only when it is asked for."""

import argparse
import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

from bot.bench.report import ROUNDS_LEAST, MissingRowsError, Report, table
from bot.errors import CommandError


def bench(args: argparse.Namespace) -> int:
    """Measure one thing. Exit code 1 when rows are missing, or when the gate is closed."""
    if args.rounds < ROUNDS_LEAST:
        raise CommandError(f"--rounds must be {ROUNDS_LEAST} or more: a median of fewer says nothing")
    try:
        report = _PARTS[args.what](args)
    except MissingRowsError as error:
        print(f"panah: {error}")  # noqa: T201 - the terminal is this verb's business
        return 1
    print(json.dumps(report, ensure_ascii=False) if args.json else table(report))  # noqa: T201
    return int(not report.get("gate", {}).get("open", True))


def _turns(args: argparse.Namespace) -> Report:
    from bot.bench.turns import Plan, run  # noqa: PLC0415

    return run(Plan(args.contacts, args.rounds, args.peer, args.store, args.doors))


def _webhook(args: argparse.Namespace) -> Report:
    from bot.bench.webhook import Plan, measure  # noqa: PLC0415

    return _on_uvloop(measure(Plan(rounds=args.rounds, contacts=args.contacts, peer=args.peer)))


def _escalation(args: argparse.Namespace) -> Report:
    from bot.bench.escalation import Plan, measure  # noqa: PLC0415

    return _on_uvloop(measure(Plan(rounds=args.rounds, per_s=args.rate or 500.0)))


def _console(args: argparse.Namespace) -> Report:
    from bot.bench.console import Plan, measure  # noqa: PLC0415

    return _on_uvloop(measure(Plan(rounds=args.rounds, share=args.share)))


def _triage(args: argparse.Namespace) -> Report:
    from bot.bench.triage import measure  # noqa: PLC0415

    return measure(rounds=args.rounds)


def _soak(args: argparse.Namespace) -> Report:
    from bot.bench.soak import Plan, measure  # noqa: PLC0415

    return _on_uvloop(measure(Plan(minutes=args.minutes, per_s=args.rate or 200.0)))


def _gate(args: argparse.Namespace) -> Report:
    from bot.bench import gate  # noqa: PLC0415

    if args.accept:
        report = gate.measure(gate.Plan())
        gate.accept(report)
        return gate.judged(report, gate.committed())
    return gate.look(gate.Plan(), gate.committed())


def _on_uvloop(measuring: Coroutine[Any, Any, Report]) -> Report:
    """Run on uvloop, as production does."""
    import uvloop  # noqa: PLC0415

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measuring)


_PARTS: dict[str, Callable[[argparse.Namespace], Report]] = {
    "turns": _turns,
    "webhook": _webhook,
    "escalation": _escalation,
    "console": _console,
    "triage": _triage,
    "soak": _soak,
    "gate": _gate,
}
