"""`panah flows …`: one function for each act. The acts are imported only when they are called."""

import argparse
import importlib

#: act: module and function
ACTS: dict[str, str] = {
    "check": "bot.commands.flows_check:check",
    "read": "bot.commands.flows_check:read",
    "format": "bot.commands.flows_check:format_",
    "extract": "bot.commands.flows_extract:extract",
    "diff": "bot.commands.flows_publish:diff",
    "publish": "bot.commands.flows_publish:publish",
    "rollback": "bot.commands.flows_publish:rollback",
}


def flows(args: argparse.Namespace) -> int:
    """Do one act on the scripts."""
    module, function = ACTS[args.act].split(":")
    code: int = getattr(importlib.import_module(module), function)(args)
    return code
