"""An answer in JSON as a tree: each value with the path that leads to it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

NODES_MOST: Final = 500
_DEPTH_MOST: Final = 24
_TEXT_MOST: Final = 2_000
_TEXT_COMPARED_MOST: Final = 80
_NAMED_PLAINLY: Final = re.compile(r"(?:[A-Za-z_]\w*|\[\d+\])(?:\.[A-Za-z_]\w*|\[\d+\])*", re.ASCII)


@dataclass(slots=True, kw_only=True)
class Node:
    """
    A value of an answer.

    Attributes:
        name: What it is called in what holds it; empty for the whole.
        path: How a rule or a chart names it.
        kind: ``object``, ``array``, ``string``, ``number``, ``boolean`` or ``null``.
        text: A value that holds no others, as JSON has it.
        children: What it holds.
        size: How many it holds.
        left: How many of them there was no room for.
    """

    name: str
    path: str
    kind: str
    text: str = ""
    children: "list[Node]" = field(default_factory=list)
    size: int = 0
    left: int = 0

    @property
    def can_be_drawn(self) -> bool:
        """Whether it is a number, or can be told as one."""
        return self.kind in {"number", "boolean"} and bool(self.path)

    @property
    def condition(self) -> str | None:
        """A condition of a rule to begin with; None: it holds others, or has an odd name."""
        if self.children or not _NAMED_PLAINLY.fullmatch(self.path):
            return None
        if self.kind in {"object", "array", "null"} or len(self.text) > _TEXT_COMPARED_MOST:
            return None
        named = f"body{self.path}" if self.path.startswith("[") else f"body.{self.path}"
        return f"{named} {'>' if self.kind == 'number' else '=='} {self.text}"


def tree_of(text: str) -> Node | None:
    """Return the tree of an answer; None: it is no JSON that can be read."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _Growing().node("", "", value, 0)


class _Growing:
    """Lets a tree grow until it is as large as a page has room for."""

    def __init__(self) -> None:
        self._room = NODES_MOST

    def node(self, name: str, path: str, value: object, depth: int) -> Node:
        self._room -= 1
        match value:
            case dict():
                grown = Node(name=name, path=path, kind="object", size=len(value))
                self._fill(
                    grown,
                    [(str(each), f"{path}.{each}" if path else str(each)) for each in value],
                    [*value.values()],
                    depth,
                )
            case list():
                grown = Node(name=name, path=path, kind="array", size=len(value))
                self._fill(
                    grown, [(f"[{n}]", f"{path}[{n}]") for n in range(len(value))], value, depth
                )
            case _:
                grown = Node(
                    name=name, path=path, kind=_KINDS.get(type(value), "null"), text=_text(value)
                )
        return grown

    def _fill(
        self, grown: Node, names: list[tuple[str, str]], values: list[object], depth: int
    ) -> None:
        for number, ((name, path), value) in enumerate(zip(names, values, strict=True)):
            if self._room <= 0 or depth >= _DEPTH_MOST:
                grown.left = len(values) - number
                return
            grown.children.append(self.node(name, path, value, depth + 1))


_KINDS: Final[Mapping[type, str]] = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    type(None): "null",
}


def _text(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _TEXT_MOST else f"{text[:_TEXT_MOST]}…"
