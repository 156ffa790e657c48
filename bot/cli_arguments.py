"""The arguments of each verb of `panah`, with a line of help and an example; what they mean is its module's business."""

import argparse
from collections.abc import Callable


def _talk(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--channel", choices=("web", "telegram", "bale", "sms"), default="web")


def _replay(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("file", help="a file of JSON lines, or - for standard input")
    _talk(verb)
    verb.add_argument("--at", help="when it begins, such as 2026-11-22T03:00+03:30")
    verb.add_argument("--json", action="store_true", help="one JSON object a line")


def _serve(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--role", required=True, choices=("door", "poller", "sender", "console", "staffbot", "watch"))
    verb.add_argument(
        "--with-parent", action="store_true", help="standard input is the parent's: its end is the parent's"
    )


def _run(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--alert-command", metavar="PROGRAM", help="run for each alert (PANAH_ALERT_COMMAND)")


def _model(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("act", choices=("train", "measure"))
    verb.add_argument("--ordinary", help="a file of ordinary texts nobody trained on (a line each, or JSON with text)")


def _triage(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--json", action="store_true", help="one JSON object a line")


def _acts(verb: argparse.ArgumentParser) -> Callable[[str, str, str], argparse.ArgumentParser]:
    """Give a maker of a verb's acts: name, one line of help, an example."""
    acts = verb.add_subparsers(dest="act", required=True, metavar="ACT")

    def add(name: str, summary: str, example: str) -> argparse.ArgumentParser:
        return acts.add_parser(name, help=summary, description=f"{summary.capitalize()}.", epilog=f"Example: {example}")

    return add


def _flows(verb: argparse.ArgumentParser) -> None:
    add = _acts(verb)
    check = add(
        "check", "list every problem as file:line:col: rule: what: how to mend", "panah flows check bot/flows --lang en"
    )
    check.add_argument("directory", nargs="?", help="default: the scripts of this installation")
    check.add_argument("--lang", choices=("fa", "en"), default="fa")
    read = add("read", "print a script as a page to read aloud", "panah flows read bot/flows/violence.yaml")
    read.add_argument("file")
    format_ = add("format", "write a script with one key a line", "panah flows format --write var/flows/welcome.yaml")
    format_.add_argument("file")
    format_.add_argument("--write", action="store_true", help="write it back instead of printing it")
    add("diff", "show what the drafts change against the published version", "panah flows diff")
    publish = add(
        "publish",
        "publish the drafts; scripts with danger tags need a second person",
        "panah flows publish --author sara --by mina --accept-warnings",
    )
    publish.add_argument("--by", required=True, help="who publishes (account name)")
    publish.add_argument("--author", required=True, help="who wrote the change (account name)")
    publish.add_argument("--note", default="")
    publish.add_argument("--accept-warnings", action="store_true")
    rollback = add(
        "rollback", "go back to an earlier version at once", 'panah flows rollback --by mina --reason "a wrong number"'
    )
    rollback.add_argument("version", nargs="?", help="default: the one before")
    rollback.add_argument("--by", required=True)
    rollback.add_argument("--reason", required=True)
    extract = add("extract", "write the gettext catalogue of the scripts", "panah flows extract bot/flows")
    extract.add_argument("directory", nargs="?", help="default: the scripts of this installation")
    extract.add_argument("--to", help="a file, or - for standard output; default: every catalogue in locales")
    extract.add_argument("--language", help="only that language's catalogue, a new one too: ckb, fa-AF")


def _directory(verb: argparse.ArgumentParser) -> None:
    add = _acts(verb)
    import_ = add(
        "import",
        "say what a CSV file of places would change; with --write, do it",
        "panah directory import places.csv --write",
    )
    import_.add_argument("file", help="UTF-8; columns type, province, city, neighbourhood, name, phone, hours, …")
    import_.add_argument("directory", nargs="?", help="default: the scripts of this installation")
    import_.add_argument("--write", action="store_true", help="write it; without it nothing changes")


def _staff(verb: argparse.ArgumentParser) -> None:
    acts = _acts(verb)
    off = acts("second-off", "take a lost second factor away", "panah staff second-off sara")
    off.add_argument("username")
    add = acts("add", "make an account and print its one-time link", "panah staff add sara --role counsellor")
    add.add_argument("username")
    add.add_argument("--name", default="")
    add.add_argument("--role", action="append", required=True, help="may be given more than once")
    add.add_argument("--province", default="", help="a code such as IR-23; empty is the national desk")


def _backup(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("file")


def _restore(verb: argparse.ArgumentParser) -> None:
    _backup(verb)
    verb.add_argument("--replace", action="store_true", help="move the database that is there aside")
    verb.add_argument("--check", action="store_true", help="only try whether it could be restored; nothing is touched")
    verb.add_argument("--old-key", metavar="FILE", help="the key file from before `panah key rotate`")


def _move(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--to", required=True, metavar="ADDRESS", help="the address of an empty PostgreSQL database")
    verb.add_argument(
        "--ahead", action="store_true", help="copy while Panah runs; the last part follows when it is stopped"
    )


def _key(verb: argparse.ArgumentParser) -> None:
    add = _acts(verb)
    export = add("export", "copy the key file to a safe place", "panah key export /media/escrow/panah.key")
    export.add_argument("file")
    add("rotate", "change the wrapping key while everything runs; safe to run again", "panah key rotate")


def _erase(verb: argparse.ArgumentParser) -> None:
    who = verb.add_mutually_exclusive_group(required=True)
    who.add_argument("--case", help="the code of her case; it must be closed")
    who.add_argument("--contact", help="her id")
    verb.add_argument("--by", required=True, help="who decided it, for the audit")


def _lock(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--escrow", metavar="FILE", help="take the key file off this machine too; FILE is its copy")


def _unlock(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--key", metavar="FILE", help="put the key file back from its escrow copy first")


def _audit(verb: argparse.ArgumentParser) -> None:
    walk = _acts(verb)("verify", "walk the whole chain", "panah audit verify --anchors /mnt/usb/panah.anchors")
    walk.add_argument("--anchors", metavar="FILE", help="default: PANAH_ANCHOR_FILE")


def _sbom(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("file", nargs="?", help="a new file; default: standard output")
    verb.add_argument("--lock", default="requirements.lock", help="where the hashes stand")


def _bundle(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("file", help="a new file")
    verb.add_argument("--wheels", metavar="DIR", help="wheels that were fetched before; default: pip fetches them")


def _load(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--people", type=int, default=1_700_000, help="how many begin")
    verb.add_argument("--minutes", type=float, default=15.0, help="within which time")
    verb.add_argument("--turns", type=int, default=12, help="turns of a dialogue, all within that time")
    verb.add_argument("--urgent", type=float, default=0.002, help="share that becomes a T1 case")
    verb.add_argument("--important", type=float, default=0.008, help="share that becomes a T2 case")
    verb.add_argument("--counsellors", type=int, default=100)
    verb.add_argument("--at-once", type=int, default=3, help="talks a counsellor has at once")
    verb.add_argument("--talk-minutes", type=float, default=20.0, help="mean length of a talk")
    verb.add_argument("--door-turns", type=float, default=2991.0, help="turns a second of one door, as measured")
    verb.add_argument("--bot-turns", type=float, default=1000.0, help="messages a second of one bot")
    verb.add_argument("--seed", type=int, default=1)
    verb.add_argument("--json", action="store_true")


def _doctor(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--json", action="store_true")
    verb.add_argument("--all", action="store_true", help="every row and every page, however long it takes")


def _bench(verb: argparse.ArgumentParser) -> None:
    what = ("turns", "webhook", "escalation", "console", "triage", "soak", "gate")
    verb.add_argument("what", choices=what)
    verb.add_argument("--rounds", type=int, default=5, help="5 or more; medians are quoted")
    verb.add_argument("--peer", choices=("aiogram", "none"), default="aiogram", help="turns, webhook")
    verb.add_argument("--contacts", type=int, default=200, help="turns, webhook: dialogues a round")
    verb.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite", help="turns")
    verb.add_argument("--doors", type=int, default=2, help="turns on postgres: processes beside one")
    verb.add_argument("--share", type=float, default=1.0, help="console: 1 is a million closed cases")
    verb.add_argument("--minutes", type=float, default=1.0, help="soak")
    verb.add_argument("--rate", type=float, help="escalation, soak: messages a second")
    verb.add_argument("--accept", action="store_true", help="gate: write the new number")
    verb.add_argument("--json", action="store_true")


def _prove(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--hours", type=float, default=0.0, help="the long form; default: a few minutes")
    verb.add_argument("--seed", type=int, default=1)
    parts = ("simulation", "kills", "kills-postgres", "kills-redis", "faults", "faults-postgres", "fuzz", "drills")
    verb.add_argument("--only", choices=parts, help="one part")
    verb.add_argument("--round", type=int, help="one simulation or one kill again, by its number")
    verb.add_argument("--input", metavar="TARGET:SEED:NUMBER", help="make one fuzzed input again")
    verb.add_argument("--report", metavar="FILE", help="write FILE.md and FILE.json")
    verb.add_argument("--add-to", metavar="FILE", help="add the run to the table of a document")
    verb.add_argument("--json", action="store_true", help="the report as JSON instead of a page")


#: What is added to the parser of each verb that takes arguments.
ARGUMENTS = {
    "run": _run,
    "chat": _talk,
    "replay": _replay,
    "serve": _serve,
    "triage": _triage,
    "model": _model,
    "flows": _flows,
    "directory": _directory,
    "staff": _staff,
    "audit": _audit,
    "backup": _backup,
    "restore": _restore,
    "move": _move,
    "key": _key,
    "erase": _erase,
    "lock": _lock,
    "unlock": _unlock,
    "doctor": _doctor,
    "sbom": _sbom,
    "bundle": _bundle,
    "simulate-load": _load,
    "bench": _bench,
    "prove": _prove,
}
