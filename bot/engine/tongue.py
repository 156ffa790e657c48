"""A language as scripts write it (a key: `fa_af`) and as the web does (`fa-AF`)."""


def language_code(key: str) -> str:
    """Give the web's name of a script's key."""
    name, _, region = key.partition("_")
    return f"{name}-{region.upper()}" if region else name


def language_key(code: str) -> str:
    """Give the key by which scripts name a language."""
    return code.replace("-", "_").lower()
