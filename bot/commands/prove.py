"""`panah prove`: run the proof on this machine, in throw-away directories, and say what did not hold.

A few minutes by default; with --hours the time is divided among the parts. Nothing of an installation is touched.
Exit code 1 when a promise did not hold.
"""

import argparse
import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bot.commands.prove_parts import KILLS, PARTS, Order
from bot.commands.prove_progress import clear, progress_of
from bot.commands.prove_targets import all_targets
from bot.errors import CommandError
from bot.proof.fuzz import try_input, where
from bot.proof.part import Found, PartReport
from bot.proof.report import NoTableError, Report, added_to, table_of, write_report


def prove(args: argparse.Namespace) -> int:
    """Run the parts that are asked for and report."""
    if args.input:
        return _one_input(args.input)
    if args.round is not None and args.only not in {"simulation", *KILLS}:
        raise CommandError("--round goes with --only simulation, kills, kills-postgres or kills-redis")
    if args.add_to:
        _add(args.add_to, None)  # a document without a table is refused now, not in eight hours
    report = _all_parts([args.only] if args.only else list(PARTS), args)
    if args.add_to:
        _add(args.add_to, report)
    _say(json.dumps(report.as_json(), ensure_ascii=False) if args.json else report.as_markdown().rstrip())
    return int(report.breaches > 0)


def _all_parts(names: list[str], args: argparse.Namespace) -> Report:
    """Run one part after the other; the report is written after each, so that a run that is ended is not for nothing."""
    report = Report(began_at=datetime.now(UTC), seed=args.seed, version=version("panah"), took_s=0.0, parts=())
    began = time.monotonic()
    for name in names:
        part = _run(name, names, args)
        report = replace(report, took_s=time.monotonic() - began, parts=(*report.parts, part))
        if args.report:
            _write(report, args.report)
    return report


def _run(name: str, names: list[str], args: argparse.Namespace) -> PartReport:
    """Run one part; whatever goes wrong with it is a breach in its report, and the next part runs."""
    run, share = PARTS[name]
    whole = sum(PARTS[one][1] for one in names)
    began = time.monotonic()
    until = began + args.hours * 3600 * share / whole if args.hours else None
    try:
        return run(Order(seed=args.seed, until=until, only=args.round, tell=progress_of(name, until)))
    except Exception as error:  # noqa: BLE001 - the parts behind it have something to say too
        replay = f"panah prove --only {name} --seed {args.seed}"
        broken = Found(said=f"the part broke off: {where(error)}", replay=replay)
        return PartReport(name=name, seed=args.seed, took_s=time.monotonic() - began, breaches=(broken,))
    finally:
        clear()


def _write(report: Report, stem: str) -> None:
    try:
        write_report(report, stem)
    except OSError as error:
        raise CommandError(f"cannot write the report: {error.strerror}") from error


def _add(name: str, report: Report | None) -> None:
    """Add a run to the table of a document; without a run only see that there is one."""
    document = Path(name)
    try:
        text = document.read_text("utf-8")
        if report is None:
            table_of(text)
        else:
            document.write_text(added_to(text, report), "utf-8")
    except NoTableError as error:
        raise CommandError(str(NoTableError.__doc__)) from error
    except OSError as error:
        raise CommandError(f"cannot add to the document: {error.strerror}") from error


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


def _say(text: str) -> None:
    print(text)  # noqa: T201 - the terminal is this verb's business
