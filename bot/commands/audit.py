"""`panah audit verify`: walk the chain of the audit from its first row to its last, beside whoever writes."""

import argparse
from pathlib import Path

from bot.anchors import read_anchors
from bot.errors import CommandError
from bot.settings import read_settings
from bot.store.audit import Head, Verdict, verify
from bot.store.crypto import load_keyring
from bot.store.opening import reading


def audit(args: argparse.Namespace) -> int:
    """Verify everything; exit code 1 when a row is not as it was written."""
    settings = read_settings()
    file = Path(args.anchors) if args.anchors else settings.anchor_file
    if args.anchors and not Path(args.anchors).is_file():
        raise CommandError(f"there is no file of anchors {args.anchors}")
    key = load_keyring(settings.key_path).audit_key
    anchors = known_anchors(file)
    with reading(settings.where) as connection:
        verdict = verify(connection, key, anchors)
    print(f"panah: {sentence(verdict, anchored=bool(anchors))}")  # noqa: T201 - the terminal is this verb's business
    return int(verdict.broken is not None)


def known_anchors(file: Path | None) -> list[Head]:
    """Give the anchors of a file; none when there is no such file.

    Raises:
        CommandError: it cannot be read.
    """
    try:
        return list(read_anchors(file)) if file is not None and file.exists() else []
    except OSError as error:
        raise CommandError(f"cannot read the anchors {file}: {error.strerror}") from error


def sentence(verdict: Verdict, *, anchored: bool) -> str:
    """Say what verifying found."""
    if verdict.broken is not None:
        return (
            f"row {verdict.broken} of the audit is the first that is not as it was written: {verdict.why};"
            " keep this database and its backups as they are and tell the inspector"
        )
    outside = "and agree with the anchors outside" if anchored else "; no anchor outside was compared"
    return f"all {verdict.rows} rows of the audit are as they were written{' ' if anchored else ''}{outside}"
