"""The checker shares no rule with what it judges."""

import ast
from pathlib import Path

from tools.checker import check

FOLDER = Path(check.__file__).parent
VALUES = {
    "cronicorn_domain.errors",
    "cronicorn_domain.identity",
    "cronicorn_domain.model",
    "cronicorn_domain.schedules.cron",
    "cronicorn_domain.schedules.schedule",
}
"""Value types, and schedules as people write them: all that is asked of those are fields."""
QUESTIONS = {"next_after", "latest_until", "count_between", "effective_gap", "effective_repeat"}
READERS = {"live.py", "command.py", "__main__.py"}
"""What reads a history from a database needs the adapter that does."""


def judges() -> list[Path]:
    return [file for file in FOLDER.glob("*.py") if file.name not in READERS]


def imported(file: Path) -> set[str]:
    tree = ast.parse(file.read_text("utf-8"))
    return {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)} | {
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }


def test_the_checker_imports_values_alone() -> None:
    """No policy, no port, no schedule's algorithm: a fault there cannot be one here."""
    strangers = {
        module
        for file in judges()
        for module in imported(file)
        if module.startswith("cronicorn_")
        and not any(module == each or module.startswith(f"{each}.") for each in VALUES)
    }

    assert strangers == set()


def test_the_checker_asks_schedules_nothing() -> None:
    """Which slots there are it finds out itself."""
    asked = {
        node.attr
        for file in judges()
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
    }

    assert not asked & QUESTIONS
