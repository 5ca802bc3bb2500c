"""
A YAML document as a tree whose every node knows its place in the file.

The tree is made of the parser's events, not of its values, so that what YAML leaves open is
decided here: a key written twice is a fault, an alias cannot blow a small file up, and what a plain
``on`` or ``12:30`` means follows the core schema of YAML 1.2, where both are text.
"""

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from cronicorn_worker.jobs_file.problems import JobsFileRefused, Position, Problem

DEPTH_MOST = 100
NODES_MOST = 500_000
_CORE_TAGS = re.compile(r"tag:yaml\.org,2002:(str|int|float|bool|null|seq|map)")
_UNREADABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MERGE = "<<"


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A single value as written. ``plain``: without quotes, so that it may mean a number."""

    text: str
    plain: bool
    position: Position
    size: int = 1
    depth: int = 0


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list."""

    items: "tuple[Node, ...]"
    position: Position
    size: int
    depth: int


@dataclass(frozen=True, slots=True)
class MappingNode:
    """A mapping, merge keys already followed; ``keys`` are the places of the keys themselves."""

    values: "dict[str, Node]"
    keys: dict[str, Position]
    position: Position
    size: int
    depth: int


Node = ScalarNode | ListNode | MappingNode


def read_document(text: str, file: str) -> Node:
    """
    Read the one document of a file.

    Raises:
        JobsFileRefused: it is no YAML, holds several documents or none, a key twice, an unknown
            tag, or more than anyone writes by hand.
    """
    if match := _UNREADABLE.search(text):
        raise JobsFileRefused(file, [_unreadable(text, match.start())])
    builder = _Builder()
    try:
        for event in _events(text):
            builder.take(event)
    except MarkedYAMLError as error:
        raise JobsFileRefused(file, [*builder.problems, _syntax_problem(error)]) from error
    except YAMLError as error:
        problem = Problem(message=f"this is no YAML: {error}", remedy="Check the file's syntax.")
        raise JobsFileRefused(file, [problem]) from error
    except _GivenUp:
        pass
    if builder.root is None and not builder.problems:
        builder.problems.append(
            Problem(message="the file is empty", remedy="Begin it with `jobs:` and a list of jobs.")
        )
    if builder.problems or builder.root is None:
        raise JobsFileRefused(file, builder.problems)
    return builder.root


class _GivenUp(Exception):
    """A problem after which nothing further can be understood."""


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been read."""

    mapping: bool
    anchor: str | None
    position: Position
    nodes: list[Node]


class _Builder:
    """Puts the parser's events together."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._documents = 0
        self._merged_nodes = 0

    def take(self, event: Event) -> None:
        """Take the next event."""
        position = _position(event.start_mark)
        match event:
            case DocumentStartEvent():
                self._begin_document(event, position)
            case ScalarEvent():
                self._check_tag(event.tag, position)
                plain = bool(event.implicit[0]) and event.tag is None
                self._add(ScalarNode(event.value, plain, position), event.anchor)
            case CollectionStartEvent():
                self._check_tag(event.tag, position)
                mapping = isinstance(event, MappingStartEvent)
                self._open.append(_Open(mapping, event.anchor, position, []))
                if len(self._open) > DEPTH_MOST:
                    self._give_up("this is nested too deeply", "Flatten it.", position)
            case AliasEvent():
                self._add(self._aliased(event.anchor, position), None)
            case MappingEndEvent() | SequenceEndEvent():
                done = self._open.pop()
                self._add(self._mapping(done) if done.mapping else _list(done), done.anchor)
            case _:
                pass

    def _begin_document(self, event: DocumentStartEvent, position: Position) -> None:
        self._documents += 1
        if self._documents > 1:
            self._give_up("a second document begins here", "Keep one, without `---`.", position)
        if event.version is not None and tuple(event.version) != (1, 2):
            self._problem("the file says it is not YAML 1.2", "Remove the %YAML line.", position)

    def _check_tag(self, tag: str | None, position: Position) -> None:
        if tag is not None and not _CORE_TAGS.fullmatch(str(tag)) and str(tag) != "!":
            self._problem(f"the tag {str(tag)[:60]} means nothing here", "Remove it.", position)

    def _aliased(self, name: str, position: Position) -> Node:
        if any(each.anchor == name for each in self._open):
            self._give_up(f"*{name} is a part of itself", "Write the value out.", position)
        if name not in self._anchors:
            self._give_up(f"*{name} has no &{name} before it", "Write the value out.", position)
        return self._anchors[name]

    def _add(self, node: Node, anchor: str | None) -> None:
        if node.size > NODES_MOST or node.depth > DEPTH_MOST:
            self._give_up("this is too much for a jobs file", "Use fewer aliases.", node.position)
        if anchor is not None:
            self._anchors[anchor] = node
        if self._open:
            self._open[-1].nodes.append(node)
        else:
            self.root = node

    def _mapping(self, done: _Open) -> MappingNode:
        values: dict[str, Node] = {}
        keys: dict[str, Position] = {}
        merged: list[MappingNode] = []
        for key, value in zip(done.nodes[::2], done.nodes[1::2], strict=True):
            if not isinstance(key, ScalarNode):
                self._problem("a key must be a text", "Write it as one word.", key.position)
            elif key.text == _MERGE and key.plain:
                merged += self._merged(value, key.position)
            elif key.text in values:
                first = keys[key.text].line
                self._problem(
                    f"the key {key.text[:60]} is there twice (first in line {first})",
                    "Keep one of them.",
                    key.position,
                )
            else:
                values[key.text], keys[key.text] = _placed(value, key.position), key.position
        for each in merged:
            for name, value in each.values.items():
                values.setdefault(name, value)
                keys.setdefault(name, each.keys[name])
        return MappingNode(values, keys, done.position, *_extent(values.values()))

    def _merged(self, value: Node, key: Position) -> list[MappingNode]:
        nodes = value.items if isinstance(value, ListNode) else (value,)
        found = [each for each in nodes if isinstance(each, MappingNode)]
        if len(found) < len(nodes):
            self._problem("<< takes a mapping", "Give it an alias of one.", value.position)
        self._merged_nodes += sum(each.size for each in found)
        if self._merged_nodes > NODES_MOST:
            self._give_up("this merges too much", "Use fewer merge keys.", key)
        return found

    def _problem(self, message: str, remedy: str, position: Position) -> None:
        self.problems.append(Problem(message=message, remedy=remedy, position=position))

    def _give_up(self, message: str, remedy: str, position: Position) -> None:
        self._problem(message, remedy, position)
        raise _GivenUp


def _events(text: str) -> Iterator[Event]:
    yield from YAML(typ="rt", pure=True).parse(io.StringIO(text))


def _placed(value: Node, key: Position) -> Node:
    """Place a value that is not there at its key; the parser would say, wherever it looked last."""
    missing = isinstance(value, ScalarNode) and value.plain and not value.text
    return replace(value, position=key) if missing else value


def _list(done: _Open) -> ListNode:
    return ListNode(tuple(done.nodes), done.position, *_extent(done.nodes))


def _extent(nodes: Iterable[Node]) -> tuple[int, int]:
    size, depth = 1, 0
    for node in nodes:
        size, depth = size + node.size, max(depth, node.depth)
    return size, depth + 1


def _position(mark: StringMark) -> Position:
    return Position(line=mark.line + 1, column=mark.column + 1)


def _unreadable(text: str, at: int) -> Problem:
    position = Position(line=text.count("\n", 0, at) + 1, column=at - text.rfind("\n", 0, at))
    return Problem(
        message=f"the character U+{ord(text[at]):04X} cannot stand in a YAML file",
        remedy='Remove it, or write it as an escape in double quotes, such as "\\u0007".',
        position=position,
    )


def _syntax_problem(error: MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    what = str(error.problem or error.context or "the syntax is wrong")
    return Problem(
        message=f"this is no YAML: {what}",
        remedy=_syntax_remedy(what),
        position=_position(mark) if mark else None,
    )


def _syntax_remedy(what: str) -> str:
    if "\\t" in what:
        return "Indent with blanks, not with tabs."
    if "cannot start any token" in what:
        return "Put the text in quotes."
    if "mapping values are not allowed" in what:
        return "Put text that holds `: ` in quotes, and check the indentation."
    return "Check the indentation, and that quotes and brackets are closed."
