"""The words by which danger is heard, compiled once a process.

Whoever starts a long life loads them before anything else: compiling leaves holes of megabytes in memory, which what
is loaded later then fills. So nothing is imported here but triage.
"""

from functools import cache

from bot.triage import Screener, load_lexicon, load_model


@cache
def load_screener() -> Screener:
    """Compile the lexicon and read the model that come with the package."""
    return Screener(load_lexicon(), load_model())
