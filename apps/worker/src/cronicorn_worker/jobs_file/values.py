"""
The values of a document: plain Python, with ``${NAME}`` taken from the environment.

A value taken from the environment is always text. It is never shown in a message; the text
that stands in the file is.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cronicorn_worker.jobs_file.document import ListNode, MappingNode, Node, ScalarNode
from cronicorn_worker.jobs_file.problems import Path, Position, Problem

Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]

_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{")
_CORE_SCHEMA: tuple[tuple[re.Pattern[str], Callable[[str], "Value"]], ...] = (
    (re.compile(r"~|null|Null|NULL|"), lambda _: None),
    (re.compile(r"true|True|TRUE|false|False|FALSE"), lambda text: text.lower() == "true"),
    (re.compile(r"[-+]?[0-9]{1,100}"), int),
    (re.compile(r"0o[0-7]{1,100}|0x[0-9a-fA-F]{1,100}"), lambda text: int(text, 0)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (
        re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
        lambda text: float(text.replace(".", "", 1)),
    ),
)


@dataclass(slots=True)
class Values:
    """
    What a document says, and where it says so.

    Attributes:
        root: The whole document as plain values.
        problems: Variables that are missing or badly written.
        from_environment: Texts with a value from the environment, by path, as the file has them.
    """

    tree: Node
    root: Value = None
    problems: list[Problem] = field(default_factory=list)
    from_environment: dict[Path, str] = field(default_factory=dict)

    def position(self, path: Path) -> Position:
        """Return the place of a value, or of the nearest thing around it that is there."""
        node = self.tree
        for step in path:
            inner = _step(node, step)
            if inner is None:
                break
            node = inner
        return node.position

    def key_position(self, path: Path) -> Position:
        """Return the place of a key; of its value when it is no key of a mapping."""
        node = self.tree
        for step in path[:-1]:
            node = _step(node, step) or node
        if isinstance(node, MappingNode) and path and path[-1] in node.keys:
            return node.keys[str(path[-1])]
        return self.position(path)

    def problem(
        self, path: Path, message: str, remedy: str = "", *, at_key: bool = False
    ) -> Problem:
        """Make a problem of this path, in which no value from the environment is shown."""
        if written := self.from_environment.get(path):
            message = f"what {written} stands for is not possible here"
        position = self.key_position(path) if at_key else self.position(path)
        return Problem(message=message, remedy=remedy, path=path, position=position)


def read_values(tree: Node, environ: Mapping[str, str]) -> Values:
    """Turn a tree into values; variables that are missing are problems of the result."""
    values = Values(tree=tree)
    values.root = _value(tree, (), lambda path, node: _text(values, environ, path, node))
    return values


def _value(node: Node, path: Path, text: "Callable[[Path, ScalarNode], str]") -> Value:
    match node:
        case ListNode():
            return [_value(item, (*path, n), text) for n, item in enumerate(node.items)]
        case MappingNode():
            return {key: _value(item, (*path, key), text) for key, item in node.values.items()}
        case ScalarNode() if "${" in node.text:
            return text(path, node)
        case ScalarNode():
            return _plain(node.text) if node.plain else node.text


def _plain(text: str) -> Value:
    """Resolve an unquoted text by YAML 1.2's core schema; what is none of its kinds is text."""
    for pattern, convert in _CORE_SCHEMA:
        if pattern.fullmatch(text):
            return convert(text)
    return text


def _text(values: Values, environ: Mapping[str, str], path: Path, node: ScalarNode) -> str:
    def replaced(match: re.Match[str]) -> str:
        name = match[1]
        if match[0] == "$${":
            return "${"
        if name is None:
            values.problems.append(
                values.problem(
                    path,
                    "after ${ must come a variable's name and }",
                    "Write ${NAME}, or $${ for the two characters themselves.",
                )
            )
        elif not environ.get(name):
            values.problems.append(
                values.problem(
                    path,
                    f"the environment variable {name} is not set, or empty",
                    f"Set it, or write $${{{name}}} to mean the text itself.",
                )
            )
        return environ.get(name or "", "")

    expanded = _VARIABLE.sub(replaced, node.text)
    values.from_environment[path] = node.text
    return expanded


def _step(node: Node, step: str | int) -> Node | None:
    match node:
        case ListNode() if isinstance(step, int) and step < len(node.items):
            return node.items[step]
        case MappingNode() if isinstance(step, str):
            return node.values.get(step)
        case _:
            return None
