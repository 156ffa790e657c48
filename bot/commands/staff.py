"""`panah staff add`: an account and the one-time link with which its owner sets a password.

`panah staff second-off`: the only admin has lost phone and recovery codes.
"""

import argparse

from bot.commands.acts import do
from bot.core.provinces import PROVINCES
from bot.errors import CommandError
from bot.settings import read_settings
from escalation.policy import ROLES


def staff(args: argparse.Namespace) -> int:
    """Make an account and print its link, or take a second factor away."""
    settings = read_settings()
    if args.act == "second-off":
        do(settings, "second_off", username=args.username)
        print(f"panah: the second factor of {args.username} is gone; her sign-ins ended")  # noqa: T201 - as below
        return 0
    strange = [role for role in args.role if role not in ROLES]
    if strange:
        raise CommandError(f"there is no role {strange[0]}; the roles are {', '.join(ROLES)}")
    if args.province and args.province not in PROVINCES:
        raise CommandError(
            f"there is no province {args.province}; write a code such as IR-23, or none for the national desk"
        )
    roles = list(dict.fromkeys(args.role))
    code = do(settings, "staff_add", username=args.username, name=args.name, roles=roles, province=args.province)
    print(f"{settings.console_address}/invite/{code}")  # noqa: T201 - what was asked for
    return 0
