"""`panah serve`: one role beside a running Panah. Each role imports only what it needs: small processes stay small."""

import argparse
import os
import signal

from bot.settings import read_settings


def serve(args: argparse.Namespace) -> int:
    """Start one role."""
    # until its loop listens; an exception may be swallowed where it falls, and what a kill leaves behind is proved
    signal.signal(signal.SIGTERM, lambda _signal, _frame: os._exit(0))
    settings = read_settings()
    if args.role == "watch":
        from bot.commands.watch import run_watch  # noqa: PLC0415 - the alert loop brings no library of the others

        run_watch(settings, with_parent=args.with_parent)
        return 0
    if args.role != "staffbot":
        from bot.commands.roles import run_role  # noqa: PLC0415
        from bot.locking import wait_until_unlocked  # noqa: PLC0415

        wait_until_unlocked(settings)
        return run_role(settings, args.role)
    from bot.commands.staffbot import end_with_parent, run_staffbot  # noqa: PLC0415

    if args.with_parent:
        end_with_parent()
    run_staffbot(settings)
    return 0
