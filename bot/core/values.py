"""Values of which a turn makes dozens: frozen for the type checker, plain slots for the interpreter.

A frozen dataclass sets each field by a call, which costs three times the rest of making one. So nothing stops an
assignment at run time here; mypy does, which every commit must pass.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def value(*, kw_only: bool = False) -> Callable[[type[T]], type[T]]:
    """Make a class a dataclass with slots, equal and hashed by its fields, that nobody may change."""
    return dataclass(slots=True, unsafe_hash=True, kw_only=kw_only)
