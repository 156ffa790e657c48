"""The one exception that ends a verb or a start with a sentence for the person at the terminal, exit code 2."""


class CommandError(Exception):
    """What is wrong and what to do, in one clear sentence."""
