"""`panah triage`: one message a line on standard input, one verdict a line on standard output."""

import argparse
import json
import sys

from bot.content import load_screener
from bot.triage import to_json


def triage(args: argparse.Namespace) -> int:
    """Read danger in lines of text."""
    screener = load_screener()
    for raw in sys.stdin.buffer:
        text = raw.decode("utf-8", "replace").rstrip("\r\n")
        verdict = to_json(text, screener.screen(text))
        if args.json:
            sys.stdout.write(json.dumps(verdict, ensure_ascii=False) + "\n")
        else:
            why = "، ".join(dict.fromkeys(found["why"] for found in verdict["evidence"]))
            band = verdict["tier"] or ("ask" if verdict["soft"] else "-")
            sys.stdout.write(f"{band}\t{','.join(verdict['kinds']) or '-'}\t{why}\t{text}\n")
    return 0
