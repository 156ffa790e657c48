"""YAML text to a tree with positions: scalars as words, maps in order, nothing resolved and nothing trusted.

Every scalar stays text (`no` is a word, 123 is "123"), so the version of YAML cannot change a meaning. Anchors,
aliases, tags, merge keys, duplicate keys, depth and size are refused as issues before anything is built.
"""

from collections.abc import Iterator
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, DocumentStartEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent

from bot.engine.issues import Issue, Place, issue
from bot.engine.nodes import Entry, Map, Node, Scalar, Seq
from bot.engine.yaml_words import broken

BYTES_MAX = 1_000_000
DEPTH_MAX = 16
NODES_MAX = 20_000


def read_yaml(text: str, file: str) -> tuple[Node | None, list[Issue]]:
    """Read one document. Never raises on bad content; None when there is nothing to go on with."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > BYTES_MAX:
        return None, [issue("too_large", file, (1, 1), name=file, size=size, most=BYTES_MAX)]
    reader = _Reader(text, file)
    try:
        root = reader.document()
    except _RefusedError as refused:
        return None, [*reader.issues, refused.issue]
    except MarkedYAMLError as error:
        line, col = _place(error.problem_mark)
        why = error.problem or "?"
        return None, [*reader.issues, broken(file, (line, col), why)]
    except (YAMLError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
        # The reader's own complaints (control characters, surrogates) carry no mark; a scanner bug must not kill us.
        why = type(error).__name__
        return None, [*reader.issues, broken(file, (1, 1), why)]
    return root, reader.issues


class _RefusedError(Exception):
    def __init__(self, found: Issue) -> None:
        super().__init__(found.rule)
        self.issue = found


class _Reader:
    """Turns the event stream into a tree, by hand, so that nothing is built before it is allowed."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.issues: list[Issue] = []
        self._lines = text.splitlines()
        self._events: Iterator[Any] = iter(YAML(typ="safe", pure=True).parse(text))
        self._nodes = 0

    def document(self) -> Node | None:
        """Read the first document; a second one is an error."""
        root: Node | None = None
        documents = 0
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _RefusedError(broken(self.file, _place(event.start_mark), "two documents in one file"))
            elif isinstance(event, ScalarEvent | MappingStartEvent | SequenceStartEvent | AliasEvent):
                root = self._node(event, 1)
        if root is None:
            raise _RefusedError(broken(self.file, (1, 1), "the file is empty"))
        return root

    def _node(self, event: Any, depth: int) -> Node:
        self._nodes += 1
        if depth > DEPTH_MAX or self._nodes > NODES_MAX:
            size, most = (depth, DEPTH_MAX) if depth > DEPTH_MAX else (self._nodes, NODES_MAX)
            self._refuse("too_large", event, name="yaml", size=size, most=most)
        if isinstance(event, AliasEvent) or event.anchor is not None:
            self._refuse("forbidden_yaml", event, name="& *")
        if event.tag is not None and not (isinstance(event, ScalarEvent) and event.tag == "!"):
            self._refuse("forbidden_yaml", event, name="!")
        at = _place(event.start_mark)
        if isinstance(event, ScalarEvent):
            return Scalar(at, event.value, event.style is None, self._is_cut(event))
        return self._map(at, depth) if isinstance(event, MappingStartEvent) else self._seq(at, depth)

    def _map(self, at: Place, depth: int) -> Map:
        found = Map(at)
        seen: set[str] = set()
        while isinstance(
            event := next(self._events), ScalarEvent | MappingStartEvent | SequenceStartEvent | AliasEvent
        ):
            key = self._node(event, depth + 1)
            if not isinstance(key, Scalar):
                self._refuse("forbidden_yaml", event, name="{ } : ")
            elif key.text == "<<":
                self._refuse("forbidden_yaml", event, name="<<")
            else:
                value = self._node(next(self._events), depth + 1)
                if key.text in seen:
                    self.issues.append(issue("duplicate_key", self.file, key.at, name=key.text))
                else:
                    seen.add(key.text)
                    found.entries.append(Entry(key.text, key.at, value))
        return found

    def _seq(self, at: Place, depth: int) -> Seq:
        found = Seq(at)
        while isinstance(
            event := next(self._events), ScalarEvent | MappingStartEvent | SequenceStartEvent | AliasEvent
        ):
            found.items.append(self._node(event, depth + 1))
        return found

    def _is_cut(self, event: Any) -> bool:
        end = event.end_mark
        if event.style is not None or not event.value or end.line >= len(self._lines):
            return False
        return str(self._lines[end.line])[end.column :].lstrip().startswith("#")

    def _refuse(self, rule: str, event: Any, **names: str | int) -> NoReturn:
        raise _RefusedError(issue(rule, self.file, _place(event.start_mark), **names))


def _place(mark: Any) -> Place:
    return (1, 1) if mark is None else (mark.line + 1, mark.column + 1)
