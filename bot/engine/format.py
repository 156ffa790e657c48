"""A script written the one way: one key a line, two-space indent, comments kept. Meaning never changes.

Long braces are opened into lines; short option maps (`{label: …, danger: high}`) stay on theirs.
"""

import io
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from bot.engine.loader_yaml import read_yaml

#: A map or list this short, holding only words, may stay in braces.
INLINE_CHARS_MAX = 90
_COMMENT = re.compile(r"(?:^|\s)#", re.MULTILINE)


def format_flow(text: str) -> str:
    """Give the normalised text. What cannot be read comes back unchanged: the loader says why. Idempotent."""
    node, issues = read_yaml(text, "-")
    if node is None or issues:
        return text
    yaml = YAML(typ="rt")
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096
    yaml.preserve_quotes = True
    yaml.allow_unicode = True
    loaded = yaml.load(text)
    _open(loaded, depth=0)
    out = io.StringIO()
    yaml.dump(loaded, out)
    written = out.getvalue()
    again, problems = read_yaml(written, "-")
    same = not problems and _words(again) == _words(node) and _comments(written) == _comments(text)
    return written if same else text


def _open(value: Any, depth: int) -> None:
    """Set block style on the way down, braces on what is short and flat."""
    if not isinstance(value, CommentedMap | CommentedSeq):
        return
    children = list(value.values()) if isinstance(value, CommentedMap) else list(value)
    flat = not any(isinstance(child, CommentedMap | CommentedSeq) and len(child) > 0 for child in children)
    if depth >= 3 and flat and _width(value) <= INLINE_CHARS_MAX and not _has_comments(value):
        value.fa.set_flow_style()
        return
    if children:
        value.fa.set_block_style()
    for child in children:
        _open(child, depth + 1)


def _width(value: Any) -> int:
    if isinstance(value, CommentedMap):
        return sum(len(str(key)) + len(str(child)) + 4 for key, child in value.items())
    return sum(len(str(child)) + 2 for child in value)


def _has_comments(value: Any) -> bool:
    return bool(value.ca.items) or value.ca.comment is not None


def _comments(text: str) -> int:
    """Count what may be comments: a style is never worth a colleague's remark."""
    return len(_COMMENT.findall(text))


def _words(node: Any) -> Any:
    """Give a tree without positions, so that two texts can be compared by meaning."""
    if hasattr(node, "entries"):
        return {entry.key: _words(entry.value) for entry in node.entries}
    if hasattr(node, "items"):
        return [_words(item) for item in node.items]
    return getattr(node, "text", None)
