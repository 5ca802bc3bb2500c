"""Each member declares what it imports: the environment of the workspace hides what it does not."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
MEMBERS = sorted(path.parent for path in ROOT.glob("*/*/pyproject.toml"))

ONLY_INSIDE_A_TOOL: Mapping[str, str] = {
    "cronicorn_adapter_sql.migrations.env": "Alembic runs it, with its context set up before",
}
"""Modules that cannot be imported by themselves, and why."""

COMES_WITH: Mapping[str, str] = {
    "pydantic-core": "pydantic",  # pinned by it to the letter, and documented as its second half
}
"""Distributions that are declared by declaring another one."""

# Reads the names of modules, one per line, and says for each that fails why it does.
IMPORT_EACH = """
import importlib, sys, traceback
for name in sys.stdin.read().split():
    try:
        importlib.import_module(name)
    except BaseException:
        print(name, traceback.format_exc(), sep=": ")
"""


def project_of(member: Path) -> dict[str, Any]:
    """Read what a member says about itself."""
    described = tomllib.loads((member / "pyproject.toml").read_text("utf-8"))
    project: dict[str, Any] = described["project"]
    return project


def extras_of(member: Path) -> dict[str, list[str]]:
    """Read the optional dependencies of a member."""
    extras: dict[str, list[str]] = project_of(member).get("optional-dependencies", {})
    return extras


def declared(member: Path, *, extras: Collection[str]) -> set[str]:
    """Name the distributions that a member declares, with those of extras, if it has them."""
    requirements = list(project_of(member)["dependencies"])
    for extra in extras:
        requirements += extras_of(member).get(extra, [])
    return {normalized(re.split(r"[^\w.-]", requirement)[0]) for requirement in requirements}


def normalized(distribution: str) -> str:
    """Spell a distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def modules(member: Path) -> dict[str, Path]:
    """Find every module of a member, by its dotted name."""
    source = member / "src"
    return {
        ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted(source.rglob("*.py"))
    }


EXTRAS: Mapping[str, str] = {"testing": "testing"}
"""Packages that need an extra of their member, and which."""


DOES_WITHOUT: Mapping[str, Collection[str]] = {
    "cronicorn_api.composition": ("ai", "traces"),
    "cronicorn_worker.composition": ("ai", "traces"),
}
"""Modules that import extras of their member where they are wanted, and go without where not."""


def extra_for(module: str) -> str:
    """Name the extra that a module needs; empty: none."""
    return next((EXTRAS[part] for part in module.split(".") if part in EXTRAS), "")


def roots_imported_by(path: Path) -> set[str]:
    """Name the top-level packages that a file imports, at any depth of the file."""
    roots: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Import(names=names):
                roots.update(alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(module=str() as module, level=0):
                roots.add(module.partition(".")[0])
            case _:
                pass
    return roots


def undeclared(member: Path) -> set[tuple[str, str]]:
    """Find the imports of packages that came along with somebody else's dependency."""
    providers = dict(packages_distributions()) | {
        f"cronicorn_{each.name.replace('-', '_')}": [f"cronicorn-{each.name}"] for each in MEMBERS
    }
    own = {name.partition(".")[0] for name in modules(member)}
    return {
        (module, root)
        for module, path in modules(member).items()
        for root in roots_imported_by(path) - sys.stdlib_module_names - own
        if declared(member, extras=DOES_WITHOUT.get(module, [extra_for(module)])).isdisjoint(
            COMES_WITH.get(name, name) for name in map(normalized, providers.get(root, []))
        )
    }


def uv(*arguments: str | Path, **variables: str) -> None:
    """Run uv in the workspace."""
    outcome = subprocess.run(
        ["uv", *arguments],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr


@dataclass(frozen=True, slots=True)
class CleanEnvironment:
    """
    An environment that holds what one member declares, and then what the next one does.

    All are tried in one place: what was compiled for one of them is there for the next.
    """

    folder: Path

    def build_members(self) -> None:
        """Build every member; uv does not look for changed sources when it builds for a sync."""
        uv("build", "--all-packages", "--wheel", "--out-dir", self.folder / "wheels")

    def install(self, member: Path, *, extra: str | None = None) -> None:
        """Install what a member declares, as the lock file has it, and nothing besides."""
        name = f"cronicorn-{member.name}"
        options = [f"--package={name}", *([f"--extra={extra}"] if extra else [])]
        environment, wheels = self.folder / "environment", self.folder / "wheels"
        uv(
            *["sync", "--locked", "--no-dev", "--no-install-workspace", "--python", sys.executable],
            *options,
            UV_PROJECT_ENVIRONMENT=str(environment),
        )
        uv("pip", "install", "--python", environment, "--no-index", "--find-links", wheels, name)

    def failures(self, names: Collection[str]) -> str:
        """Import modules, away from the repository, and return what went wrong."""
        python, compiled = self.folder / "environment/bin/python", self.folder / "compiled"
        outcome = subprocess.run(
            [python, "-I", "-X", f"pycache_prefix={compiled}", "-c", IMPORT_EACH],
            cwd=self.folder,
            input="\n".join(sorted(names)),
            capture_output=True,
            text=True,
            check=False,
        )
        return outcome.stdout + outcome.stderr

    def has(self, pattern: str) -> bool:
        """Whether a file is installed."""
        return any(self.folder.glob(f"environment/lib/*/site-packages/{pattern}"))


@pytest.mark.timeout(300)
def test_members_import_alone(tmp_path: Path) -> None:
    """Built and installed with its dependencies only, each module of a member can be imported."""
    environment = CleanEnvironment(tmp_path)
    environment.build_members()
    for member in MEMBERS:
        every = set(modules(member)) - ONLY_INSIDE_A_TOOL.keys()
        optional = {name: extra_for(name) for name in every}
        extras = extras_of(member).keys() & set(optional.values())
        with_extra = {name for name in every if optional[name] in extras}

        environment.install(member)

        assert environment.failures(every - with_extra) == "", member
        assert environment.has(f"cronicorn_{member.name.replace('-', '_')}/py.typed")

        for extra in sorted(extras):
            environment.install(member, extra=extra)
            served = {name for name in with_extra if optional[name] == extra}

            assert environment.failures(served) == "", member


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
def test_a_member_declares_what_it_imports(member: Path) -> None:
    """No member relies on a package that only its dependencies' dependencies bring along."""
    assert undeclared(member) == set()


def test_an_undeclared_import_is_found(tmp_path: Path) -> None:
    """A package that is installed but not declared is seen, inside a function and for tests too."""
    source = tmp_path / "src" / "cronicorn_new"
    (source / "testing").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["rich[x]>=1"]\n'
        "[project.optional-dependencies]\ntesting = [\"pytest ; python_version > '3'\"]\n"
    )
    (source / "module.py").write_text("import os, rich.text\ndef f(): from yarl import URL\n")
    (source / "other.py").write_text("import pytest\nfrom . import module\nimport cronicorn_new\n")
    (source / "testing" / "suite.py").write_text("import pytest, hypothesis\n")

    assert undeclared(tmp_path) == {
        ("cronicorn_new.module", "yarl"),
        ("cronicorn_new.other", "pytest"),
        ("cronicorn_new.testing.suite", "hypothesis"),
    }


def test_a_module_that_cannot_be_imported_is_found(tmp_path: Path) -> None:
    """A failing import is reported by the name of its module, and the others are still tried."""
    uv("venv", "--python", sys.executable, tmp_path / "environment")

    reported = CleanEnvironment(tmp_path).failures(["cronicorn_domain", "json", "cronicorn_worker"])

    assert reported.count("ModuleNotFoundError") == 2
    assert "cronicorn_domain: Traceback" in reported
    assert "cronicorn_worker: Traceback" in reported
