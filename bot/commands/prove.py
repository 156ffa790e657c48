"""`panah prove`: run the proof on this machine, in throw-away directories, and say what did not hold.

A few minutes by default; with --hours the time is divided among the parts. Nothing of an installation is touched.
Exit code 1 when a promise did not hold.
"""

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bot.commands.prove_parts import PARTS, Order
from bot.commands.prove_targets import all_targets
from bot.errors import CommandError
from bot.proof.fuzz import try_input
from bot.proof.part import PartReport, Progress
from bot.proof.report import NoTableError, Report, added_to, write_report


def prove(args: argparse.Namespace) -> int:
    """Run the parts that are asked for and report."""
    if args.input:
        return _one_input(args.input)
    if args.round is not None and args.only not in {"simulation", "kills"}:
        raise CommandError("--round goes with --only simulation or --only kills")
    names = [args.only] if args.only else list(PARTS)
    began_at, began = datetime.now(UTC), time.monotonic()
    parts = tuple(_run(name, names, args) for name in names)
    report = Report(
        began_at=began_at,
        seed=args.seed,
        version=version("panah"),
        took_s=time.monotonic() - began,
        parts=parts,
    )
    _keep(report, args)
    _say(json.dumps(report.as_json(), ensure_ascii=False) if args.json else report.as_markdown().rstrip())
    return int(report.breaches > 0)


def _run(name: str, names: list[str], args: argparse.Namespace) -> PartReport:
    run, share = PARTS[name]
    whole = sum(PARTS[one][1] for one in names)
    until = time.monotonic() + args.hours * 3600 * share / whole if args.hours else None
    try:
        return run(Order(seed=args.seed, until=until, only=args.round, tell=_progress(name)))
    finally:
        _clear()


def _keep(report: Report, args: argparse.Namespace) -> None:
    try:
        if args.report:
            write_report(report, args.report)
        if args.add_to:
            document = Path(args.add_to)
            document.write_text(added_to(document.read_text("utf-8"), report), "utf-8")
    except NoTableError as error:
        raise CommandError(str(NoTableError.__doc__)) from error
    except OSError as error:
        raise CommandError(f"cannot write the report: {error.strerror}") from error


def _one_input(named: str) -> int:
    """Make one fuzzed input again and say how it ends."""
    name, _, place = named.partition(":")
    seed, _, number = place.partition(":")
    target = next((target for target in all_targets() if target.name == name), None)
    if target is None or not (seed.isdecimal() and number.isdecimal()):
        raise CommandError("--input is TARGET:SEED:NUMBER, as a report names it")
    outcome = try_input(target, int(seed), int(number))
    _say(outcome.fault or ("refused, as it should be" if outcome.refused else "read"))
    return int(bool(outcome.fault))


def _progress(name: str) -> Progress:
    """Tell a person at a terminal how far it is; a pipe gets only the report."""
    if not sys.stderr.isatty():
        return lambda _said: None
    return lambda said: print(f"\r\x1b[K{name}: {said}", end="", file=sys.stderr, flush=True)  # noqa: T201


def _clear() -> None:
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)  # noqa: T201


def _say(text: str) -> None:
    print(text)  # noqa: T201 - the terminal is this verb's business
