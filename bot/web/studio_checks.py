"""Checking scripts for the editor: quickly at every look, completely before anything is proposed or published.

The complete check walks every reachable state and runs the scripts' own talks: seconds of work, so it runs beside
the event loop, one at a time, and is remembered by what was checked.
"""

import asyncio
import hashlib
import json
from collections import Counter, OrderedDict
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from datetime import date

from bot.core.clock import TEHRAN, Clock
from bot.core.screening import Screening
from bot.drafts import Sources, compile_sources
from bot.engine.checks import CheckOptions, check_bundle
from bot.engine.issues import Issue, errors
from bot.engine.model import Bundle

_REMEMBERED_MAX = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found. `bundle` is None when nothing can be read at all."""

    bundle: Bundle | None
    issues: tuple[Issue, ...]

    def of_file(self, name: str) -> list[Issue]:
        """Give the issues of one file, errors first, then by line."""
        mine = [found for found in self.issues if found.file == name]
        return sorted(mine, key=lambda found: ("EWN".index(found.severity), found.line, found.col))

    def count(self, name: str, severity: str) -> int:
        """Count a file's issues of one severity."""
        return sum(found.file == name and found.severity == severity for found in self.issues)


class Checker:
    """Checks and remembers. `screen` reads a label for danger; `run_talks` runs the scripts' own tests."""

    def __init__(
        self, clock: Clock, *, screen: Callable[[str], Screening], run_talks: Callable[[Bundle], list[Issue]]
    ) -> None:
        self._clock = clock
        self._screen = screen
        self._run_talks = run_talks
        self._lock = asyncio.Lock()
        self._known: OrderedDict[tuple[str, bool], Checked] = OrderedDict()

    async def check(self, sources: Sources, *, complete: bool) -> Checked:
        """Give what is wrong with these scripts."""
        content = json.dumps([self._today().isoformat(), sorted(sources.items())])
        key = (hashlib.sha256(content.encode()).hexdigest(), complete)
        async with self._lock:
            if key not in self._known:
                self._known[key] = await asyncio.to_thread(self._check, sources, complete=complete)
                while len(self._known) > _REMEMBERED_MAX:
                    self._known.popitem(last=False)
            return self._known[key]

    async def fresh(self, checked: Checked, published: Sources, *, files: Container[str] | None = None) -> list[Issue]:
        """Give the errors and warnings that what citizens get now does not have; of some files only, if named.

        What is published is looked at quickly, and completely only where that leaves a warning over.
        """
        found = [one for one in checked.issues if one.severity != "N" and (files is None or one.file in files)]
        left = _without(found, (await self.check(published, complete=False)).issues)
        if any(one.severity == "W" for one in left):
            left = _without(found, (await self.check(published, complete=True)).issues)
        return left

    def _check(self, sources: Sources, *, complete: bool) -> Checked:
        bundle, issues = compile_sources(sources)
        if bundle is None:
            return Checked(bundle=None, issues=tuple(issues))
        readable = not errors(issues)
        options = CheckOptions(today=self._today(), screen=self._screen, is_explored=complete and readable)
        found = {*issues, *check_bundle(bundle, options)}
        if complete and not errors(list(found)):
            found.update(self._run_talks(bundle))
        return Checked(bundle=bundle, issues=tuple(sorted(found)))

    def _today(self) -> date:
        return self._clock.now().astimezone(TEHRAN).date()


def _without(found: Iterable[Issue], known: Iterable[Issue]) -> list[Issue]:
    """Take away what was known before, wherever its line has moved to."""
    left = Counter(_name(one) for one in known)
    fresh = []
    for one in found:
        if left[_name(one)] > 0:
            left[_name(one)] -= 1
        else:
            fresh.append(one)
    return fresh


def _name(one: Issue) -> tuple[str, str, str]:
    return one.file, one.rule, one.what_fa
