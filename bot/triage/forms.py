"""Every known word form with its tags, in two arrays instead of a hundred thousand strings: an eighth of the memory.

A form is found by its hash, so it is never given back; of two forms with one 64-bit hash one would be taken for the
other, which no hundred thousand words will see.
"""

from array import array
from collections.abc import Iterable

#: Slots to begin with; more than half of them full, and there are twice as many.
_SLOTS = 1 << 18
#: Among the values: this form is common. Above it the number of its mask.
_COMMON = 1


class Forms:
    """A mapping from forms to masks that grows and never shrinks. Reading it is a little slower than reading a dict."""

    __slots__ = ("_count", "_hashes", "_last", "_masks", "_numbers", "_values")

    def __init__(self) -> None:
        self._count = 0
        self._masks: list[int] = []
        self._numbers: dict[int, int] = {}
        self._make(_SLOTS)

    def __len__(self) -> int:
        return self._count

    def __contains__(self, form: str) -> bool:
        return self._hashes[self._slot(form)] != 0

    def get(self, form: str) -> int | None:
        """Give the mask of a form; None for one that is not known, 0 for a known one without a tag."""
        at = self._slot(form)
        return self._masks[self._values[at] >> 1] if self._hashes[at] else None

    def __getitem__(self, form: str) -> int:
        mask = self.get(form)
        if mask is None:
            raise KeyError
        return mask

    def common_among(self, forms: Iterable[str]) -> list[str]:
        """Give those of some forms that others may be a slip of, in their order; one loop, since a slip has hundreds."""
        hashes, values, last = self._hashes, self._values, self._last
        found: list[str] = []
        for form in forms:
            wanted = hash(form) or 1
            at = wanted & last
            while (there := hashes[at]) != wanted and there:
                at = at + 1 & last
            if there and values[at] & _COMMON:
                found.append(form)
        return found

    def add(self, form: str, mask: int, *, common: bool = False) -> bool:
        """Add a mask to what a form has already; True when that made it common."""
        at = self._slot(form)
        if not self._hashes[at]:
            self._count += 1
            self._hashes[at] = hash(form) or 1
            self._values[at] = self._number(mask) << 1
            if self._count * 2 > self._last:
                self._grow()
                at = self._slot(form)
        value = self._values[at]
        there = self._masks[value >> 1] | mask
        self._values[at] = self._number(there) << 1 | value & _COMMON | common
        return common and not value & _COMMON

    def _slot(self, form: str) -> int:
        """Give where a form stands, or would stand."""
        wanted = hash(form) or 1
        hashes, last = self._hashes, self._last
        at = wanted & last
        while (found := hashes[at]) != wanted and found:
            at = at + 1 & last
        return at

    def _number(self, mask: int) -> int:
        number = self._numbers.get(mask)
        if number is None:
            number = self._numbers[mask] = len(self._masks)
            self._masks.append(mask)
        return number

    def _make(self, slots: int) -> None:
        self._last = slots - 1
        self._hashes = array("q", bytes(8 * slots))
        self._values = array("H", bytes(2 * slots))

    def _grow(self) -> None:
        old = list(zip(self._hashes, self._values, strict=True))
        self._make(2 * len(old))
        for wanted, value in old:
            if wanted:
                at = wanted & self._last
                while self._hashes[at]:
                    at = at + 1 & self._last
                self._hashes[at], self._values[at] = wanted, value
