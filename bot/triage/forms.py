"""Every known word form with its tags, in two arrays instead of a hundred thousand strings: a twelfth of the memory.

A form is found by its hash, so it is never given back: the lower half of the hash says where it stands, the upper half
which it is. Of two forms with one hash one would be taken for the other, which no hundred thousand words will see.
"""

from array import array
from collections.abc import Iterable

from bot.triage.lexfile import LexiconError

#: Slots: more than three fifths of them full, and each look-up would take several steps.
_SLOTS = 1 << 18
_FULL = _SLOTS * 3 // 5
_LAST = _SLOTS - 1
#: Among the values: this form is common. Above it the number of its mask.
_COMMON = 1
_UPPER = 32


class Forms:
    """A mapping from forms to masks that never shrinks. Reading it is a little slower than reading a dict."""

    __slots__ = ("_count", "_masks", "_names", "_numbers", "_values")

    def __init__(self) -> None:
        self._count = 0
        self._masks: list[int] = []
        self._numbers: dict[int, int] = {}
        self._names = array("i", bytes(4 * _SLOTS))
        self._values = array("H", bytes(2 * _SLOTS))

    def __len__(self) -> int:
        return self._count

    def __contains__(self, form: str) -> bool:
        return self._names[self._slot(form)] != 0

    def get(self, form: str) -> int | None:
        """Give the mask of a form; None for one that is not known, 0 for a known one without a tag."""
        at = self._slot(form)
        return self._masks[self._values[at] >> 1] if self._names[at] else None

    def __getitem__(self, form: str) -> int:
        mask = self.get(form)
        if mask is None:
            raise KeyError
        return mask

    def common_among(self, forms: Iterable[str]) -> list[str]:
        """Give those of some forms that others may be a slip of, in their order; one loop, since a slip has hundreds."""
        names, values = self._names, self._values
        found: list[str] = []
        for form in forms:
            hashed = hash(form)
            wanted = hashed >> _UPPER or 1
            at = hashed & _LAST
            while (there := names[at]) != wanted and there:
                at = at + 1 & _LAST
            if there and values[at] & _COMMON:
                found.append(form)
        return found

    def add(self, form: str, mask: int, *, common: bool = False) -> bool:
        """Add a mask to what a form has already; True when that made it common.

        Raises:
            LexiconError: there is no room for one more.
        """
        at = self._slot(form)
        if not self._names[at]:
            if self._count >= _FULL:
                raise LexiconError(f"more than {_FULL} word forms: double the slots of {__name__}")
            self._names[at] = hash(form) >> _UPPER or 1
            self._values[at] = self._number(mask) << 1
            self._count += 1
        value = self._values[at]
        there = self._masks[value >> 1] | mask
        self._values[at] = self._number(there) << 1 | value & _COMMON | common
        return common and not value & _COMMON

    def _slot(self, form: str) -> int:
        """Give where a form stands, or would stand."""
        hashed = hash(form)
        wanted = hashed >> _UPPER or 1
        names = self._names
        at = hashed & _LAST
        while (found := names[at]) != wanted and found:
            at = at + 1 & _LAST
        return at

    def _number(self, mask: int) -> int:
        number = self._numbers.get(mask)
        if number is None:
            number = self._numbers[mask] = len(self._masks)
            self._masks.append(mask)
        return number
