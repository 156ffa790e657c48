"""`panah …`: the verbs (design.md §4); their arguments are in bot.cli_arguments. Errors are one clear sentence, exit code 2.

Each verb's module is imported only when it is called, so that `panah triage` does not pay for a web server.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from bot.cli_arguments import ARGUMENTS

#: verb: (module and function, one line of help, an example)
VERBS: dict[str, tuple[str, str, str]] = {
    "run": ("bot.commands.start:run", "start everything on this machine", "panah run"),
    "serve": ("bot.commands.serve:serve", "start one role", "panah serve --role watch"),
    "chat": ("bot.commands.talk:chat", "talk with the bot in the terminal", "panah chat --channel sms"),
    "replay": ("bot.commands.talk:replay", "run one recorded conversation", "panah replay talk.jsonl --json"),
    "triage": ("bot.commands.triage:triage", "read danger in lines of text", "panah triage --json < lines.txt"),
    "model": (
        "bot.commands.model:model",
        "train the model beside the patterns, or measure what triage hears",
        "panah model measure",
    ),
    "flows": (
        "bot.commands.flows:flows",
        "check, diff, publish, roll back or extract the scripts",
        "panah flows check",
    ),
    "directory": (
        "bot.commands.directory:directory",
        "import places into the directory of services",
        "panah directory import places.csv",
    ),
    "staff": (
        "bot.commands.staff:staff",
        "add people who work in the console",
        "panah staff add sara --role counsellor",
    ),
    "doctor": ("bot.commands.doctor:doctor", "check the invariants and the configuration", "panah doctor"),
    "audit": ("bot.commands.audit:audit", "walk the audit's chain and name the first broken row", "panah audit verify"),
    "backup": ("bot.commands.backup:backup", "write a consistent copy of the database", "panah backup copy.db"),
    "restore": (
        "bot.commands.backup:restore",
        "put a backup in the place of an empty installation",
        "panah restore copy.db",
    ),
    "move": (
        "bot.commands.move:move",
        "copy the installation from SQLite to PostgreSQL",
        "panah move --to postgresql://panah@db.example/panah",
    ),
    "key": (
        "bot.commands.keys:key",
        "export the key file for escrow, or change the wrapping key",
        "panah key export escrow.json",
    ),
    "erase": (
        "bot.commands.erase:erase",
        "erase a person who asked for it on paper",
        "panah erase --case 12345 --by mina",
    ),
    "lock": ("bot.commands.locks:lock", "panic: drop every key from memory at once", "panah lock"),
    "unlock": ("bot.commands.locks:unlock", "end the panic lock", "panah unlock"),
    "sbom": ("bot.commands.sbom:sbom", "list what is installed, as CycloneDX JSON", "panah sbom panah.cdx.json"),
    "simulate-load": (
        "bot.commands.load:simulate_load",
        "reckon what a rush of people does to doors, bots and the queue",
        "panah simulate-load --people 1700000 --minutes 15",
    ),
    "bundle": (
        "bot.commands.bundle:bundle",
        "make one archive that installs without a network",
        "panah bundle panah.tar",
    ),
    "bench": ("bot.commands.bench:bench", "measure", "panah bench turns --peer aiogram"),
    "prove": ("bot.commands.prove:prove", "prove on this machine that nothing is lost", "panah prove --hours 1"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and give the exit code."""
    os.umask(0o077)  # whatever is written (database, log, copies) is its owner's only
    parser = _parser()
    args = parser.parse_args(argv)
    from bot.errors import CommandError  # noqa: PLC0415

    module, function = VERBS[args.verb][0].split(":")
    try:
        code: int = getattr(importlib.import_module(module), function)(args)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    except CommandError as error:
        return _refuse(str(error))
    except _known_errors() as error:
        return _refuse(str(error))
    return code


def _known_errors() -> tuple[type[Exception], ...]:
    from bot.settings import SettingsError  # noqa: PLC0415
    from bot.store.crypto import KeyFileError  # noqa: PLC0415
    from bot.store.migrate import FromTheFutureError  # noqa: PLC0415
    from bot.store.trouble import StoreBusyError, StoreUnwritableError  # noqa: PLC0415

    return (SettingsError, KeyFileError, StoreBusyError, StoreUnwritableError, FromTheFutureError)


def _refuse(sentence: str) -> int:
    print(f"panah: {sentence}", file=sys.stderr)  # noqa: T201 - the terminal is this function's business
    return 2


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"panah: {message}; see `{self.prog} --help`\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="panah", description="The conversational front door of the Social Emergency (line 123).")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=_Parser)
    for name, (_, summary, example) in VERBS.items():
        verb = verbs.add_parser(
            name, help=summary, description=summary.capitalize() + ".", epilog=f"Example: {example}"
        )
        ARGUMENTS.get(name, lambda _verb: None)(verb)
    return parser
