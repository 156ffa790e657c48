"""`panah flows check|read|format`: what needs the files of the scripts and nothing else.

Every problem is one line, `file:line:col: rule: what: how to mend`; exit code 1 when one of them is an error. The
loader, the rules, the walk through every state and the scripts' own talks are the same that stand before a publication.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bot.content import flows_of, load_screener
from bot.core.clock import TEHRAN
from bot.drafts import load_draft
from bot.engine.checks import CheckOptions, check_bundle
from bot.engine.format import format_flow
from bot.engine.issues import Issue, errors, issue
from bot.engine.loader import load_bundle
from bot.engine.model import Flow
from bot.engine.read import read_aloud
from bot.engine.spoken import spoken
from bot.errors import CommandError
from bot.languages import languages_of, missing, unreviewed
from bot.settings import read_settings
from bot.talks import run_talks
from bot.turn import Screener


def check(args: argparse.Namespace) -> int:
    """List every problem of a directory of scripts."""
    directory = directory_of(args.directory)
    languages = languages_of(read_settings())
    found = sorted([*check_directory(directory, load_screener()), *_untranslated(directory, languages)])
    for problem in found:
        _say(problem.render(args.lang))
    counts = {severity: sum(problem.severity == severity for problem in found) for severity in "EWN"}
    words = f"{counts['E']} errors, {counts['W']} warnings, {counts['N']} notes"
    print(f"panah: {directory}: {words}", file=sys.stderr)  # noqa: T201 - the terminal is this verb's business
    for sentence in unreviewed(languages):
        print(f"panah: {sentence}", file=sys.stderr)  # noqa: T201
    return 1 if counts["E"] else 0


def _untranslated(directory: Path, languages: tuple[str, ...]) -> Iterator[Issue]:
    """Give what cannot be said in a language on offer: an error where it is said in danger, else one line for all."""
    bundle, _ = load_draft(directory) if len(languages) > 1 else (None, [])
    if bundle is None:
        return
    total = sum(1 for _ in spoken(bundle))
    for language in languages:
        for where in missing(bundle, language):
            yield issue("missing_text", f"{where.partition('.')[0]}.yaml", (1, 1), name=where, language=language)
        lacking = len(missing(bundle, language, everything=True))
        if lacking:
            said = f"{lacking} of {total} texts are said in Persian"
            print(f"panah: {language}: {said}", file=sys.stderr)  # noqa: T201


def check_directory(directory: Path, screener: Screener) -> list[Issue]:
    """Give every problem of a directory of scripts; the walk and the talks wait until the files can be read."""
    bundle, issues = load_bundle(directory)
    if bundle is None:
        return issues
    today = datetime.now(UTC).astimezone(TEHRAN).date()
    options = CheckOptions(today=today, screen=screener.screen, is_explored=not errors(issues))
    found = {*issues, *check_bundle(bundle, options)}
    if not errors(list(found)):
        found.update(run_talks(bundle, screener))
    return sorted(found)


def read(args: argparse.Namespace) -> int:
    """Print a script as a page to read aloud."""
    path = Path(args.file)
    if not path.is_file():
        raise CommandError(f"there is no script {path}")
    bundle, issues = load_bundle(path.resolve().parent)
    flow: Flow | None = bundle.flows.get(path.stem) if bundle is not None else None
    if flow is None or bundle is None:
        first = next((found for found in errors(issues) if found.file == path.name), None)
        raise CommandError(f"{path} cannot be read as a script" + (f": {first.render('en')}" if first else ""))
    _say(read_aloud(flow, bundle.flows.get("always")).rstrip("\n"))
    return 0


def format_(args: argparse.Namespace) -> int:
    """Print a script the one way it is written, or write it back."""
    path = Path(args.file)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not UTF-8 text") from error
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}") from error
    written = format_flow(text)
    if not args.write:
        sys.stdout.write(written)
    elif written != text:
        _replace(path, written)
    return 0


def directory_of(name: str | None) -> Path:
    """Give the directory of scripts that is meant: the one named, or that of this installation.

    Raises:
        CommandError: there is no such directory.
    """
    directory = Path(name) if name else flows_of(read_settings())
    if not directory.is_dir():
        raise CommandError(f"{directory} is not a directory of scripts")
    return directory


def _replace(path: Path, text: str) -> None:
    """Write a file in one step, so that a crash leaves the old one."""
    staging = path.with_name(f".{path.name}.new")
    try:
        with staging.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        staging.chmod(path.stat().st_mode & 0o777)
        staging.replace(path)
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}") from error


def _say(line: str) -> None:
    print(line)  # noqa: T201 - the terminal is this verb's business
