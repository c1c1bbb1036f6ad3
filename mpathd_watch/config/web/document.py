"""A YAML file as a tree: the adapter of PyYAML.

Only PyYAML's parser is used, and none of its constructors. The events are taken one by one, so what is not allowed
ends the reading at once: aliases, tags, duplicate keys, deep nesting, a second document, and more than a web
configuration can need.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mpathd_watch.config.web.model import WebConfigError
from mpathd_watch.config.web.tree import Items, Node, Scalar, Table

try:
    import yaml
except ImportError:  # optional
    yaml = None  # type: ignore[assignment]

MOST_BYTES: Final = 64 << 10
MOST_NODES: Final = 2048
MOST_LINES: Final = 4096
MOST_BRACKETS: Final = 256
"""PyYAML's scanner reads on to the end of a line of them before it reports the first, in quadratic time."""
MOST_DEPTH: Final = 8
_MISSING: Final = (
    "a web configuration is in YAML, and Python's library PyYAML is missing: install Debian's package python3-yaml, "
    "or mpathd-watch[web] with pip"
)


def read(content: bytes) -> Node | None:
    """The tree of a file; ``None`` if it holds nothing. Raises ``WebConfigError``."""
    if len(content) > MOST_BYTES:
        raise WebConfigError(
            f"the file has more than {MOST_BYTES >> 10} KiB; name certificates with cert_file and client_ca_file"
        )
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WebConfigError(f"not UTF-8 at byte {error.start}") from error
    if len(text.splitlines()) > MOST_LINES:
        raise WebConfigError(f"more than {MOST_LINES} lines")
    if text.count("[") + text.count("{") > MOST_BRACKETS:
        raise WebConfigError(f"more than {MOST_BRACKETS} opening brackets")
    if yaml is None:
        raise WebConfigError(_MISSING)
    try:
        return _Reader(yaml.parse(text, Loader=yaml.SafeLoader)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark is not None else ""
        raise WebConfigError(f"{line}not YAML: {_one_line(error.problem or 'no idea why')}") from None
    except yaml.YAMLError as error:  # a character that YAML does not allow
        raise WebConfigError(f"not YAML: {_one_line(str(error).partition(chr(10))[0])}") from None


class _Reader:
    """Makes the tree of one document out of events."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._nodes = 0

    def document(self) -> Node | None:
        found: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if found is not None:
                    raise WebConfigError(f"line {_line(event)}: a second document begins")
                found = self._node(next(self._events), 1)
        return found

    def _node(self, event: Any, depth: int) -> Node:  # PyYAML's events have no common type
        line = _line(event)
        self._nodes += 1
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise WebConfigError(f"line {line}: anchors and aliases (& and *) are not allowed")
        if event.tag is not None:
            raise WebConfigError(f"line {line}: tags (!) are not allowed")
        if depth > MOST_DEPTH:
            raise WebConfigError(f"line {line}: nested too deeply")
        if self._nodes > MOST_NODES:
            raise WebConfigError(f"line {line}: more than {MOST_NODES} keys and values")
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(event.value, event.style is None, line)
        if isinstance(event, yaml.SequenceStartEvent):
            return Items(tuple(self._items(depth)), line)
        return Table(self._entries(depth), line)

    def _items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._node(event, depth + 1)

    def _entries(self, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            if not isinstance(key, Scalar):
                raise WebConfigError(f"line {key.line}: a key must be a text")
            if key.text in entries:
                raise WebConfigError(f"line {key.line}: the key {key.text!r:.60} is there twice")
            entries[key.text] = self._node(next(self._events), depth + 1)
        return entries


def _line(event: Any) -> int:  # PyYAML's events have no common type
    line: int = event.start_mark.line + 1
    return line


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)[:200]
