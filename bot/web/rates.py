"""How fast one browser and one network address may send, asked before a body is read or a row is looked at.

In memory, in each process: a flood costs a dictionary's look. Generous on purpose: thousands share one address of a
mobile carrier, and whoever is refused must be able to send again in a second (her page keeps her words and shows the
numbers). Nothing of it is written down.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable

#: (messages at once, messages a second) for one browser, one address, and browsers of one address that are new here.
BROWSER = (20, 1.0)
ADDRESS = (500, 50.0)
NEWCOMERS = (100, 10.0)
_KEPT = 20_000


class Rates:
    """Token buckets by key; the longest unused are forgotten first."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def may_send(self, *, token: str, address: str) -> bool:
        """Take one from each bucket that this sender stands in; False when one of them is empty.

        Her own first: a browser that is stopped takes nothing from the others behind its address.
        """
        own = ("browser " + hashlib.sha256(token.encode()).hexdigest(), BROWSER)
        buckets = (own if token else ("newcomers " + address[:64], NEWCOMERS), ("address " + address[:64], ADDRESS))
        return all(self._take(key, most, a_second) for key, (most, a_second) in buckets)

    def _take(self, key: str, most: int, a_second: float) -> bool:
        now = self._monotonic()
        left, at = self._buckets.pop(key, (float(most), now))
        left = min(float(most), left + (now - at) * a_second)
        self._buckets[key] = (left - 1.0 if left >= 1.0 else left, now)
        while len(self._buckets) > _KEPT:
            self._buckets.popitem(last=False)
        return left >= 1.0
