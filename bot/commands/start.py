"""`panah run` by way of its words: they are compiled before all the rest is loaded (bot.words)."""

import argparse

from bot.memory import keep_few_heaps
from bot.words import load_screener


def run(args: argparse.Namespace) -> int:
    """Start everything on this machine."""
    keep_few_heaps()
    load_screener()
    from bot.commands import service  # noqa: PLC0415 - what it loads fills the holes

    return service.run(args)
