"""Danger triage: text in, Screening out. Pure, deterministic, explained; knows no channel, session or clock.

`load_lexicon()` once, then `Screener(lexicon).screen(text, earlier)`.
"""

from bot.triage.lexfile import LexiconError
from bot.triage.lexicon import Lexicon, load_lexicon
from bot.triage.screener import Screener, to_json

__all__ = ["Lexicon", "LexiconError", "Screener", "load_lexicon", "to_json"]
