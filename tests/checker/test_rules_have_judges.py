"""The rules in ``docs/reliability.md`` name judges that there are, and leave none out."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
ROW = re.compile(r"^\| (?P<rule>[^|]+) \| (?P<judges>[^|]*)\| (?P<tests>[^|]*)\|$")


def rows() -> Iterator[tuple[str, list[str], list[str]]]:
    """Read the table: each rule with the parts of the checker, and the tests, that hold it."""
    text = PAGE.read_text("utf-8").partition("judges: begin")[2].partition("judges: end")[0]
    for line in text.splitlines()[3:]:
        if found := ROW.match(line):
            yield found["rule"], _names(found["judges"]), _names(found["tests"])


def _names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def judges() -> set[str]:
    """Return the parts of the checker that the checker asks."""
    tree = ast.parse((ROOT / "tools" / "checker" / "check.py").read_text("utf-8"))
    names = {
        name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    return {name for name in names if name.startswith("check_") or name == "account"}


def test_each_part_of_the_checker_stands_for_a_rule() -> None:
    """No judge is without a rule, and none is named that is not asked."""
    named = {name for _, names, _ in rows() for name in names}

    assert named == judges()


def test_each_rule_has_a_judge_or_a_test_that_there_is() -> None:
    """A test is a file of some member, or a contract that stores and adapters inherit."""
    files = {file.name for file in (ROOT / "packages").glob("*/tests/**/test_*.py")}
    contracts = (ROOT / "packages/domain/src/cronicorn_domain/testing").glob("*_contract.py")
    classes = {
        node.name
        for file in contracts
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    table = list(rows())

    assert len(table) > 30
    assert [rule for rule, named, tests in table if not named and not tests] == []
    assert {test for _, _, tests in table for test in tests} <= files | classes
