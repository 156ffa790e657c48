"""`panah erase`: a person asked on paper, or at the desk, that everything of hers be erased."""

import argparse

from bot.commands.acts import do
from bot.settings import read_settings


def erase(args: argparse.Namespace) -> int:
    """Destroy a contact's key, found by the code of a closed case or by her id."""
    count = do(read_settings(), "erase", case=args.case or "", contact=args.contact or "", by=args.by)
    print(  # noqa: T201 - the terminal is this verb's business
        f"panah: erased {count} contact: her key is destroyed; restored backups erase her again"
    )
    return 0
