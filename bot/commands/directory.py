"""`panah directory import`: places from a spreadsheet into the directory files of the scripts.

Without `--write` it only says what would change. A place is known by its kind, province, city, neighbourhood and name;
importing the same file again changes nothing. A safe house is refused: its address is written nowhere.
"""

import argparse
import csv
import io
import json
import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from bot.commands.flows_check import directory_of
from bot.content import load_or_refuse
from bot.core.text import fold, hides_signs
from bot.drafts import EditConflictError, read_file, save_file, text_hash
from bot.engine.library import DirectoryType
from bot.engine.places import PROVINCES
from bot.errors import CommandError

#: Columns of the file, in the order in which they are written; the first six name the place or reach it.
COLUMNS = ("province", "city", "neighbourhood", "name", "phone", "hours", "verified_on", "valid_from", "valid_until",
           "example")  # fmt: skip
_KEY = ("province", "city", "neighbourhood", "name")
_NEEDED = ("type", "name", "phone", "hours", "verified_on")
_DAYS = ("verified_on", "valid_from", "valid_until")
#: A safe house, however it is called (design rule: never stored).
_HIDDEN = tuple(map(fold, ("خانه امن", "خانهٔ امن", "خانه‌های امن", "پناهگاه زنان", "safe house", "shelter")))
_BYTES_MAX, _CELL_MAX = 5_000_000, 200
_PHONE = re.compile(r"\+[\d ()-]+")
_PROVINCE_BY_WORD = {
    **{fold(name): key for key, (name, _) in PROVINCES.items()},
    **{fold(code): key for key, (_, code) in PROVINCES.items()},
    **{fold(key): key for key in PROVINCES},
}

Row = dict[str, str]


@dataclass(slots=True)
class Change:
    """What an import does to one file of the directory."""

    added: list[Row] = field(default_factory=list)
    changed: list[Row] = field(default_factory=list)
    closed: list[Row] = field(default_factory=list)
    same: int = 0

    @property
    def is_any(self) -> bool:
        """True when the file would differ."""
        return bool(self.added or self.changed or self.closed)


def directory(args: argparse.Namespace) -> int:
    """Do one act on the directory."""
    target = directory_of(args.directory)
    kinds = load_or_refuse(target).directory
    rows = read_rows(Path(args.file), kinds)
    plans = {kind: plan(kinds[kind].places, mine) for kind, mine in rows.items()}
    for kind, (_, change) in plans.items():
        _tell(kind, change)
    if not any(change.is_any for _, change in plans.values()):
        _out("Nothing to do: the directory already says this.")
        return 0
    if not args.write:
        _out("Nothing was written. Run it again with --write to do this.")
        return 0
    for kind, (places, change) in plans.items():
        if change.is_any:
            _save(target, kind, places)
    _out(f"Written to {target / 'directory'}. Publish with `panah flows publish`.")
    return 0


def read_rows(path: Path, kinds: dict[str, DirectoryType]) -> dict[str, list[Row]]:
    """Read the file by kind of place.

    Raises:
        CommandError: it cannot be used; every wrong line is named.
    """
    reader = csv.DictReader(io.StringIO(_text_of(path)), restkey="_more")
    try:
        columns = [(name or "").strip() for name in reader.fieldnames or []]
    except csv.Error as error:
        raise CommandError(f"{path.name}: line 1 is no CSV: {error}") from error
    missing = [name for name in _NEEDED if name not in columns]
    unknown = [name for name in columns if name not in {"type", "closed", *COLUMNS}]
    if missing or unknown:
        problem = (
            f"lacks the columns {', '.join(missing)}"
            if missing
            else f"has unknown columns {_shown(', '.join(unknown))}"
        )
        raise CommandError(f"{path.name}: line 1 {problem}; known are type, closed, {', '.join(COLUMNS)}")
    reader.fieldnames = columns
    rows: dict[str, list[Row]] = {}
    problems: list[str] = []
    seen: dict[tuple[str, ...], int] = {}
    for found in _rows_of(reader, path.name):
        line = reader.line_num
        row = {name: _cell(found.get(name)) for name in ("type", "closed", *COLUMNS)}
        if not any(row.values()):
            continue
        row["province"] = _PROVINCE_BY_WORD.get(fold(row["province"]), row["province"])
        wrong = _wrong(row, kinds, has_more="_more" in found)
        key = (row["type"], *key_of(row))
        if not wrong and key in seen:
            wrong = [f"the same place stands in line {seen[key]}"]
        seen.setdefault(key, line)
        problems += [f"line {line}: {_shown(one)}" for one in wrong]
        rows.setdefault(row["type"], []).append(row)
    if problems:
        raise CommandError(f"{path.name} was not imported:\n  " + "\n  ".join(problems))
    return rows


def key_of(row: Row) -> tuple[str, ...]:
    """Give what makes two rows one place."""
    return tuple(fold(row.get(name, "")) for name in _KEY)


def plan(places: tuple[Row, ...], rows: list[Row]) -> tuple[list[Row], Change]:
    """Give the places after the import, old ones in their order, and what changes."""
    left = {key_of(row): row for row in rows}
    after: list[Row] = []
    change = Change()
    for place in places:
        row = left.pop(key_of(place), None)
        if row is None:
            after.append(place)
        elif row["closed"]:
            change.closed.append(place)
        else:
            wanted = {name: row[name] for name in COLUMNS if row[name]}
            after.append(wanted)
            if wanted == dict(place):
                change.same += 1
            else:
                change.changed.append(wanted)
    for row in left.values():
        if not row["closed"]:
            change.added.append({name: row[name] for name in COLUMNS if row[name]})
    return after + change.added, change


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > _BYTES_MAX:
            raise CommandError(f"{path.name} is larger than 5 MB")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path.name} is not UTF-8; save it as «CSV UTF-8»") from error


def _rows_of(reader: "csv.DictReader[str]", name: str) -> Iterator[dict[str, Any]]:
    try:
        yield from reader
    except csv.Error as error:  # a cell of 128 KB, a quote that is never closed
        raise CommandError(f"{name}: line {reader.line_num} is no CSV: {error}") from error


def _shown(words: str) -> str:
    """Give words for a terminal: what was in a cell may hold signs that move its cursor."""
    return "".join("�" if hides_signs(sign) else sign for sign in words[:300])


def _cell(value: object) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""


def _wrong(row: Row, kinds: dict[str, DirectoryType], *, has_more: bool) -> list[str]:
    """Give what is wrong with a row, in words for whoever made the file."""
    wrong = [f"{name} is empty" for name in _NEEDED if not row[name] and not (row["closed"] and name != "type")]
    if row["type"] and row["type"] not in kinds:
        wrong.append(f"there is no type {row['type']}; known are {', '.join(sorted(kinds))}")
    if row["province"] and row["province"] not in PROVINCES:
        wrong.append(f"there is no province {row['province']}")
    if row["neighbourhood"] and not row["city"]:
        wrong.append("a neighbourhood needs its city")
    wrong += [
        f"{name} is no day like 2026-11-22: {row[name]}" for name in _DAYS if row[name] and not _is_day(row[name])
    ]
    wrong += [f"{name} is longer than {_CELL_MAX} characters" for name in COLUMNS if len(row[name]) > _CELL_MAX]
    wrong += [f"{name} holds signs that nobody sees" for name in COLUMNS if hides_signs(row[name])]
    wrong += [f"{name} is a formula" for name in COLUMNS if _is_formula(name, row[name])]
    if any(word in fold(" ".join(row.values())) for word in _HIDDEN):
        wrong.append("a safe house is never written down")
    if has_more:
        wrong.append("it has more cells than the first line")
    return wrong


def _is_formula(name: str, cell: str) -> bool:
    """True for what a spreadsheet would run when the file is opened again; a number may begin with +98."""
    plain = unicodedata.normalize("NFKC", cell)
    return plain.startswith(("=", "@", "+", "-")) and not (name == "phone" and _PHONE.fullmatch(plain))


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _out(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _tell(kind: str, change: Change) -> None:
    _out(
        f"{kind}: {len(change.added)} new, {len(change.changed)} changed, {len(change.closed)} closed, {change.same} as before"
    )
    for mark, rows in (("+", change.added), ("~", change.changed), ("-", change.closed)):
        for row in rows:
            _out(
                f"  {mark} {row['name']} ({' › '.join(row[name] for name in _KEY[:3] if row.get(name)) or 'everywhere'})"
            )


def _save(target: Path, kind: str, places: list[Row]) -> None:
    name = f"directory/{kind}.yaml"
    before = read_file(target, name) or ""
    head, _, _ = before.partition("\nplaces:")
    lines = [
        f"- {{{', '.join(f'{key}: {json.dumps(place[key], ensure_ascii=False)}' for key in place)}}}"
        for place in places
    ]
    text = "\n".join((head.rstrip("\n"), "places:" if lines else "places: []", *lines)) + "\n"
    try:
        save_file(target, name, text, seen=text_hash(before or None))
    except EditConflictError as error:
        raise CommandError(f"somebody changed {name} meanwhile; run it again") from error
