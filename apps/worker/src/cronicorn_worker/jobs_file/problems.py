"""What is wrong with a jobs file: the place, what is wrong there, and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""The way to a value from the top of the file: keys, and places in lists counted from zero."""

_SHOWN_MOST = 50


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the file, both counted from one as editors do."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """
    One thing to mend.

    ``position`` is None when the file as a whole is at fault: it cannot be read, or is empty.
    """

    message: str
    remedy: str = ""
    path: Path = ()
    position: Position | None = None

    def text(self, file: str) -> str:
        """Write it as one line, such as ``jobs.yaml:7:9: jobs[0].name: what is wrong. Remedy.``."""
        place = f":{self.position.line}:{self.position.column}" if self.position else ""
        field = f"{shown_path(self.path)}: " if self.path else ""
        return f"{file}{place}: {field}{_sentences(self.message, self.remedy)}"


class JobsFileRefused(Exception):
    """The jobs file cannot be applied. ``problems`` are all that was found, in the file's order."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = tuple(
            sorted(problems, key=lambda each: each.position or Position(line=0, column=0))
        )
        super().__init__("\n".join(each.text(file) for each in self.problems))


def shown_path(path: Path) -> str:
    """Write a path as ``jobs[0].endpoints[1].retry.attempts``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f"{'.' if text else ''}{step}"
    return text


def shown_value(value: object) -> str:
    """Say what was found, short enough for one line: a text, a number, a list, a mapping."""
    if isinstance(value, str):
        return repr(value if len(value) <= _SHOWN_MOST else value[: _SHOWN_MOST - 1] + "…")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"the number {str(value)[:_SHOWN_MOST]}"
    return shown_kind(value)


def shown_kind(value: object) -> str:
    """Say what kind of value was found, and not the value."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return "a text"
        case int() | float():
            return "a number"
        case list() | dict():
            return "a list" if isinstance(value, list) else "a mapping"
        case _:
            return "nothing" if value is None else f"a {type(value).__name__}"


def _sentences(message: str, remedy: str) -> str:
    parts = (message, remedy[:1].upper() + remedy[1:])
    return " ".join(part if part[-1] in ".?!" else f"{part}." for part in parts if part)
