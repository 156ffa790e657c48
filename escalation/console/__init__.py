"""The page that counsellors, supervisors and admins work in: `build_console(ConsoleDeps(...))` gives the application."""

from escalation.console.app import build_console
from escalation.console.deps import ConsoleDeps
from escalation.console.shell import NavEntry, Shell

__all__ = ["ConsoleDeps", "NavEntry", "Shell", "build_console"]
