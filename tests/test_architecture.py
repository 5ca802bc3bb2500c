"""The contracts of ``.importlinter`` hold, and nothing in the tree escapes them."""

import ast
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def members(root: Path, *, beneath: str = "*") -> set[str]:
    """Name the import package of every member of the workspace at ``root``."""
    return {
        folder.name
        for folder in root.glob(f"{beneath}/*/src/*")
        if any(folder.rglob("*.py")) and not folder.name.endswith(".egg-info")
    }


def listed(root: Path, section: str, option: str) -> set[str]:
    """Read a list of ``.importlinter``, layers taken apart."""
    configuration = ConfigParser()
    configuration.read(root / ".importlinter", "utf-8")
    return set(configuration[section][option].replace(":", " ").replace("|", " ").split())


def folders_without_init(root: Path) -> set[str]:
    """Find the folders of Python files that import-linter would pass over in silence."""
    return {
        str(file.parent.relative_to(root))
        for source in root.glob("*/*/src/*")
        for file in source.rglob("*.py")
        if not (file.parent / "__init__.py").exists()
    }


def silent_tests(root: Path) -> set[str]:
    """Find the tests, those of contract suites included, that do not say which rule they prove."""
    files = [*root.glob("tests/**/*.py"), *root.glob("*/*/tests/**/*.py")]
    files.extend(root.glob("*/*/src/*/testing/**/*.py"))
    return {
        f"{file.relative_to(root)}::{node.name}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    }


@pytest.mark.parametrize(
    ("section", "option"),
    [
        ("importlinter", "root_packages"),
        ("importlinter:contract:layers", "layers"),
        ("importlinter:contract:circles", "ancestors"),
    ],
)
def test_no_member_escapes(section: str, option: str) -> None:
    """Every member of the workspace is in each list that has to name all of them."""
    present = members(ROOT)

    assert present
    assert listed(ROOT, section, option) == present


def test_no_inner_member_escapes() -> None:
    """What lies between domain and applications knows none of its peers, or counts their work."""
    inner = members(ROOT, beneath="packages") - {"cronicorn_domain"}
    inner -= listed(ROOT, "importlinter:contract:counting", "source_modules")

    assert listed(ROOT, "importlinter:contract:strangers", "modules") == inner


def test_no_adapter_is_unprotected() -> None:
    """Every adapter is listed as one that composition modules alone import."""
    adapters = {name for name in members(ROOT) if name.startswith("cronicorn_adapter_")}

    assert listed(ROOT, "importlinter:contract:composition", "protected_modules") == adapters


def test_an_unlisted_member_is_found(tmp_path: Path) -> None:
    """A member is seen by its first Python file, at any depth."""
    planted = tmp_path / "packages/adapter-new/src/cronicorn_adapter_new/inner/module.py"
    planted.parent.mkdir(parents=True)
    planted.touch()

    assert members(tmp_path) == {"cronicorn_adapter_new"}


def test_every_folder_is_a_package() -> None:
    """A folder without ``__init__.py`` would escape every contract, so there is none."""
    assert folders_without_init(ROOT) == set()


def test_a_folder_that_is_no_package_is_found(tmp_path: Path) -> None:
    """A folder of Python files without ``__init__.py`` is seen inside a package that has one."""
    package = tmp_path / "packages/domain/src/cronicorn_domain"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "inner" / "module.py").touch()

    assert folders_without_init(tmp_path) == {"packages/domain/src/cronicorn_domain/inner"}


def test_all_contracts_hold() -> None:
    """``lint-imports`` has nothing to say about the tree as it is."""
    lint = Path(sys.executable).with_name("lint-imports")
    outcome = subprocess.run(
        [lint, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_every_test_names_its_rule() -> None:
    """Each test has a docstring: the rule that it proves, in a sentence."""
    assert silent_tests(ROOT) == set()


def test_a_silent_test_is_found(tmp_path: Path) -> None:
    """A test without docstring is seen in all folders of tests and in a contract suite."""
    own = tmp_path / "packages/domain/tests/inner/test_silent.py"
    suite = tmp_path / "packages/domain/src/cronicorn_domain/testing/clock_contract.py"
    whole = tmp_path / "tests/inner/test_whole.py"
    for file in (own, suite, whole):
        file.parent.mkdir(parents=True)
    own.write_text("def test_aloud():\n    'Says it.'\ndef test_one(): ...\ndef helper(): ...\n")
    suite.write_text("class ClockContract:\n    async def test_two(self): ...\n")
    whole.write_text("def test_three(): ...\n")

    found = {name.rpartition("::")[2] for name in silent_tests(tmp_path)}
    assert found == {"test_one", "test_two", "test_three"}
