"""`panah key export`: a copy of the key file for escrow. Without it a backup is lost; with it everything can be read.

`panah key rotate`: a fresh wrapping key, while everything runs.
"""

import argparse
from pathlib import Path

from bot.commands.acts import do
from bot.commands.files import copy_private
from bot.settings import read_settings
from bot.store.crypto import load_keyring


def key(args: argparse.Namespace) -> int:
    """Do one of the acts."""
    return rotate() if args.act == "rotate" else export(args)


def rotate() -> int:
    """Change the wrapping key; safe to interrupt and to run again."""
    settings = read_settings()
    count = do(settings, "rotate_key")
    print(  # noqa: T201 - the terminal is this verb's business
        f"panah: {count} keys are wrapped by a fresh wrapping key; export it now: `panah key export FILE`."
        " Backups from before open only with the old escrow copy (`panah restore --old-key`):"
        " keep it until the last of them is deleted"
    )
    return 0


def export(args: argparse.Namespace) -> int:
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
