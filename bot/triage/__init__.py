"""Danger triage: text in, Screening out. Pure, deterministic, explained; knows no channel, session or clock.

`Screener(load_lexicon(), load_model())` once, then `screener.screen(text, earlier)`.
"""

from bot.triage.lexfile import LexiconError
from bot.triage.lexicon import Lexicon, load_lexicon
from bot.triage.model import Model, load_model
from bot.triage.screener import Screener, to_json

__all__ = ["Lexicon", "LexiconError", "Model", "Screener", "load_lexicon", "load_model", "to_json"]
