"""Named crash points of the one path (reliability.md §2: W1-W4, E1-E6, O1-O4 …).

`fault("E4")` does nothing until a test or `panah prove` arms a hook; then it may kill the process right there.
"""

from collections.abc import Callable

_hook: Callable[[str], None] | None = None


def arm(hook: Callable[[str], None] | None) -> None:
    """Install what a crash point does; None makes all of them no-ops again."""
    global _hook  # noqa: PLW0603 - one process-wide switch, off in production
    _hook = hook


def fault(point: str) -> None:
    """Pass a crash point."""
    if _hook is not None:
        _hook(point)
