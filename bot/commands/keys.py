"""`panah key export`: a copy of the key file for escrow. Without it a backup is lost; with it everything can be read."""

import argparse
from pathlib import Path

from bot.commands.files import copy_private
from bot.settings import read_settings
from bot.store.crypto import load_keyring


def key(args: argparse.Namespace) -> int:
    """Copy the key file to a safe place, readable by its owner only."""
    settings = read_settings()
    load_keyring(settings.key_path)
    target = Path(args.file)
    copy_private(settings.key_path.read_bytes(), target)
    print(  # noqa: T201 - the terminal is this verb's business
        f"panah: the key is in {target}; keep it apart from the backups, where two persons can find it:"
        " whoever has both reads everything, and without it nobody reads anything"
    )
    return 0
