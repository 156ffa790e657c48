"""One slip from an example cry: letters dropped, added, swapped or mistyped anywhere in a short clause.

A look-up by deletions, so its cost is the clause's length and not the number of examples.
"""

from collections.abc import Mapping

from bot.core.text import edit_distance, squash


def near_example(examples: Mapping[str, str], key: str) -> str | None:
    """Give the example that a spaceless key spells with at most one slip, None when there is none."""
    found = examples.get(key)
    if found is not None and edit_distance(key, squash(found)) <= 1:
        return found
    for at in range(len(key)):
        found = examples.get(key[:at] + key[at + 1 :])
        if found is not None and edit_distance(key, squash(found)) <= 1:
            return found
    return None
