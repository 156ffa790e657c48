"""Our SQL texts are written as SQLite reads them; here they become what PostgreSQL reads. Each text once, then kept.

Names of values (`?`, `:name`) become `$1`, or `%(name)s` on SQLAlchemy's cursors. Of the words that only SQLite knows,
a few are rewritten here; functions (scalar `min` and `max`, `instr`, `json_extract`) PostgreSQL is taught by
bot.store.postgres_ddl.
"""

import re
from functools import lru_cache

#: A quoted text, a cast's colons, or the place of a value.
_PLACES = re.compile(r"'(?:[^']|'')*'|::|\?|:([a-z_]\w*)|%")
_WORDS = (
    (re.compile(r"\bINDEXED BY \w+"), ""),
    (re.compile(r"\bCROSS JOIN (\w+ \w+) ON\b"), r"JOIN \1 ON"),
    (re.compile(r"\bCAST\(([\w.]+) AS INTEGER\)"), r"CAST(substring(\1 from '^-?[0-9]+') AS BIGINT)"),
    (re.compile(r"\bx'([0-9a-f]*)'"), r"'\\x\1'::bytea"),
    (re.compile(r"\b(?:\w\.)?rowid > \(SELECT coalesce\(max\(rowid\), 0\) - :newest FROM \w+\)"), ":newest > 0"),
    (re.compile(r"json_extract\((\w+\.data), '\$\.token'\)"), r"CAST(json_extract(\1, '$.token') AS BIGINT)"),
    (re.compile(r"\bBEGIN IMMEDIATE\b"), "BEGIN"),
    (re.compile(r"\bINSERT OR FAIL\b"), "INSERT"),
)


def _common(sql: str) -> str:
    for found, instead in _WORDS:
        sql = found.sub(instead, sql)
    return sql


@lru_cache(maxsize=2048)
def numbered(sql: str) -> tuple[bytes, tuple[str, ...] | None]:
    """Give a text with `$1`, `$2`, … and the names of its values in that order; None for values without names."""
    names: list[str] = []
    count = 0

    def place(found: re.Match[str]) -> str:
        nonlocal count
        if found[0] == "?":
            count += 1
            return f"${count}"
        if found[1] is None:
            return found[0]
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    text = _PLACES.sub(place, _common(sql))
    return text.encode(), tuple(names) if names else None


@lru_cache(maxsize=1024)
def formatted(sql: str) -> str:
    """Give a text with `%s` and `%(name)s`."""

    def place(found: re.Match[str]) -> str:
        if found[0] == "?":
            return "%s"
        if found[1] is not None:
            return f"%({found[1]})s"
        return found[0].replace("%", "%%")

    return _PLACES.sub(place, _common(sql))
