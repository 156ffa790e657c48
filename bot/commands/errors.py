"""The one exception a verb ends with when the person at the terminal can mend something: a sentence, exit code 2."""


class CommandError(Exception):
    """What is wrong and what to do, in one clear sentence."""
