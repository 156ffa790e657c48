"""Reads the escalation policy from YAML: every mistake as `file:line:col: what: how to mend it`, none raised one by one.

The packaged policy stands beside this file; PANAH_ALERT_POLICY names another. A policy that is slower than I7 for an
immediate case, or that leaves it with nobody at some hour, is refused.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from escalation.routing import is_desk
from escalation.watch_model import WATCHED, WAYS, Hours, Level, Policy, TierPolicy, Who
from escalation.watch_rules import FIRST_BY_S, NEWS_GAP_S, NEXT_BY_S

PACKAGED = Path(__file__).with_name("alert_policy.yaml")
_BYTES_MAX = 100_000
_DAYS = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}
_YES = {"yes": True, "true": True, "no": False, "false": False}
_TIME = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
_PHONE = re.compile(r"\+\d{8,15}")
_HOLIDAY = re.compile(r"(1[34]\d\d-)?(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_ROLES = ("counsellor", "supervisor", "flow_admin", "reviewer", "analyst", "admin")
_DAY_S = 86_400


class PolicyError(Exception):
    """The escalation policy cannot be used; `issues` lists every mistake."""

    def __init__(self, issues: list[str]) -> None:
        super().__init__(issues[0])
        self.issues = issues


def load_policy(path: Path | None = None) -> Policy:
    """Read a policy file; None is the packaged one.

    Raises:
        PolicyError: it cannot be read or has mistakes.
    """
    path = path or PACKAGED
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise PolicyError([f"{path}:1:1: cannot be read ({type(error).__name__}): name a UTF-8 file"]) from error
    if len(text) > _BYTES_MAX:
        raise PolicyError([f"{path}:1:1: is larger than {_BYTES_MAX} characters: keep to people and times"])
    return read_policy(text, str(path))


def read_policy(text: str, name: str) -> Policy:
    """Read a policy's text.

    Raises:
        PolicyError: it has mistakes.
    """
    reader = _Reader(name)
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{mark.line + 1}:{mark.column + 1}" if mark is not None else "1:1"
        raise PolicyError([f"{name}:{place}: is not YAML ({error.problem}): compare with the packaged file"]) from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise PolicyError([f"{name}:1:1: is not YAML: compare with the packaged file"]) from error
    policy = reader.policy(root)
    if reader.issues or policy is None:
        raise PolicyError(reader.issues or [f"{name}:1:1: is empty: copy the packaged file"])
    return policy


class _Reader:
    """Walks the nodes of one file and collects what is wrong; what it gives back is used only when nothing is."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.issues: list[str] = []
        self._hours: dict[str, Hours] = {}

    def policy(self, root: Any) -> Policy | None:
        fields = self._fields(root, ("page_gap_s", "retry_s", "phones", "hours", "holidays", "tiers"))
        if not fields:
            return None
        self._hours = {key: self._one_hours(node) for key, node in self._map(fields.get("hours")).items()}
        phones = {key: self._matching(node, _PHONE, "+98…") for key, node in self._map(fields.get("phones")).items()}
        holidays = [self._matching(node, _HOLIDAY, "01-13 or 1405-01-13") for node in self._items(fields, "holidays")]
        gap = self._number(fields, root, "page_gap_s", least=NEWS_GAP_S, most=120)
        tiers = self._fields(fields.get("tiers"), WATCHED, required=WATCHED, at=root)
        made = {key: self._tier(key, node) for key, node in tiers.items()}
        if "T1" in tiers:
            self._keep_promises(tiers["T1"], made["T1"], gap)
        return Policy(
            tiers=made,
            page_gap_s=gap,
            retry_s=self._number(fields, root, "retry_s", least=5, most=60),
            holidays=frozenset(holidays),
            phones=phones,
        )

    def _tier(self, key: str, node: Any) -> TierPolicy:
        names = ("levels", "all_ways_after_s", "repeat_s", "seen_for_s")
        fields = self._fields(node, names, required=names)
        levels = tuple(self._level(one) for one in self._items(fields, "levels"))
        after = [level.after_s for level in levels]
        every = self._number(fields, node, "all_ways_after_s", most=7 * _DAY_S)
        if not levels:
            self._wrong(node, f"{key} has no level", "give it at least one under levels")
        elif after != sorted(after) or after[-1] > every:
            self._wrong(node, f"{key}'s levels do not follow one another", "let after_s rise up to all_ways_after_s")
        return TierPolicy(
            levels=levels,
            all_ways_after_s=every,
            repeat_s=self._number(fields, node, "repeat_s", least=60, most=_DAY_S),
            seen_for_s=self._number(fields, node, "seen_for_s", least=60, most=_DAY_S if key != "T1" else 900),
        )

    def _level(self, node: Any) -> Level:
        fields = self._fields(node, ("after_s", "people", "ways", "hours"), required=("after_s", "people", "ways"))
        ways = tuple(self._one_of(one, WAYS) for one in self._items(fields, "ways"))
        people = tuple(self._who(one) for one in self._items(fields, "people"))
        if not ways or not people:
            self._wrong(node, "a level tells nobody", "name people and ways")
        after = self._number(fields, node, "after_s", most=7 * _DAY_S)
        return Level(after_s=after, people=people, ways=ways, hours=self._hours_named(fields))

    def _who(self, node: Any) -> Who:
        fields = self._fields(node, ("username", "role", "desk", "on_shift", "duty", "phone", "hours"))
        if not fields.keys() - {"hours", "desk"}:
            self._wrong(node, "this line names nobody", "say on_shift, role, username, phone or duty")
        desk = self._text(fields["desk"]) if "desk" in fields else "any"
        if desk not in {"any", "case", "national"} and not is_desk(desk):
            self._wrong(fields["desk"], "is no desk", "write case, national, any, or a code such as IR-23")
        return Who(
            username=self._text(fields.get("username")),
            role=self._one_of(fields["role"], _ROLES) if "role" in fields else "",
            desk=desk,
            on_shift=self._flag(fields, "on_shift"),
            duty=self._flag(fields, "duty"),
            phone=self._matching(fields["phone"], _PHONE, "+98…") if "phone" in fields else "",
            hours=self._hours_named(fields),
        )

    def _keep_promises(self, node: Any, tier: TierPolicy, gap: int) -> None:
        """Refuse for an immediate case what is slower than I7, whoever else was paged a moment ago."""
        mend = "an immediate case must not wait longer"
        after = [level.after_s for level in tier.levels]
        if after and after[0] > FIRST_BY_S:
            self._wrong(node, f"T1's first level begins after {after[0]} s; at most {FIRST_BY_S}", mend)
        if len(after) > 1 and after[1] > NEXT_BY_S:
            self._wrong(node, f"T1's second level begins after {after[1]} s; at most {NEXT_BY_S}", mend)
        if tier.all_ways_after_s > 290 - gap:
            self._wrong(node, f"T1's all_ways_after_s is above {290 - gap} (290 less page_gap_s)", mend)
        if tier.repeat_s > 120:
            self._wrong(node, "T1's repeat_s is above 120", mend)
        always = any(
            level.hours is None and any(who.hours is None and not who.on_shift for who in level.people)
            for level in tier.levels
        )
        if not always:
            self._wrong(node, "at some hour nobody is left for T1", "give one level people without hours and on_shift")

    def _one_hours(self, node: Any) -> Hours:
        names = ("days", "from", "to", "holidays")
        fields = self._fields(node, names, required=names)
        days = frozenset(_DAYS[self._one_of(one, tuple(_DAYS))] for one in self._items(fields, "days"))
        start, end = self._minute(fields.get("from")), self._minute(fields.get("to"))
        return Hours(days=days, start=start, end=end, holidays=self._flag(fields, "holidays"))

    def _hours_named(self, fields: Mapping[str, Any]) -> Hours | None:
        if "hours" not in fields:
            return None
        name = self._text(fields["hours"])
        if name not in self._hours:
            self._wrong(fields["hours"], "names no hours", "write a name that stands under hours:")
        return self._hours.get(name)

    def _minute(self, node: Any) -> int:
        hour, minute = self._matching(node, _TIME, '"07:30"', "00:00").split(":")
        return min(int(hour) * 60 + int(minute), 24 * 60)

    def _fields(
        self, node: Any, names: tuple[str, ...], required: tuple[str, ...] = (), at: Any = None
    ) -> dict[str, Any]:
        found = self._map(node)
        for key in found.keys() - set(names):
            self._wrong(found[key], f"{key} is not known here", f"write one of {', '.join(names)}")
        for key in required:
            if key not in found:
                self._wrong(node or at, f"{key} is missing", "add it as in the packaged file")
        return {key: value for key, value in found.items() if key in names}

    def _map(self, node: Any) -> dict[str, Any]:
        if node is None:
            return {}
        if not isinstance(node, MappingNode):
            self._wrong(node, "names and values are expected here", "write `name: value`")
            return {}
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = self._text(key)
            if name in found:
                self._wrong(key, f"{name} stands twice", "keep one")
            found[name] = value
        return found

    def _items(self, fields: Mapping[str, Any], name: str) -> list[Any]:
        node = fields.get(name)
        if node is None:
            return []
        if not isinstance(node, SequenceNode):
            self._wrong(node, f"{name} is a list", "write [a, b] or lines that begin with -")
            return []
        return list(node.value)

    def _text(self, node: Any) -> str:
        if node is None:
            return ""
        if not isinstance(node, ScalarNode):
            self._wrong(node, "one word is expected here", "write it without brackets")
            return ""
        return str(node.value)

    def _number(self, fields: Mapping[str, Any], at: Any, name: str, *, least: int = 0, most: int) -> int:
        raw = self._text(fields.get(name))
        if not raw.isascii() or not raw.isdecimal() or len(raw) > 9 or not least <= int(raw) <= most:
            self._wrong(fields.get(name) or at, f"{name} must be seconds", f"write a number from {least} to {most}")
            return most
        return int(raw)

    def _flag(self, fields: Mapping[str, Any], name: str) -> bool:
        return name in fields and _YES[self._one_of(fields[name], tuple(_YES))]

    def _one_of(self, node: Any, allowed: tuple[str, ...]) -> str:
        value = self._text(node)
        if value in allowed:
            return value
        self._wrong(node, f"«{value[:40]}» is not allowed", f"write one of {', '.join(allowed)}")
        return allowed[0]

    def _matching(self, node: Any, form: re.Pattern[str], example: str, instead: str = "") -> str:
        value = self._text(node)
        if form.fullmatch(value):
            return value
        self._wrong(node, f"«{value[:40]}» has not the right form", f"write it as {example}")
        return instead

    def _wrong(self, node: Any, what: str, mend: str) -> None:
        mark = getattr(node, "start_mark", None)
        place = f"{mark.line + 1}:{mark.column + 1}" if mark is not None else "1:1"
        self.issues.append(f"{self._name}:{place}: {what}: {mend}")
